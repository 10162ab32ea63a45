"""How much a model is to think, as a word: OpenAI's way to say it, and that of all who followed."""

from __future__ import annotations

from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import Prompt
from dd0c_route.wire.neutral.losses import Losses

_WORDS = {"max": "xhigh"}


def effort_of(prompt: Prompt, aim: Aim, losses: Losses) -> str:
    """`none` … `xhigh`, or nothing. A model that is to choose for itself is told nothing."""
    asked = prompt.reasoning
    if asked is None or (asked.effort == "none" and aim.reasons is not True):
        return ""
    if aim.reasons is False:
        if not asked.adaptive:
            losses.add("reasoning", f"{aim.model[:64]} does not think")
        return ""
    if asked.effort:
        return _WORDS.get(asked.effort, asked.effort)
    if asked.budget is None:
        return ""
    return "low" if asked.budget <= 4096 else "medium" if asked.budget <= 16384 else "high"
