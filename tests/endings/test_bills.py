"""What an answer that was cut is billed: by what its provider does after an abort, through a real router.

Three amounts stand apart in each entry: what the client got, what came from the provider, what will be invoiced.
"""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.endings.caller import Caller, post
from tests.stand import Stand, until

LIMIT = 1000  # `max_tokens` of every call
LONG = "chunks=900; chunk_ms=20"
INPUT, OUTPUT = 150_000, 600_000  # picodollars per token of gpt-4o-mini

ROW = """
[providers.{name}]
dialect = "openai"
base_url = "http://127.0.0.1:{{port}}/v1"
price_as = "openai"
billed_after_abort = "{billed}"
on_disconnect = "{on_disconnect}"
"""
POLICIES = {
    "stops": ("delivered", "abort"),
    "works-on": ("whole", "abort"),
    "read-on": ("whole", "drain"),
    "costs-nothing": ("nothing", "abort"),
    "says-nothing": ("unknown", "abort"),
}
SILENT = """
[providers.silent]
dialect = "openai"
base_url = "http://127.0.0.1:SILENT/v1"
price_as = "openai"
timeouts = { first_byte_s = 0.4 }

[[routes]]
match = { model = "then-silence" }
candidates = ["stops/gpt-4o-mini", "silent/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0.0

[retries]
budget_share = 1.0
"""
PROVIDERS = "".join(
    ROW.format(name=name, billed=billed, on_disconnect=on_disconnect)
    for name, (billed, on_disconnect) in POLICIES.items()
)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with socket.create_server(("127.0.0.1", 0)) as never_accepts:  # the kernel does, and takes the request
        silent = SILENT.replace("SILENT", str(never_accepts.getsockname()[1]))
        folder = tmp_path_factory.mktemp("stand")
        with Stand(folder, providers=PROVIDERS, config=silent) as running:
            yield running


def call(provider: str, scene: str, session: str, *, stream: bool = True, model: str = "gpt-4o-mini") -> bytes:
    name = f"{provider}/{model}" if provider else model
    body = {"model": name, "messages": [{"role": "user", "content": "Tell me something long."}], "max_tokens": LIMIT}
    headers = {"x-sim": scene, "x-dd0c-session": session, "authorization": "Bearer synthetic-caller"}
    return post("/v1/chat/completions", body | {"stream": stream}, headers)


def left(stand: Stand, provider: str, scene: str = LONG, *, read_bytes: int = 2500, **how: Any) -> dict[str, Any]:
    """The entry of a client that reads so much and leaves; with 0, as soon as the provider has its request."""
    session = f"left-{next(_numbers)}"
    before = stand.sim_stats()["totals"]["calls"] if not read_bytes else 0
    with Caller(stand.port) as caller:
        caller.send(call(provider, scene, session, **how))
        if read_bytes:
            caller.read_until(lambda raw: len(raw) >= read_bytes)
        else:
            until(lambda: stand.sim_stats()["totals"]["calls"] > before, "the call's arrival")
        caller.leave("fin")
    return entry_of(stand, session)


def entry_of(stand: Stand, session: str) -> dict[str, Any]:
    def mine() -> dict[str, Any] | None:
        found = stand.get(f"/api/v1/requests?session={session}").json()["requests"]
        return found[0] if found else None

    until(mine, "the entry")
    until(lambda: stand.gauge("dd0c_open_calls") == 0, "the confirmation of its delivery")
    entry: dict[str, Any] = until(mine, "the entry")
    explained(entry)
    return entry


def explained(entry: dict[str, Any]) -> None:
    """Every amount is the sum of its lines."""
    lines = sum(line["amount_picodollars"] for line in entry["price_lines"])
    assert lines == entry["cost_picodollars"]
    billed = entry["billable_lines"] if entry["billable_usage"] is not None else entry["price_lines"]
    unheard = sum(attempt["billable_picodollars"] or 0 for attempt in entry["attempts"])
    assert sum(line["amount_picodollars"] for line in billed) + unheard == entry["cost_billable_picodollars"]


def billed_output(entry: dict[str, Any]) -> int:
    """Output tokens that the invoice prices."""
    rest: int = entry["cost_billable_picodollars"] - entry["usage"]["input"] * INPUT
    return rest // OUTPUT


def test_of_a_provider_that_stops_what_came_is_billed(stand: Stand) -> None:
    entry = left(stand, "stops")

    received = entry["received_output_tokens"]
    assert 0 < entry["delivered_output_tokens"] <= received
    assert entry["usage"]["output"] == entry["delivered_output_tokens"]
    assert entry["billable_output_tokens"] == billed_output(entry) == received
    low, high = entry["billable_band"]
    assert low <= received <= high < received + 50


def test_of_a_model_that_may_think_unseen_nobody_knows_how_much(stand: Stand) -> None:
    entry = left(stand, "stops", model="gpt-5-mini")

    assert entry["billable_output_tokens"] == entry["received_output_tokens"]
    assert entry["billable_band"][1] == LIMIT


