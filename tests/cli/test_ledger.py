"""`requests` and `explain` read a ledger that is there, and make none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dd0c_route.clock import new_id, rfc3339
from dd0c_route.ledger import open_store
from dd0c_route.ledger.store import Batch, Row
from dd0c_route.types import Attempt, Entry, Media, PriceLine, Repricing, ServerTools, Usage
from tests.cli.programs import ran

DAY_NS = 86_400 * 1_000_000_000
NOW_NS = 1_900_000_000 * 1_000_000_000
CONFIG = '[ledger]\nurl = "sqlite:///own.db"\n[providers.openai]\napi_key = { env = "UNSET_BECAUSE_NOT_NEEDED" }\n'


def entry(at_ns: int, **changes: Any) -> Entry:
    base = Entry(
        id=new_id("dd_", at_ns),
        at=rfc3339(at_ns),
        dialect="openai",
        api="openai.chat",
        provider="openai",
        requested_model="gpt-4o",
        served_model="gpt-4o-mini",
        stream=True,
        status=200,
        end_state="complete",
        attempts=(Attempt("openai/gpt-4o-mini", 0.2, 300.0, 900.0, 200, None, "new:pooled"),),
        usage=Usage(input=1000, output=100),
        usage_source="provider_final",
        delivered_output_tokens=100,
        received_output_tokens=100,
        billable_output_tokens=100,
        cost_picodollars=210_000_000,
        cost_usd="0.00021",
        cost_billable_picodollars=210_000_000,
        price_lines=(PriceLine("input", 1000, "0.15", 150_000_000), PriceLine("output", 100, "0.6", 60_000_000)),
        price={"id": "openai/gpt-4o-mini", "source": "genai-prices", "date": "2026-01-01"},
        baseline_picodollars=3_500_000_000,
        saved_picodollars=3_290_000_000,
        decision={
            "verdict": "routed",
            "reason": "1 of 2 good enough",
            "policy": "cheapest-capable",
            "route": 0,
            "decide_us": 12.5,
            "candidates": [{"target": "openai/gpt-4o-mini", "p_good": 0.95, "expected_cost_picodollars": 210_000_000}],
        },
        tags={"team": "core"},
        ttft_ms=310.0,
        duration_ms=905.0,
        overhead_ms=0.21,
    )
    return msgspec.structs.replace(base, **changes)


def filled(folder: Path, *entries: Entry, name: str = "own.db") -> None:
    store = open_store(f"sqlite:///{name}", folder)
    rows = [Row(one, msgspec.json.encode(one).decode()) for one in entries]
    store.ingest(Batch(rows, [], [], [], {}, [], []))
    store.close()
    (folder / "dd0c.toml").write_text(CONFIG)


def as_json(one: Entry) -> Any:
    return json.loads(msgspec.json.encode(one))


def listed(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    result = ran(folder, "requests", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_entries_come_newest_first_as_the_api_has_them(tmp_path: Path) -> None:
    entries = [entry(NOW_NS + number) for number in range(0, 3_000_000, 1_000_000)]
    filled(tmp_path, *entries)
    assert [one["id"] for one in listed(tmp_path)] == [one.id for one in reversed(entries)]
    assert listed(tmp_path, "--limit", "1") == [as_json(entries[-1])]
    assert listed(tmp_path, "--since", rfc3339(NOW_NS + 2_000_000))[0]["id"] == entries[-1].id
    assert listed(tmp_path, "--since", "2031-01-01") == []


def test_more_entries_than_one_page_are_listed(tmp_path: Path) -> None:
    filled(tmp_path, *[entry(NOW_NS + number * 1_000_000) for number in range(1100)])
    found = [one["id"] for one in listed(tmp_path, "--limit", "1050")]
    assert len(found) == len(set(found)) == 1050
    assert found == sorted(found, reverse=True)


def test_a_table_in_a_pipe_is_not_cut(tmp_path: Path) -> None:
    one = entry(NOW_NS, requested_model="[bold]" + "long-name-" * 9)
    filled(tmp_path, one, entry(NOW_NS + DAY_NS, unpriced=True, cost_usd=None))
    head, newest, older = ran(tmp_path, "requests").stdout.decode().splitlines()
    assert head.split()[0] == "id"
    assert "unpriced" in newest
    assert all(part in older for part in (one.id, one.requested_model, "openai/gpt-4o-mini", "0.00021", "complete"))


@pytest.mark.parametrize("arguments", [("requests",), ("explain", "last")])
def test_what_a_client_wrote_does_not_steer_the_readers_screen(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    evil = "m\x1b[2J\x1b]0;title\x07\r\nfake \u202e\x9b"
    filled(tmp_path, entry(NOW_NS, requested_model=evil, tags={evil: evil}, session=evil))

    said = ran(tmp_path, *arguments).stdout.decode()

    assert all(char.isprintable() for line in said.split("\n") for char in line)
    assert r"m\x1b[2J" in said


def test_an_empty_ledger_says_what_to_do(tmp_path: Path) -> None:
    filled(tmp_path)
    result = ran(tmp_path, "requests")
    assert (result.returncode, result.stdout) == (0, b"")
    assert b"send a request" in result.stderr


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    assert ran(tmp_path, "requests").returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_another_ledger_can_be_named(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS), name="other.db")
    assert len(listed(tmp_path, "--ledger", f"sqlite:///{tmp_path}/other.db")) == 1


@pytest.mark.parametrize("since", ["yesterday", "12", "30x", ""])
def test_a_time_that_is_none_is_wrong_usage(tmp_path: Path, since: str) -> None:
    filled(tmp_path)
    result = ran(tmp_path, "requests", "--since", since)
    assert result.returncode == 2
    assert b"--since" in result.stderr


def test_explain_shows_decision_attempts_usage_and_price_lines(tmp_path: Path) -> None:
    one = entry(NOW_NS)
    filled(tmp_path, one)
    text = ran(tmp_path, "explain", "last").stdout.decode()
    for part in (
        one.id,
        "routed: 1 of 2 good enough",
        "candidate openai/gpt-4o-mini: good: 0.95, expected $0.00021",
        "status 200, 0.2 to 900.0 ms, connection new:pooled",
        "input 1000, output 100; source: provider_final",
        "cost        $0.00021",
        "input                 1000 x $0.15/M = $0.00015",
        "output                 100 x $0.6/M = $0.00006",
        "saved $0.00329 against gpt-4o",
    ):
        assert part in text
    assert ran(tmp_path, "explain", one.id).stdout.decode() == text


def test_explain_gives_the_entry_and_its_price_lines_as_json(tmp_path: Path) -> None:
    one = entry(NOW_NS)
    filled(tmp_path, one)
    told = json.loads(ran(tmp_path, "explain", "last", "--json").stdout)
    assert told == as_json(one)
    assert [line["class"] for line in told["price_lines"]] == ["input", "output"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unpriced": True, "cost_usd": None, "cost_picodollars": None, "price": None}, "unpriced: add the model"),
        ({"unpriced": True, "cost_picodollars": None, "price": None}, "'dd0c-route reprice --since 2030-03-17'"),
        ({"price": None, "cost_picodollars": None, "usage": Usage()}, "cost        none"),
        ({"price_lines": ()}, "not itemised: written by an earlier version"),
        ({"decision": None, "attempts": (), "provider": "", "ttft_ms": None}, "decision    none"),
        ({"error_band": (90, 110), "usage_source": "local_estimated"}, "source: local_estimated (between 90 and 110)"),
        ({"cost_billable_picodollars": 300_000_000}, "the provider will bill $0.0003"),
        ({"cost_provider_usd": "0.0002100001"}, "the provider says $0.0002100001\n"),
        ({"cost_provider_usd": "0.00042"}, "the provider says $0.00042: +100.0% against ours"),
        ({"cost_provider_usd": "a lot"}, "the provider says $a lot\n"),
        ({"usage_consistent": False}, "do not make up its total"),
        ({"usage_media": Media(input_audio=40)}, "of them input_audio 40"),
        ({"server_tools": ServerTools(web_search=2)}, "of the provider: web_search 2"),
        ({"not_priced": ("code_execution",)}, "without a rate: code_execution"),
        ({"price_lines": (PriceLine("web_search", 2, "10000", 1, "call"),)}, "2 x $10000 a million of 'call'"),
        ({"billable_band": (100, 4096)}, "billable 100 (between 100 and 4096)"),
        ({"attempts": (Attempt("b/m", 1, billable_input_tokens=7),)}, "may be billed all the same: 7 tokens, no price"),
        (
            {"repriced": (Repricing("2030-01-02T03:04:05Z", "a new price", None, None, None, None, True, None),)},
            "until 2030-01-02T03:04:05 it was unpriced; a new price",
        ),
        ({"error": "worker_lost", "end_state": "internal", "status": 0}, "internal, status 0, worker_lost"),
    ],
)
def test_explain_is_honest_about_every_ending(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    filled(tmp_path, entry(NOW_NS, **changes))
    assert said in ran(tmp_path, "explain", "last").stdout.decode()


def test_a_call_that_costs_nothing_needs_no_lines(tmp_path: Path) -> None:
    free = {"id": "free", "source": "counting tokens is free of charge", "date": ""}
    filled(tmp_path, entry(NOW_NS, cost_picodollars=0, cost_usd="0", price=free, price_lines=()))
    told = ran(tmp_path, "explain", "last").stdout.decode()
    assert "cost        $0 " in told
    assert "not itemised" not in told


def test_an_unknown_entry_is_a_failure(tmp_path: Path) -> None:
    filled(tmp_path)
    for name in ("last", "dd_NONE"):
        result = ran(tmp_path, "explain", name)
        assert result.returncode == 1
        assert b"no entry" in result.stderr
