"""Did the answer that the client got keep the form that was asked for? A weak label of it. Pure."""

from __future__ import annotations

from dd0c_route.brain.checks import Said, check, expected
from dd0c_route.brain.checks.said import ToolCall
from dd0c_route.types import Call, Label, Usage
from dd0c_route.wire.answer import Output

MOST_CHARS = 64 << 10  # of an answer that is checked, so that it takes no more than a millisecond
SOURCE = "form"


def checks_of(call: Call, output: Output, usage: Usage) -> dict[str, bool]:
    """Each check that the answer can be put to, and whether it passes; empty where there is none.

    A stream's pieces do not tell one tool's call from the next, so calls are taken to be as they should.
    """
    wanted = expected(call.api, call.fields)
    if wanted is None or len(output.text) > MOST_CHARS:
        return {}
    cut = wanted.output_limit is not None and usage.output_total >= wanted.output_limit
    calls = (ToolCall("", None),) if output.tools else ()
    verdict = check(wanted, Said(output.text, calls, "cut" if cut else ""))
    found = dict.fromkeys(verdict.passed, True) | dict.fromkeys(verdict.failed, False)
    return {name: passed for name, passed in sorted(found.items()) if not (calls and name == "tool_call")}


def form_label(call: Call, checks: dict[str, bool], at: str) -> Label:
    """What *checks* say of the answer to *call*."""
    return Label(float(all(checks.values())), SOURCE, "check", at, checks=checks, id=call.id)
