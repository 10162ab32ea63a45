"""OpenAI's chat and completions, in streams and whole."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Output
from tests.wire.examples import CHAT, CHAT_USAGE, SSE, chunk, read, read_json

DONE = b"data: [DONE]\n\n"


def delta(**fields: Any) -> bytes:
    return chunk(choices=[{"index": 0, "delta": fields}])


def test_a_stream_is_read_whole() -> None:
    meter = read("openai.chat", SSE, CHAT)
    assert meter.output_at() == Output(text="Grüß dich 😀")
    assert meter.served_model == "m-1"
    assert meter.finished
    report = meter.reported
    assert report is not None
    assert (report.usage, report.final, report.consistent) == (Usage(input=7, output=3), True, True)


def test_without_a_usage_chunk_nothing_is_reported() -> None:
    meter = read("openai.chat", SSE, chunk("a") + DONE)
    assert meter.reported is None
    assert meter.finished


def test_usage_in_every_chunk_is_cumulative_and_final_with_the_finish_reason() -> None:
    def counted(n: int, **choice: Any) -> bytes:
        usage = {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n}
        return chunk(choices=[{"index": 0, "delta": {"content": "x"}, **choice}], usage=usage)

    cut = read("openai.chat", SSE, counted(1) + counted(2)).reported
    whole = read("openai.chat", SSE, counted(1) + counted(2) + counted(3, finish_reason="stop")).reported
    assert cut is not None
    assert (cut.usage.output, cut.final) == (2, False)
    assert whole is not None
    assert (whole.usage.output, whole.final) == (3, True)


@pytest.mark.parametrize("empty", [None, {}])
def test_an_empty_usage_takes_nothing_back(empty: dict[str, Any] | None) -> None:
    report = read("openai.chat", SSE, chunk(choices=[], usage=CHAT_USAGE) + chunk("", usage=empty) + DONE).reported
    assert report is not None
    assert report.usage == Usage(input=7, output=3)


def test_groq_reports_in_a_field_of_its_own() -> None:
    last = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], x_groq={"usage": CHAT_USAGE})
    report = read("openai.chat", SSE, chunk("a", x_groq={"id": "r"}) + last + DONE).reported
    assert report is not None
    assert report.usage == Usage(input=7, output=3)


@pytest.mark.parametrize(
    ("piece", "output"),
    [
        ({"content": "a"}, Output(text="a")),
        ({"refusal": "no"}, Output(text="no")),
        ({"reasoning": "hm"}, Output(reasoning="hm")),
        ({"reasoning_content": "hm", "content": None}, Output(reasoning="hm")),
        ({"reasoning": "hm", "reasoning_content": "hm", "content": "a"}, Output(text="a", reasoning="hm")),
        ({"audio": {"transcript": "hi"}}, Output(text="hi")),
        ({"content": [{"type": "text", "text": "a"}]}, Output(text="a")),
        ({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}]}, Output(reasoning="hm")),
        ({"tool_calls": [{"function": {"name": "f", "arguments": '{"a"'}}]}, Output(tools='f{"a"')),
        ({"tool_calls": [{"function": {"name": None, "arguments": ":1}"}}]}, Output(tools=":1}")),
        ({"tool_calls": [{"type": "custom", "custom": {"name": "f", "input": "x"}}]}, Output(tools="fx")),
        ({"function_call": {"name": "f", "arguments": "{}"}}, Output(tools="f{}")),
    ],
)
def test_every_kind_of_piece_is_output_in_a_stream_and_in_a_message(piece: dict[str, Any], output: Output) -> None:
    streamed = read("openai.chat", SSE, delta(role="assistant") + delta(**piece))
    whole = read_json("openai.chat", choices=[{"message": {"role": "assistant", **piece}}])
    assert streamed.output_at() == whole.output_at() == output
    assert streamed.has_output
    assert whole.has_output


def test_a_role_alone_is_no_output() -> None:
    assert not read("openai.chat", SSE, delta(role="assistant", content="")).has_output


def test_a_message_that_repeats_the_deltas_is_not_counted_with_them() -> None:
    both = {"index": 0, "delta": {"content": "b"}, "message": {"role": "assistant", "content": "ab"}}
    assert read("openai.chat", SSE, chunk("a") + chunk(choices=[both])).output_at().text == "ab"
    assert read_json("openai.chat", choices=[{**both, "delta": {"content": ""}}]).output_at().text == "ab"


def test_completions_have_text_in_their_choices() -> None:
    assert read("openai.completions", SSE, chunk(choices=[{"text": "a"}, {"text": "b"}])).output_at().text == "ab"
    assert read_json("openai.completions", choices=[{"text": "ab"}]).output_at().text == "ab"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "secret", "type": "server_error"}, "server_error"),
        ({"message": "secret", "code": 502}, "502"),
        ({"message": "secret"}, "error"),
        ("secret", "error"),
    ],
)
def test_an_error_is_known_by_its_type_never_by_its_message(error: object, kind: str) -> None:
    assert read("openai.chat", SSE, chunk("a") + chunk(error=error)).error == kind
    assert read_json("openai.chat", error=error).error == kind


def test_a_choice_may_carry_the_error() -> None:
    assert read("openai.chat", SSE, chunk(choices=[{"error": {"code": 400}}])).error == "400"


def test_embedding_vectors_are_not_decoded() -> None:
    meter = read(
        "openai.embeddings", "application/json", b'{"data":[{"embedding":"\xff"}],"usage":{"prompt_tokens":2}}'
    )
    assert meter.reported is not None
    assert meter.reported.usage == Usage(input=2)


@pytest.mark.parametrize("more", [{}, {"delta_is_odd": 1}])
def test_a_choice_that_says_its_text_twice_is_counted_once(more: dict[str, Any]) -> None:
    """Together sends the text of completions beside the delta of chat."""
    said = chunk(choices=[{"text": "a", "delta": {"content": "a"}, **more}], error=None)
    assert read("openai.chat", SSE, said).output_at().text == "a"
    slow = chunk(choices=[{"text": "a", "delta": {"content": "a", "audio": {"transcript": ""}}}])
    assert read("openai.chat", SSE, slow).output_at().text == "a"
