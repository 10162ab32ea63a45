"""How a model of Google's is told to think: by a number of tokens, or since Gemini 3 by a level.

Source: https://ai.google.dev/gemini-api/docs/thinking; the numbers for efforts are those of Google's endpoint for
OpenAI's clients (https://ai.google.dev/gemini-api/docs/openai).
"""

from __future__ import annotations

import re
from typing import Any

from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import Prompt, Reasoning
from dd0c_route.wire.neutral.losses import Losses

_BY_BUDGET = re.compile(r".*gemini-[12]\b.*")
_MOST = 24_576  # tokens that all of those models take
_TOKENS = {"minimal": 1024, "low": 1024, "medium": 8192}
_LEVELS = {"none": "minimal", "xhigh": "high", "max": "high"}


def thinking_of(prompt: Prompt, aim: Aim, losses: Losses) -> dict[str, Any]:
    """The field `thinkingConfig`, which may be empty."""
    wanted = prompt.reasoning
    if wanted is None:
        return {}
    if aim.reasons is False:
        if wanted.effort != "none" and not wanted.adaptive:
            losses.add("reasoning", f"{aim.model[:64]} does not think")
        return {}
    out = _amount(wanted, by_budget=_BY_BUDGET.match(aim.model) is not None, can_rest="thinking_off" not in aim.refuses)
    if out is None:
        losses.add("reasoning", f"{aim.model[:64]} cannot be told not to think")
        return {}
    shown = wanted.shown if wanted.shown is not None else prompt.dialect == "messages" and wanted.effort != "none"
    return out | ({"includeThoughts": True} if shown else {})


def _amount(wanted: Reasoning, *, by_budget: bool, can_rest: bool) -> dict[str, Any] | None:
    if wanted.effort == "none" and by_budget:
        return {"thinkingBudget": 0} if can_rest else None
    if wanted.budget is not None:
        return {"thinkingBudget": min(wanted.budget, _MOST)}
    if by_budget:
        if wanted.adaptive or not wanted.effort:
            return {"thinkingBudget": -1} if wanted.adaptive else {}
        return {"thinkingBudget": _TOKENS.get(wanted.effort, _MOST)}
    return {"thinkingLevel": _LEVELS.get(wanted.effort, wanted.effort).upper()} if wanted.effort else {}
