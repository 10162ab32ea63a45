"""Every recorded exchange of chat and Messages, through every other dialect and back: the meaning is kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.meter import meter_for
from dd0c_route.wire.neutral import DIALECTS, Aim, Opening
from dd0c_route.wire.neutral.dialect import Dialect
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import Answer, Begin, Fault, Piece, Refusal, Text, Thinking, ToolCall
from tests.wire.corpus import body_of, records

PAIRS = [(api, other) for api in DIALECTS for other in DIALECTS if api != other]
# Several choices, sound, compaction: what is asked for only where nothing is translated.
_UNTRANSLATED = (b'"transcript"', b'"compaction"')
OPENING = Opening("opening", "opened", 1_700_000_000)


def pieces_of(dialect: Dialect, body: bytes) -> list[Piece]:
    reader = dialect.reader()
    return reader.feed(body) + reader.end()


def said(answer: Answer) -> dict[str, Any]:
    """What must survive: text, thoughts, calls with their arguments as JSON, and token totals."""
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    usage = answer.usage
    return {
        "text": "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal)),
        "thoughts": "".join(part.text for part in answer.parts if isinstance(part, Thinking)),
        "calls": [(call.id, call.name, msgspec.json.decode(call.arguments or "{}")) for call in calls],
        "totals": None if usage is None else (usage.input_total, usage.cache_read, usage.output_total, usage.reasoning),
    }


@pytest.mark.parametrize(("api", "other"), PAIRS)
def test_every_recorded_answer_says_the_same_in_the_other_dialect(api: str, other: str) -> None:
    ours, theirs = DIALECTS[other], DIALECTS[api]
    seen = 0
    for record in records(api):
        if record.get("status", 200) >= 400:
            continue
        kind, body = body_of(record)
        if kind == "application/json" and b'"error"' in body[:40]:
            continue
        if kind == "application/json":
            answer = theirs.read_answer(body)
            back = ours.read_answer(ours.write_answer(answer))
        else:
            pieces = pieces_of(theirs, body)
            if any(isinstance(piece, Fault) for piece in pieces) or not any(isinstance(p, Begin) for p in pieces):
                continue
            answer = answer_of(pieces)
            writer = ours.writer(OPENING)
            back = answer_of(pieces_of(ours, writer.feed(pieces) + writer.end()))
        if any(isinstance(part, ToolCall) and part.custom for part in answer.parts):
            continue  # free text, which only chat has
        assert said(back) == said(answer), record.get("id")
        seen += 1
    assert seen > 20


@pytest.mark.parametrize("api", list(DIALECTS))
def test_every_recorded_answer_is_read_as_the_meter_reads_it(api: str) -> None:
    dialect = DIALECTS[api]
    for record in records(api):
        kind, body = body_of(record)
        if record.get("status", 200) >= 400 or (kind == "application/json" and b'"error"' in body[:40]):
            continue
        meter = meter_for(api, kind, "")
        meter.whole(body)
        several = record["request"].get("n", 1) != 1
        if meter.error is not None or several or any(word in body.replace(b" ", b"") for word in _UNTRANSLATED):
            continue
        answer = dialect.read_answer(body) if kind == "application/json" else answer_of(pieces_of(dialect, body))
        refused = "".join(getattr(part, "text", "") for part in answer.parts if not isinstance(part, Thinking))
        assert refused == meter.output_at().text, record.get("id")
        if meter.reported is not None and meter.reported.final:
            assert answer.usage == meter.reported.usage


@pytest.mark.parametrize(("api", "other"), PAIRS)
def test_every_recorded_request_is_whole_in_the_other_dialect_or_says_what_is_not(api: str, other: str) -> None:
    ours, theirs = DIALECTS[api], DIALECTS[other]
    whole = refused = 0
    for record in records(api):
        body = msgspec.json.encode(record["request"])
        try:
            prompt = ours.read_request(split(body))
        except BadRequest:
            refused += 1
            continue
        written = theirs.write_request(prompt, Aim("a-model"))
        theirs.read_request(split(written.body))
        whole += not written.losses
    assert whole > 20
    assert refused <= whole // 20
