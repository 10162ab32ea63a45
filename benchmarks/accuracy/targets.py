"""What is to be reached, and by which classes it is judged."""

from __future__ import annotations

import re
from typing import NamedTuple


class Target(NamedTuple):
    """A line of the first table.

    Attributes:
        rows: Matches the names of the classes that it is judged by.
        field: Which share of `Errors`.
        least: The share to reach, 0..1.
    """

    what: str
    rows: re.Pattern[str]
    field: str
    least: float


WORDS = {"exact": "exact", "within": "within 1 %", "near": "within 1 % or 2 tokens"}


def target(what: str, rows: str, field: str, least: float) -> Target:
    return Target(what, re.compile(rows), field, least)


TARGETS = (
    target("OpenAI, text", r"^OpenAI (chat|responses), .*: text$", "exact", 0.98),
    target("Claude 3 to 4.6, text", r"^Claude 3 to 4\.6: text$", "within", 0.92),
    target("Claude 3 to 4.6, text", r"^Claude 3 to 4\.6: text$", "near", 0.95),
    target("Claude 4.7 and later, text", r"^Claude 4\.7 and later: text$", "near", 0.95),
    target("288 languages, Claude 3", r"^288 languages: claude-opus-4-5$", "exact", 0.99),
    target("288 languages, Claude 4.7", r"^288 languages: claude-opus-4-7$", "exact", 0.99),
    target("288 languages, Claude 5", r"^288 languages: claude-opus-5$", "exact", 0.99),
    target("Claude, tools, first turn", r"^Claude [^,]*: tools$", "within", 0.85),
    target("gpt-3.5 to 4.1, tools, first turn", r"^OpenAI (chat|responses), gpt-3\.5 to 4\.1: tools$", "within", 0.88),
    target("Gemini, text", r"^Gemini, .*: text$", "exact", 0.95),
    target("answers of Claude", r"^answer: Claude [^,]*$", "near", 0.98),
    target("answers of Gemini", r"^answer: Gemini", "near", 0.98),
    target("answers of gpt-3.5 to 4.1", r"^answer: OpenAI .*, gpt-3\.5 to 4\.1$", "near", 0.96),
)
