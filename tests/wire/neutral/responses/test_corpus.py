"""Every recorded exchange of the Responses API, read and written again: it says the same and keeps what only it has."""

from __future__ import annotations

import msgspec
from msgspec import structs

from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import Aim
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import Answer, Foreign, Prompt, Thinking, ToolCall
from dd0c_route.wire.neutral.responses import RESPONSES
from tests.wire.corpus import body_of, records
from tests.wire.neutral.meaning import asked, said

JSON = "application/json"


def read(body: bytes) -> Prompt:
    return RESPONSES.read_request(split(body))


def foreign(answer: Answer) -> list[Foreign]:
    return [part for part in answer.parts if isinstance(part, Foreign)]


def test_every_recorded_request_asks_the_same_when_it_is_written_again() -> None:
    seen = 0
    for record in records("openai.responses"):
        prompt = read(msgspec.json.encode(record["request"]))
        again = read(RESPONSES.write_request(prompt, Aim(prompt.model, "openai")).body)
        assert asked(again) == asked(prompt), record["id"]
        assert again.tools == prompt.tools
        assert {name: msgspec.json.decode(raw) for name, raw in again.extras.items()} == {
            name: msgspec.json.decode(raw) for name, raw in prompt.extras.items()
        }
        sealed = [part.signature for turn in prompt.turns for part in turn.parts if isinstance(part, Thinking)]
        assert [part.signature for turn in again.turns for part in turn.parts if isinstance(part, Thinking)] == [
            signature for signature in sealed if signature
        ]
        seen += 1
    assert seen > 500


def test_every_recorded_answer_says_the_same_when_it_is_written_again() -> None:
    seen = 0
    for record in records("openai.responses"):
        kind, body = body_of(record)
        if kind == JSON:
            answer = RESPONSES.read_answer(body)
            back = RESPONSES.read_answer(RESPONSES.write_answer(answer))
            assert back.parts == answer.parts, record["id"]
            assert foreign(back) == foreign(answer)
        else:
            reader, writer = RESPONSES.reader(), RESPONSES.writer(Opening("x", "m", 0))
            pieces = reader.feed(body) + reader.end()
            answer = answer_of(pieces)
            reader = RESPONSES.reader()
            back = answer_of(reader.feed(writer.feed(pieces) + writer.end()) + reader.end())
        assert said(back) == said(answer)
        calls = [part.id for part in answer.parts if isinstance(part, ToolCall)]
        assert [part.id for part in back.parts if isinstance(part, ToolCall)] == calls
        assert structs.replace(back, parts=(), usage=None) == structs.replace(answer, parts=(), usage=None)
        seen += 1
    assert seen > 500
