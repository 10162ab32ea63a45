"""How thinking is asked for, and what was thought, by all names that speakers of the chat API have for it.

Sources: https://platform.openai.com/docs/guides/reasoning, https://openrouter.ai/docs/use-cases/reasoning-tokens,
https://api-docs.deepseek.com/guides/thinking_mode, https://docs.z.ai/guides/capabilities/thinking-mode,
https://qwen.readthedocs.io/en/latest/deployment/vllm.html, https://docs.mistral.ai/capabilities/reasoning.
"""

from __future__ import annotations

from typing import Any

from dd0c_route.wire.loose import dicts_of, str_of
from dd0c_route.wire.neutral.form import Reasoning
from dd0c_route.wire.neutral.reading import Fields


def asked_of(top: Fields) -> Reasoning | None:
    """OpenAI's word for it, OpenRouter's object, or the switches of DeepSeek, GLM and Qwen."""
    effort, switch = top.text("reasoning_effort"), top.take("enable_thinking", bool)
    budget, shown = None, None
    if (thinking := top.inner("thinking")) is not None:
        switch = {"enabled": True, "disabled": False}.get(thinking.text("type"), switch)
        thinking.done(("clear_thinking",))
    if (asked := top.inner("reasoning")) is not None:
        effort, budget = effort or asked.text("effort"), asked.take("max_tokens", int)
        switch, hidden = asked.take("enabled", bool), asked.take("exclude", bool)
        shown = None if hidden is None else not hidden
        switch = True if switch is None else switch
        asked.done(("summary",))
    if effort or budget is not None:
        return Reasoning("none" if switch is False else effort, budget, shown=shown)
    return None if switch is None else Reasoning("" if switch else "none", adaptive=switch, shown=shown)


def thought_of(part: dict[str, Any]) -> str:
    """The thought that a part of the content is, as Mistral writes them, or nothing."""
    if part.get("type") != "thinking":
        return ""
    thinking = part.get("thinking")
    return "".join([str_of(inner.get("text")) for inner in dicts_of(thinking)]) or str_of(thinking)
