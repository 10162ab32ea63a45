"""`additionalModelRequestFields`: what only some makers' models take, in the words of each maker.

Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/ (model-parameters-anthropic-claude-messages, claude on
extended and adaptive thinking) and https://docs.aws.amazon.com/nova/latest/ (userguide/complete-request-schema,
nova2-userguide/extended-thinking).
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Raw, Struct, structs

from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import Prompt, Reasoning
from dd0c_route.wire.neutral.losses import Losses
from dd0c_route.wire.neutral.messages.thinking import thinking_of
from dd0c_route.wire.neutral.reading import Fields, decoded

CLAUDE = re.compile(r".*\b(?:anthropic|claude)\b.*")
NOVA = re.compile(r".*\bamazon\.nova\b.*")
_BY_EFFORT = re.compile(r".*\b(?:openai\.gpt-oss|deepseek|qwen)\b.*")  # `reasoning_effort`, as at OpenAI
_NOVA_EFFORTS = {"minimal": "low", "xhigh": "high", "max": "high"}


class Extra(Struct, frozen=True):
    """What a request says there and other dialects can say too."""

    top_k: int | None = None
    reasoning: Reasoning | None = None

    def reasoning_with(self, effort: str) -> Reasoning | None:
        """*effort*: what the request's own `outputConfig` says."""
        if not effort:
            return self.reasoning
        return structs.replace(self.reasoning or Reasoning(), effort=effort)


def extra_of(fields: Fields | None) -> Extra:
    """What is not known is noted as lost, each field by its name."""
    if fields is None:
        return Extra()
    top_k, inner = fields.take("top_k", int), fields.inner("inferenceConfig")
    if inner is not None:
        top_k = inner.take("topK", int) if top_k is None else top_k
        inner.done()
    effort = fields.text("reasoning_effort")
    if (config := fields.inner("output_config")) is not None:
        effort = config.text("effort") or effort
        config.done()
    reasoning = Reasoning(effort=effort) if effort else None
    thinking = fields.inner("thinking")
    if older := fields.raw("reasoning_config"):  # Claude's older name for it, and others' for a mere effort
        if older.startswith(b'"'):
            reasoning = Reasoning(effort=decoded(older, str, fields.place("reasoning_config")))
        else:
            place = fields.place("reasoning_config")
            thinking = fields.below(decoded(older, dict[str, Raw], place), "reasoning_config")
    if thinking is not None:
        kind, budget = thinking.text("type"), thinking.take("budget_tokens", int)
        display = thinking.text("display")
        thinking.done()
        reasoning = Reasoning(effort, budget, kind == "adaptive", None if not display else display != "omitted")
        if kind == "disabled":
            reasoning = Reasoning(effort="none")
    if (nova := fields.inner("reasoningConfig")) is not None:
        on = nova.text("type") == "enabled"
        reasoning = Reasoning(effort=nova.text("maxReasoningEffort") or "medium") if on else Reasoning(effort="none")
        nova.done()
    fields.done(("anthropic_beta",))  # names what is used, not what is asked
    return Extra(top_k, reasoning)


def extra_for(prompt: Prompt, aim: Aim, limit: int, losses: Losses) -> tuple[dict[str, Any], bool]:
    """The fields for the model of *aim*, and whether they make it think. *limit*: tokens of its answer."""
    out: dict[str, Any] = {}
    model, thinks = aim.model.lower(), False
    if CLAUDE.match(model):
        thought = thinking_of(prompt, aim, limit, losses)
        thinks = thought.thinks
        out |= {"thinking": thought.asked} if thought.asked else {}
        out |= {"output_config": {"effort": thought.effort}} if thought.effort else {}
    elif (wanted := prompt.reasoning) is not None and not _is_off(wanted):
        effort = wanted.effort or _effort(wanted.budget)
        if NOVA.match(model) and aim.reasons is not False and effort:
            effort = _NOVA_EFFORTS.get(effort, effort)
            out["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
        elif _BY_EFFORT.match(model) and effort:
            out["reasoning_effort"] = _NOVA_EFFORTS.get(effort, effort)
        elif not wanted.adaptive:
            losses.add("reasoning", f"nobody knows how {aim.model[:64]} is told to think")
    return out | _top_k(prompt, aim, model, losses, thinks=thinks), thinks


def _is_off(wanted: Reasoning) -> bool:
    """Nothing that is asked for: models do not think unless they are told to."""
    return wanted.effort == "none" or not (wanted.effort or wanted.budget or wanted.adaptive)


def _effort(budget: int | None) -> str:
    if budget is None:
        return ""
    return "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"


def _top_k(prompt: Prompt, aim: Aim, model: str, losses: Losses, *, thinks: bool) -> dict[str, Any]:
    if prompt.top_k is None:
        return {}
    if CLAUDE.match(model) and not thinks and "sampling" not in aim.refuses:
        return {"top_k": prompt.top_k}
    if NOVA.match(model):
        return {"inferenceConfig": {"topK": prompt.top_k}}
    losses.add("top_k", f"{aim.model[:64]} does not take it here")
    return {}
