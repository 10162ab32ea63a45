"""How a model of Anthropic's is told to think: by a number of tokens, or by an effort, as its generation takes it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import Prompt
from dd0c_route.wire.neutral.losses import Losses

LEAST = 1024  # tokens; fewer are refused
_EFFORTS = {"minimal": "low"}


class Thought(NamedTuple):
    """The field `thinking`, and the effort that goes with it; both may be empty."""

    asked: dict[str, Any]
    effort: str = ""

    @property
    def thinks(self) -> bool:
        return self.asked.get("type") in ("enabled", "adaptive")


def thinking_of(prompt: Prompt, aim: Aim, limit: int, losses: Losses) -> Thought:
    """What to ask of the model of *aim*, whose answer may be *limit* tokens long."""
    wanted = prompt.reasoning
    if wanted is None:
        return Thought({})
    if wanted.effort == "none":
        return Thought({"type": "disabled"} if not losses.foreign else {})
    if aim.reasons is False:
        if not wanted.adaptive:  # else it is free to choose, and chooses not to
            losses.add("reasoning", f"{aim.model[:64]} does not think")
        return Thought({})
    if prompt.tool_choice is not None and prompt.tool_choice.mode in ("required", "named"):
        losses.add("reasoning", "it does not think where a tool must be called")
        return Thought({})
    by_budget = wanted.budget is not None and "thinking_budget" not in aim.refuses
    if by_budget or "thinking_adaptive" in aim.refuses:
        return _budgeted(wanted.budget or _TOKENS.get(wanted.effort, _TOKENS["medium"]), limit, losses)
    effort = wanted.effort or _effort(wanted.budget)
    return Thought({"type": "adaptive"}, "" if "effort" in aim.refuses else _EFFORTS.get(effort, effort))


def _budgeted(tokens: int, limit: int, losses: Losses) -> Thought:
    """At most half of the answer is left to thoughts."""
    tokens = max(LEAST, min(tokens, limit // 2))
    if tokens >= limit:
        losses.add("reasoning", f"thoughts take {LEAST} tokens at least, and the answer may have {limit}")
        return Thought({})
    return Thought({"type": "enabled", "budget_tokens": tokens})


def _effort(budget: int | None) -> str:
    """The smallest effort that is worth so many tokens; none is said where the model is to choose for itself."""
    if budget is None:
        return ""
    return next((name for name in ("low", "medium", "high") if budget <= _TOKENS[name]), "high")


def _load_tokens() -> dict[str, int]:
    return tomllib.loads(files(__package__).joinpath("efforts.toml").read_text(encoding="utf-8"))


_TOKENS = _load_tokens()
