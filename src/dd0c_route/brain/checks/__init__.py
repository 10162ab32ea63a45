"""Checks of an answer that cost next to nothing: was the form kept that the request asked for?"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.brain.checks.expected import Expected, expected
from dd0c_route.brain.checks.odds import Rates, after, rates_of
from dd0c_route.brain.checks.said import Said, said
from dd0c_route.brain.checks.schema import fits

__all__ = ["Expected", "Said", "Verdict", "agree", "check", "checks_for", "expected", "said"]

_REFUSAL_CHARS = 160
_TIGHT_LIMIT = 256  # output tokens: who allows so few expects answers to be cut
_PHRASES = Path(__file__).with_name("refusals.toml")


class Verdict(Struct, frozen=True):
    """Which checks an answer failed and which it passed, by name."""

    failed: tuple[str, ...]
    passed: tuple[str, ...]

    def p_good(self, before: float, learned: Mapping[str, Rates] | None = None) -> float:
        """The probability of a good answer, *before* being what it was without the checks.

        Args:
            learned: Error rates as they were learned here; those that we ship hold for the others.
        """
        learned = learned or {}
        for name in self.failed:
            before = after(before, (learned.get(name) or rates_of(name)).failed())
        for name in self.passed:
            before = after(before, (learned.get(name) or rates_of(name)).passed())
        return before


def checks_for(wanted: Expected) -> frozenset[str]:
    """The checks that an answer to such a request can be put to."""
    names = {"answered", "unrefused"}
    if wanted.output_limit is None or wanted.output_limit > _TIGHT_LIMIT:
        names.add("complete")
    if wanted.json:
        names.add("json" if wanted.schema is None else "schema")
    if wanted.tools:
        names.add("tool_call")
    return frozenset(names)


def check(wanted: Expected, answer: Said) -> Verdict:
    """Put *answer* to the checks of `checks_for`."""
    names = sorted(checks_for(wanted))
    results = {name: _passes(name, wanted, answer) for name in names}
    return Verdict(
        failed=tuple(name for name in names if not results[name]),
        passed=tuple(name for name in names if results[name]),
    )


def agree(one: Said, other: Said) -> bool:
    """Two answers say the same: the same calls, and the same text but for case and white space."""
    return one.calls == other.calls and _plain(one.text) == _plain(other.text)


def _passes(name: str, wanted: Expected, answer: Said) -> bool:
    match name:
        case "answered":
            return bool(answer.calls) or bool(answer.text.strip())
        case "complete":
            return answer.ending != "cut"
        case "unrefused":
            return answer.ending != "refused" and not (not answer.calls and _refuses(answer.text))
        case "json":
            return bool(answer.calls) or _json(answer.text) is not _NO_JSON
        case "schema":
            value = _json(answer.text)
            return bool(answer.calls) or (value is not _NO_JSON and fits(value, wanted.schema))
        case _:
            return _calls_well(wanted, answer)


def _calls_well(wanted: Expected, answer: Said) -> bool:
    if wanted.must_call and not answer.calls:
        return False
    return all(
        call.name in wanted.tools and isinstance(call.arguments, dict) and fits(call.arguments, wanted.tools[call.name])
        for call in answer.calls
    )


_NO_JSON = object()


def _json(text: str) -> Any:
    """The JSON that *text* is, or `_NO_JSON`. A fence around it is a fault: callers parse it as it is."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NO_JSON


@cache
def _phrases() -> tuple[str, ...]:
    return tuple(tomllib.loads(_PHRASES.read_text(encoding="utf-8"))["phrases"])


def _refuses(text: str) -> bool:
    beginning = _plain(text[:_REFUSAL_CHARS]).replace("\u2019", "'")
    return any(phrase in beginning for phrase in _phrases())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