def test_of_a_provider_that_works_on_the_whole_is_billed_and_estimated(stand: Stand) -> None:
    entry = left(stand, "works-on")

    received = entry["received_output_tokens"]
    assert entry["billable_output_tokens"] == billed_output(entry) == min(LIMIT, 2 * received)
    low, high = entry["billable_band"]
    assert (low <= received, high) == (True, LIMIT)
    assert entry["cost_billable_picodollars"] > entry["cost_picodollars"]


def test_of_a_provider_that_is_read_to_the_end_the_whole_is_billed_and_known(stand: Stand) -> None:
    entry = left(stand, "read-on", "chunks=60; chunk_ms=10")

    assert entry["received_output_tokens"] == entry["billable_output_tokens"] == billed_output(entry) == 60
    assert entry["billable_band"] is None
    assert entry["delivered_output_tokens"] < 60
    assert entry["billable_usage"]["output"] == 60


def test_of_a_provider_that_bills_nothing_then_nothing_is_billed(stand: Stand) -> None:
    entry = left(stand, "costs-nothing")

    assert (entry["billable_output_tokens"], entry["cost_billable_picodollars"]) == (0, 0)
    assert entry["cost_picodollars"] > 0
    assert entry["billable_lines"] == []


def test_of_a_provider_that_says_nothing_what_came_is_assumed_and_all_is_possible(stand: Stand) -> None:
    entry = left(stand, "says-nothing")

    assert entry["billable_output_tokens"] == billed_output(entry) == entry["received_output_tokens"]
    assert entry["billable_band"] == [0, LIMIT]


def test_an_answer_in_one_piece_cannot_be_cancelled(stand: Stand) -> None:
    """Aborting stops streams only, also of a provider that stops."""
    entry = left(stand, "stops", "ttft_ms=60000", read_bytes=0, stream=False)

    assert (entry["delivered_output_tokens"], entry["received_output_tokens"]) == (0, 0)
    assert entry["billable_output_tokens"] == billed_output(entry) == 120
    assert entry["billable_band"] == [0, LIMIT]


@pytest.mark.parametrize("stream", [True, False])
def test_of_an_answer_that_the_provider_cut_what_came_may_be_billed_or_nothing(stand: Stand, stream: bool) -> None:
    scene = "chunks=50; cut_after=20; chunk_ms=2" if stream else "chunks=50; cut_bytes=150; framing=length"
    session = f"cut-{next(_numbers)}"
    with Caller(stand.port) as caller:
        caller.send(call("stops", scene, session, stream=stream))
        caller.read_answer()
    entry = entry_of(stand, session)

    assert entry["end_state"] == "upstream_failed"
    received = entry["received_output_tokens"]
    assert entry["billable_output_tokens"] == received == billed_output(entry)
    assert (received > 0) == stream  # of half a JSON document nothing can be read
    assert entry["billable_band"][0] == 0
    assert entry["usage"]["input"] > 0


def test_an_attempt_that_was_sent_and_never_answered_keeps_its_possible_charge(stand: Stand) -> None:
    """The client gets the refusal of the first target; the second one may have worked all the same."""
    session = f"unheard-{next(_numbers)}"
    with Caller(stand.port) as caller:
        caller.send(call("", "status=503", session, stream=False, model="then-silence"))
        caller.read_answer()
        assert caller.status == 503
    entry = entry_of(stand, session)

    first, second = entry["attempts"]
    assert (first["status"], second["error"]) == (503, "upstream_timeout")
    assert (first["billable_input_tokens"], first["billable_picodollars"]) == (0, None)
    assert second["billable_input_tokens"] > 0
    assert second["billable_picodollars"] == second["billable_input_tokens"] * INPUT
    assert (entry["cost_picodollars"], entry["cost_billable_picodollars"]) == (0, second["billable_picodollars"])


def test_an_attempt_that_is_the_only_one_is_billed_once(stand: Stand) -> None:
    session = f"alone-{next(_numbers)}"
    with Caller(stand.port) as caller:
        caller.send(call("silent", "", session, stream=False))
        caller.read_answer()
    entry = entry_of(stand, session)

    (attempt,) = entry["attempts"]
    assert entry["usage"]["input"] > 0
    assert (attempt["billable_input_tokens"], attempt["billable_picodollars"]) == (0, None)


def test_a_complete_answer_is_billed_as_it_was_delivered(stand: Stand) -> None:
    answer = stand.post(
        "/v1/chat/completions",
        {"model": "stops/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]},
        {"x-sim": "chunks=12", "authorization": "Bearer synthetic-caller"},
    )
    entry = stand.entry(answer.id)

    explained(entry)
    assert entry["cost_billable_picodollars"] == entry["cost_picodollars"]
    assert (entry["billable_usage"], entry["billable_lines"], entry["billable_band"]) == (None, [], None)
    assert json.loads(answer.body)["usage"]["completion_tokens"] == entry["usage"]["output"]
