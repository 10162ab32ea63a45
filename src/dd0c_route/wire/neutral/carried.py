"""What of a prompt is taken in the same way by the writers of several dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Raw

from dd0c_route.wire.neutral.form import Foreign, Prompt, Text, Tool, Turn
from dd0c_route.wire.neutral.losses import Losses


def instructed(prompt: Prompt, is_said: Callable[[str], object] = str.strip) -> tuple[list[Text], list[Turn]]:
    """What instructs, and the rest. What instructs in mid-conversation keeps its weight, and loses its place.

    Where there is nothing else, the last instruction is what is asked: a request without a message is refused.

    Args:
        is_said: Tells of a text whether it says anything. Most providers refuse blank ones.
    """
    system = list(prompt.system)
    turns = [turn for turn in prompt.turns if turn.role != "system"]
    for turn in prompt.turns:
        if turn.role == "system":
            system += [part for part in turn.parts if isinstance(part, Text)]
    system = [text for text in system if is_said(text.text)]
    if not turns and system:
        turns.append(Turn("user", (system.pop(),)))
    return system, turns


def offered(prompt: Prompt, own: str, losses: Losses, *, free_text: bool = False) -> Iterator[Tool | Raw]:
    """The tools that dialect *own* can be given, in their order: its own as they are. The others are lost.

    Args:
        free_text: It has tools that take free text.
    """
    for tool in prompt.tools:
        if isinstance(tool, Foreign):
            if tool.dialect == own:
                yield Raw(tool.raw)
            else:
                losses.add(f"tools: {tool.kind}", "only its own provider has this tool")
        elif tool.custom and not free_text:
            losses.add(f"tools: {tool.name}", "it has no tools that take free text")
        else:
            yield tool
