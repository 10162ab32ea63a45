"""What was told in translation is known again by its id."""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.wire.body import split
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.fold import pieces_of
from dd0c_route.wire.neutral.form import Answer, Text, Thinking, ToolCall
from dd0c_route.wire.neutral.responses import RESPONSES
from dd0c_route.wire.neutral.responses.said import Said

ANSWER = Answer(
    id="1",
    model="m",
    parts=(Thinking("Hm", "c2ln", "messages"), Thinking("Ah", "", "chat"), Text("Hi"), ToolCall("c", "look", "{}")),
)
ITEMS = json.loads(RESPONSES.write_answer(ANSWER))["output"]


def asked(said: Said, *items: dict[str, Any]) -> list[dict[str, Any]] | None:
    fields = said.resolved(split(json.dumps({"model": "m", "input": items}).encode()))
    return None if fields is None else json.loads(bytes(fields["input"]))


def named(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "item_reference", "id": item["id"]}


def without_id(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "id"}


def test_an_item_stands_where_it_is_named_whether_it_came_whole_or_in_a_stream() -> None:
    whole, streamed = Said(), Said()
    whole.note(RESPONSES.write_answer(ANSWER))
    writer = RESPONSES.writer(Opening("x", "m", 0))
    for piece in pieces_of(ANSWER):
        streamed.note(writer.feed([piece]))
    streamed.note(writer.end())
    user = {"role": "user", "content": "a"}
    signed, unsigned, *others = ITEMS

    for said in (whole, streamed):
        found = asked(said, user, named(signed), named(unsigned), *map(named, others), user)
        assert found == [user, without_id(signed), *map(without_id, others), user]


def test_what_nobody_told_stays_named() -> None:
    said = Said()
    said.note(RESPONSES.write_answer(ANSWER))
    other = {"type": "item_reference", "id": "msg_other"}

    assert asked(said, other) is None
    assert asked(said, other, named(ITEMS[2])) == [other, without_id(ITEMS[2])]
    assert said.resolved(split(b'{"input": "item_reference"}')) is None
    assert said.resolved(split(b'{"input": [{"role": "user", "content": "an item_reference"}]}')) is None


def test_the_oldest_is_forgotten_when_there_is_too_much() -> None:
    said = Said(most_bytes=1500)
    for number in range(9):
        said.note(json.dumps({"output": [{"id": f"msg_{number}", "type": "message", "x": "a" * 200}]}).encode())

    assert asked(said, {"type": "item_reference", "id": "msg_0"}) is None
    assert asked(said, {"type": "item_reference", "id": "msg_8"}) == [{"type": "message", "x": "a" * 200}]


def test_any_bytes_may_be_noted() -> None:
    said = Said()
    for data in (b"", b"{", b"[]", b'{"output":7}', b'data: {"type":"response.output_item.done"\n', b"{}"):
        said.note(data)
