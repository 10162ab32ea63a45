"""What a call used and what that costs, for every way in which a call can end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.statement import Account, Facts, account
from dd0c_route.tokens import count_request, count_text
from dd0c_route.types import Target, Usage
from dd0c_route.wire.meter import Meter, meter_for
from tests.proxy.examples import call
from tests.wire.examples import ANTHROPIC, CHAT, JSON, SSE, chunk

CALL = call()
CLAUDE = call(b'{"model":"claude-haiku-4-5","messages":[]}', dialect="anthropic", api="anthropic.messages")
TARGET = Target("acme", "gpt-4o")
PROMPT = count_request(CALL.api, CALL.fields, TARGET.model).tokens


def read(api: str, body: bytes, kind: str = SSE) -> Meter:
    meter = meter_for(api, kind, "")
    meter.feed(body)
    meter.end()
    return meter


def facts(meter: Meter | None, body_bytes: int, **how: Any) -> Facts:
    settings: dict[str, Any] = {
        "sent": True,
        "status": 200,
        "meter": meter,
        "answered": True,
        "delivered_bytes": body_bytes,
        "body_bytes": body_bytes,
        "whole_json": False,
    }
    return Facts(**(settings | how))


# --- complete -----------------------------------------------------------------------------------------------


def test_of_a_complete_answer_the_providers_report_is_the_truth() -> None:
    got = account(CALL, TARGET, facts(read("openai.chat", CHAT), len(CHAT)))

    assert got.usage == Usage(input=7, output=3)
    assert (got.usage_source, got.error_band) == ("provider_final", None)
    assert (got.delivered, got.received, got.billable) == (3, 3, 3)
    assert got.reported is not None


def test_a_complete_answer_without_a_report_is_counted_and_says_so() -> None:
    stream = chunk("Hello there, whoever you are.") + b"data: [DONE]\n\n"

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream)))

    count = count_text("Hello there, whoever you are.", TARGET.model)
    assert got.usage == Usage(input=PROMPT, output=count.tokens)
    assert got.usage_source in ("local_exact", "local_estimated")
    assert got.delivered == got.received == got.billable == count.tokens
    if got.usage_source == "local_estimated":
        assert got.error_band is not None
        assert got.error_band[0] <= got.usage.input_total + got.usage.output_total <= got.error_band[1]


def test_a_whole_answer_without_a_report_has_an_end_and_a_cut_one_has_none() -> None:
    stream = chunk("Hello there") + b"data: [DONE]\n\n"
    answer, target = read("openai.chat", stream), Target("acme", "claude-haiku-4-5")
    text = count_text("Hello there", target.model).tokens

    whole = account(CALL, target, facts(answer, len(stream)))
    cut = account(CALL, target, facts(answer, len(stream), answered=False))

    assert (whole.usage.output, whole.billable) == (text + 3, text + 3)
    assert (cut.usage.output, cut.received) == (text, text)


def test_reasoning_stays_apart_where_the_provider_tells_it_apart() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 6}}
    stream = chunk("x") + chunk(choices=[], usage=usage)

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream)))

    assert got.usage == Usage(input=5, output=3, reasoning=6)
    assert got.delivered == 9


# --- the client left ------------------------------------------------------------------------------------------


def test_a_client_that_left_in_mid_stream_is_billed_what_it_got() -> None:
    stream = chunk("one two three four five six") + chunk(" seven eight nine ten eleven twelve")
    first = len(chunk("one two three four five six"))

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream), answered=False, delivered_bytes=first))

    delivered = count_text("one two three four five six", TARGET.model).tokens
    received = count_text("one two three four five six seven eight nine ten eleven twelve", TARGET.model).tokens
    assert got.usage == Usage(input=PROMPT, output=delivered)
    assert (got.delivered, got.received, got.billable) == (delivered, received, received)
    assert got.usage_source.startswith("local_")


def test_half_an_event_delivers_nothing_of_it() -> None:
    stream = chunk("one two three") + chunk(" four five six")
    cut = len(stream) - 3

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream), answered=False, delivered_bytes=cut))

    assert got.delivered == count_text("one two three", TARGET.model).tokens < got.received


def test_a_client_that_left_before_the_first_byte_leaves_only_its_prompt() -> None:
    got = account(CALL, TARGET, facts(None, 0, answered=False, status=0))

    assert got.usage == Usage(input=PROMPT)
    assert (got.delivered, got.received, got.billable) == (0, 0, 0)
    assert got.usage_source.startswith("local_")


def test_between_the_head_and_the_first_event_too() -> None:
    got = account(CALL, TARGET, facts(meter_for("openai.chat", SSE, ""), 0, answered=False))

    assert got.usage == Usage(input=PROMPT)


def test_what_was_never_sent_costs_nothing() -> None:
    assert account(CALL, TARGET, facts(None, 0, sent=False, status=0, answered=False)) == Account(
        Usage(), "none", None, 0, 0, 0, None
    )


def test_what_the_provider_had_reported_by_then_stays() -> None:
    """Anthropic tells the input in its first event."""
    cut = ANTHROPIC.index(b"event: content_block_start")

    got = account(CLAUDE, TARGET, facts(read("anthropic.messages", ANTHROPIC[:cut]), cut, answered=False))

    assert got.usage.input == 12
    assert got.usage_source == "provider_partial"
    assert got.delivered <= got.received


def test_a_drained_answer_bills_the_delivered_and_knows_the_whole() -> None:
    """The client left, the provider's answer was read to its end."""
    stream = chunk("one two three") + chunk(" four five six") + chunk(choices=[], usage=_usage(7, 30))
    first = len(chunk("one two three"))

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream), delivered_bytes=first))

    delivered = count_text("one two three", TARGET.model).tokens
    assert got.usage == Usage(input=7, output=delivered)
    assert (got.delivered, got.received, got.billable) == (delivered, 30, 30)
    assert got.usage_source == "provider_partial"


