"""The process that counts beside the worker: its answers, one for each question, whatever the question holds."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.auditing import LENGTHS, Head, audit, main
from dd0c_route.types import Audit

HEAD = Head("dd_1", "acme", "gpt-4o", "openai.chat", 11, 3)
BODY = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hello."}]}).encode()


def asked(*questions: tuple[Head, bytes, bytes]) -> list[Any]:
    """The lines that come back."""
    source, sink = io.BytesIO(), io.BytesIO()
    for head, body, text in questions:
        encoded = msgspec.json.encode(head)
        source.write(LENGTHS.pack(len(encoded), len(body), len(text)) + encoded + body + text)
    source.seek(0)
    main(source, sink)
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_a_call_is_counted_with_its_answer_and_its_traits() -> None:
    (line,) = asked((HEAD, BODY, b"Hello there!"))
    found = msgspec.convert(line, Audit)
    assert (found.id, found.provider, found.model, found.api, found.reported) == (
        "dd_1",
        "acme",
        "gpt-4o",
        "openai.chat",
        11,
    )
    assert found.count.exactness == "exact"
    assert found.kind == "text"
    assert found.answer is not None
    assert found.answer_reported == 3


def test_an_answer_that_is_not_asked_about_is_not_counted() -> None:
    found = audit(msgspec.structs.replace(HEAD, answer_reported=0), BODY, "Hello")
    assert found is not None
    assert found.answer is None


def test_what_cannot_be_read_is_answered_with_nothing_and_the_next_is_counted() -> None:
    first, second = asked((HEAD, b"[1, 2", b""), (HEAD, BODY, b""))
    assert first is None
    assert second["id"] == "dd_1"


def test_nothing_of_the_prompt_or_the_answer_is_in_what_comes_back() -> None:
    (line,) = asked((HEAD, BODY, b"Hello there!"))
    assert "hello" not in json.dumps(line).lower()


@given(st.lists(st.tuples(st.binary(max_size=60), st.binary(max_size=60)), max_size=4))
def test_questions_and_answers_stay_in_step(texts: list[tuple[bytes, bytes]]) -> None:
    assert len(asked(*((HEAD, body, text) for body, text in texts))) == len(texts)
