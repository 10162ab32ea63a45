"""Refusals and lost connections: what is tried again, what is handed on, and that each try is in the entry."""

from __future__ import annotations

import itertools

import pytest

from tests.endings.failing import call, direct, ending, tries
from tests.stand import Stand

_keys = itertools.count()


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 529])
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_refusal_is_tried_once_more(failing: Stand, dialect: str, status: int) -> None:
    caller = call(failing, f"status={status}; fail_first=1; key=retry-{next(_keys)}", dialect, stream=True)

    assert (caller.status, caller.whole) == (200, True)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("complete", None)
    assert tries(entry) == [(status, f"status_{status}"), (200, None)]
    assert [attempt["connection"] for attempt in entry["attempts"]][1] == "reused:pooled"
    assert entry["usage_source"] == "provider_final"


@pytest.mark.parametrize("status", [429, 503, 529])
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini", "passthrough"])
def test_a_refusal_that_stays_passes_byte_for_byte(failing: Stand, dialect: str, status: int) -> None:
    caller = call(failing, f"status={status}", dialect)

    theirs = direct(failing, f"status={status}", dialect)
    assert (caller.status, caller.body) == (status, theirs.body)
    assert caller.headers["content-type"] == theirs.headers["content-type"]
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", f"status_{status}")
    assert tries(entry) == [(status, f"status_{status}")] * 2
    assert entry["usage_source"] == "none"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 422, 500, 504])
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_any_other_error_is_not_tried_again_and_passes_byte_for_byte(failing: Stand, dialect: str, status: int) -> None:
    caller = call(failing, f"status={status}", dialect, stream=True)

    theirs = direct(failing, f"status={status}", dialect, stream=True)
    assert (caller.status, caller.body) == (status, theirs.body)
    assert caller.headers["content-type"] == theirs.headers["content-type"]
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", f"status_{status}")
    assert tries(entry) == [(status, f"status_{status}")]
    assert entry["usage_source"] == "none"


def test_a_status_that_the_provider_documents_as_not_billed_is_tried_again(failing: Stand) -> None:
    scene = f"status=500; fail_first=1; key=documented-{next(_keys)}"
    caller = call(failing, scene, model="documented/gpt-4o-mini")

    assert caller.status == 200
    assert tries(failing.entry(caller.id)) == [(500, "status_500"), (200, None)]


def test_retry_after_is_waited_for(failing: Stand) -> None:
    caller = call(failing, f"status=429; retry_after=1; fail_first=1; key=wait-{next(_keys)}")

    assert caller.status == 200
    first, second = failing.entry(caller.id)["attempts"]
    assert second["started_ms"] - first["ended_ms"] >= 990


def test_a_retry_after_beyond_the_cap_is_handed_to_the_client(failing: Stand) -> None:
    caller = call(failing, "status=429; retry_after=60")

    assert (caller.status, caller.headers["retry-after"]) == (429, "60")
    assert tries(failing.entry(caller.id)) == [(429, "status_429")]


@pytest.mark.parametrize("stream", [True, False])
def test_the_second_target_stands_in_for_one_that_cannot_be_reached(failing: Stand, stream: bool) -> None:
    caller = call(failing, "chunks=9", model="second-after-refused", stream=stream)

    assert (caller.status, caller.whole, caller.headers["x-dd0c-provider"]) == (200, True, "other")
    entry = failing.entry(caller.id)
    assert [attempt["target"] for attempt in entry["attempts"]] == ["refused/gpt-4o-mini", "other/gpt-4o-mini"]
    assert tries(entry) == [(None, "upstream_unreachable"), (200, None)]
    assert (entry["provider"], entry["usage"]["output"]) == ("other", 9)


@pytest.mark.parametrize("status", [429, 502, 503, 529])
def test_the_second_target_stands_in_for_one_that_refuses_at_once(failing: Stand, status: int) -> None:
    scene = f"status={status}; retry_after=60; fail_first=1; key=fallback-{next(_keys)}"
    caller = call(failing, scene, model="second-after-status")

    assert (caller.status, caller.headers["x-dd0c-provider"]) == (200, "other")
    entry = failing.entry(caller.id)
    assert tries(entry) == [(status, f"status_{status}"), (200, None)]
    first, second = entry["attempts"]
    assert second["started_ms"] - first["ended_ms"] < 1000  # other targets need not wait for this one


def test_nothing_is_tried_again_once_a_byte_is_out(failing: Stand) -> None:
    caller = call(failing, "chunks=20; cut_after=1; chunk_ms=1", model="second-after-status", stream=True)

    assert not caller.whole
    assert tries(failing.entry(caller.id)) == [(200, "upstream_cut")]


# --- kept connections -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_kept_connection_that_the_provider_has_closed_is_replaced_unseen(failing: Stand, how: str) -> None:
    call(failing, f"stale=next; cut_how={how}")
    caller = call(failing, "chunks=3")

    assert (caller.status, caller.whole) == (200, True)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("complete", None)
    assert tries(entry) == [(None, "upstream_stale_connection"), (200, None)]
    assert [attempt["connection"] for attempt in entry["attempts"]] == ["reused:failed", "new:pooled"]


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_kept_connection_that_is_closed_behind_the_answer_harms_nobody(failing: Stand, how: str) -> None:
    for _ in range(20):
        caller = call(failing, f"stale=1; cut_how={how}")
        assert (caller.status, caller.whole) == (200, True)
        assert failing.entry(caller.id)["end_state"] == "complete"