def test_delivered_is_never_counted_beyond_what_the_provider_reported() -> None:
    text = "a rather long text that the provider claims was one single token"
    stream = chunk(text) + chunk(choices=[], usage=_usage(7, 1))

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream), delivered_bytes=len(chunk(text))))

    assert (got.delivered, got.received) == (1, 1)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.5, 10), (1.0, 20)])
def test_of_a_json_answer_a_share_was_delivered(share: float, expected: int) -> None:
    body = _answer("x" * 100, 7, 20)
    delivered_bytes = int(len(body) * share)

    got = account(
        CALL,
        TARGET,
        facts(read("openai.chat", body, JSON), len(body), delivered_bytes=delivered_bytes, whole_json=True),
    )

    assert got.delivered == pytest.approx(expected, abs=1)
    assert got.usage.input == 7
    assert got.received == 20


# --- the provider failed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [302, 304, 307, 400, 401, 429, 500, 529])
def test_a_refused_call_costs_nothing(status: int) -> None:
    body = b'{"error":{"message":"no","type":"some_error"}}'

    got = account(CALL, TARGET, facts(read("openai.chat", body, JSON), len(body), status=status, whole_json=True))

    assert got == Account(Usage(), "none", None, 0, 0, 0, None)


def test_an_answer_that_the_provider_cut_is_billed_by_what_came() -> None:
    stream = chunk("one two three")

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream), answered=False))

    assert got.usage == Usage(input=PROMPT, output=count_text("one two three", TARGET.model).tokens)
    assert got.delivered == got.received == got.billable


def test_what_a_provider_had_counted_beyond_the_text_is_not_forgotten() -> None:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 500, "totalTokenCount": 511}
    piece = {"candidates": [{"content": {"parts": [{"text": "Hello there"}]}}], "usageMetadata": usage}
    stream = b"data: " + json.dumps(piece).encode() + b"\n\n"
    meter = read("gemini.generate", stream)

    cut = account(CALL, TARGET, facts(meter, len(stream), answered=False))
    left = account(CALL, TARGET, facts(meter, len(stream), answered=False, delivered_bytes=0))

    assert (cut.received, cut.billable, cut.usage.input) == (502, 502, 9)
    assert (left.received, left.billable, left.delivered) == (502, 502, 0)


def test_an_error_in_mid_stream_does_not_undo_what_came_before_it() -> None:
    stream = chunk("one two three") + b'data: {"error":{"message":"no","type":"server_error"}}\n\n'

    got = account(CALL, TARGET, facts(read("openai.chat", stream), len(stream)))

    assert got.delivered == count_text("one two three", TARGET.model).tokens


# --- laws -------------------------------------------------------------------------------------------------------

texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=6)


@given(
    pieces=texts,
    report=st.none() | st.integers(0, 60),
    cut=st.floats(0, 1),
    answered=st.booleans(),
    api=st.sampled_from(["openai.chat", "openai.completions", "unknown"]),
)
def test_nothing_is_delivered_that_was_not_received(
    pieces: list[str], report: int | None, cut: float, answered: bool, api: str
) -> None:
    stream = b"".join(chunk(piece) for piece in pieces)
    if report is not None:
        stream += chunk(choices=[], usage=_usage(7, report))
    how = facts(read(api, stream), len(stream), delivered_bytes=int(cut * len(stream)), answered=answered)

    got = account(CALL, TARGET, how)

    assert 0 <= got.delivered <= got.received == got.billable
    assert got.usage.output_total == got.delivered
    assert (got.error_band is None) == (got.usage_source in ("provider_final", "none")) or got.error_band is None
    assert got.usage_source != "none"


# Of words: of other texts a longer one may really have fewer tokens, and an estimate of them as well.
@given(
    pieces=st.lists(st.sampled_from((" red", " green", " blue", " house", " of", " the")), min_size=1),
    cuts=st.lists(st.floats(0, 1), min_size=2, max_size=5).map(sorted),
)
def test_more_delivered_bytes_are_never_fewer_tokens(pieces: list[str], cuts: list[float]) -> None:
    stream = b"".join(chunk(piece) for piece in pieces)
    meter = read("openai.chat", stream)

    counted = [
        account(
            CALL, TARGET, facts(meter, len(stream), delivered_bytes=int(cut * len(stream)), answered=False)
        ).delivered
        for cut in cuts
    ]

    assert counted == sorted(counted)


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _answer(text: str, prompt: int, completion: int) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"model": "m-1", "choices": [choice], "usage": _usage(prompt, completion)}).encode()
