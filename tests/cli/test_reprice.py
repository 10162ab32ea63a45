"""`reprice` changes what the ledger says of the past, once, visibly, and beside a running router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.types import Usage
from tests.cli.programs import ran
from tests.cli.test_ledger import CONFIG, NOW_NS, entry, filled
from tests.stand import CHAT, Stand

PRICES = """
[[prices]]
provider = "local"
model = "acme-*"
input = {input}
output = {output}
"""
UNPRICED = {
    "provider": "local",
    "served_model": "acme-1",
    "requested_model": "acme-1",
    "attempts": (),
    "decision": {"verdict": "kept"},
    "unpriced": True,
    "price": None,
    "price_lines": (),
    "cost_picodollars": None,
    "cost_usd": None,
    "cost_billable_picodollars": None,
    "baseline_picodollars": None,
    "saved_picodollars": None,
}


def priced_at(folder: Path, input_rate: str, output_rate: str) -> None:
    (folder / "dd0c.toml").write_text(CONFIG + PRICES.format(input=input_rate, output=output_rate))


def reprice(folder: Path, *arguments: str) -> dict[str, Any]:
    result = ran(folder, "reprice", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def listed(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran(folder, "requests", "--json", *arguments).stdout.splitlines()]


def test_a_price_that_came_later_prices_the_calls_of_before(tmp_path: Path) -> None:
    filled(tmp_path, *[entry(NOW_NS + number * 1_000_000, **UNPRICED) for number in range(3)])
    assert len(listed(tmp_path, "--unpriced")) == 3
    assert reprice(tmp_path, "--since", "2020-01-01")["unpriced"] == 3

    priced_at(tmp_path, "1.0", "2.0")
    report = reprice(tmp_path, "--since", "2020-01-01", "--reason", "the price came")

    assert (report["seen"], report["changed"], report["priced"], report["unpriced"]) == (3, 3, 3, 0)
    assert report["models"] == {"local/acme-1": 3}
    assert (report["before"]["cost_picodollars"], report["after"]["cost_picodollars"]) == (0, 3 * 1_200_000_000)
    one = listed(tmp_path)[0]
    assert (one["unpriced"], one["cost_usd"]) == (False, "0.0012")
    assert [line["amount_picodollars"] for line in one["price_lines"]] == [1_000_000_000, 200_000_000]
    assert one["repriced_at"] == one["repriced"][0]["at"]
    assert one["repriced"][0]["reason"] == "the price came"
    assert listed(tmp_path, "--unpriced") == []
    assert "until" in ran(tmp_path, "explain", "last").stdout.decode()


def test_twice_is_once(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS, **UNPRICED))
    priced_at(tmp_path, "1.0", "2.0")
    reprice(tmp_path, "--since", "2020-01-01")
    before = listed(tmp_path)

    assert reprice(tmp_path, "--since", "2020-01-01")["changed"] == 0

    assert listed(tmp_path) == before


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS, **UNPRICED))
    before = listed(tmp_path)
    priced_at(tmp_path, "1.0", "2.0")

    dry = reprice(tmp_path, "--since", "2020-01-01", "--dry-run")

    assert listed(tmp_path) == before
    wet = reprice(tmp_path, "--since", "2020-01-01")
    assert (dry.pop("dry_run"), wet.pop("dry_run")) == (True, False)
    assert dry == wet


def test_every_correction_is_kept_in_order(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS, **UNPRICED))
    for rate in ("1.0", "2.0", "3.0"):
        priced_at(tmp_path, rate, "0.0")
        reprice(tmp_path, "--since", "2020-01-01", "--reason", rate)

    (one,) = listed(tmp_path)

    assert [before["cost_picodollars"] for before in one["repriced"]] == [None, 1_000_000_000, 2_000_000_000]
    assert one["cost_picodollars"] == 3_000_000_000


def test_only_the_time_and_the_models_that_were_asked_for_change(tmp_path: Path) -> None:
    second = 1_000_000_000
    entries = [entry(NOW_NS + number * second, **UNPRICED) for number in range(4)]
    other = entry(NOW_NS + second, **UNPRICED | {"served_model": "acme-2", "requested_model": "acme-2"})
    filled(tmp_path, *entries, other)
    priced_at(tmp_path, "1.0", "2.0")

    assert reprice(tmp_path, "--since", entries[1].at, "--until", entries[3].at, "--model", "ACME-1")["changed"] == 2
    assert reprice(tmp_path, "--since", "2020-01-01", "--provider", "openai")["seen"] == 0

    assert {one["id"] for one in listed(tmp_path) if one["repriced"]} == {entries[1].id, entries[2].id}


def test_more_entries_than_a_batch_are_all_done(tmp_path: Path) -> None:
    filled(tmp_path, *[entry(NOW_NS + number * 1_000_000, **UNPRICED) for number in range(1203)])
    priced_at(tmp_path, "1.0", "2.0")
    assert reprice(tmp_path, "--since", "2020-01-01")["changed"] == 1203
    assert reprice(tmp_path, "--since", "2020-01-01")["after"]["cost_picodollars"] == 1203 * 1_200_000_000


def test_for_people_it_says_how_many_and_how_much(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS, **UNPRICED), entry(NOW_NS + 1, usage=Usage()))
    priced_at(tmp_path, "1.0", "2.0")
    said = ran(tmp_path, "reprice", "--since", "2020-01-01", "--model", "acme-*").stdout.decode()
    assert "1 entries: 1 changed, 1 of them had no price; 0 still have none" in said
    assert "local/acme-1: 1" in said
    assert "cost           $0 -> $0.0012" in said


@pytest.mark.parametrize("arguments", [(), ("--since", "soon"), ("--since", "2020-01-01", "--until", "x")])
def test_a_time_is_needed_and_must_be_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    filled(tmp_path)
    assert ran(tmp_path, "reprice", *arguments).returncode == 2


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path) as running:
        yield running


def test_beside_a_running_router_no_entry_is_lost_and_the_api_tells_the_new_price(stand: Stand) -> None:
    model = CHAT | {"model": "sim/acme-1"}
    first = stand.post("/v1/chat/completions", model).id
    assert stand.entry(first)["unpriced"]
    stand.confirmed(1)
    text = stand.config_path.read_text()
    stand.config_path.write_text(text + PRICES.format(input="1.0", output="2.0").replace("local", "sim"))

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(stand.post, "/v1/chat/completions", model) for _ in range(80)]
        runs = [ran(stand.folder, "reprice", "--since", "1h") for _ in range(3)]
        ids = {call.result().id for call in calls} | {first}
    entries = stand.confirmed(81)
    runs.append(ran(stand.folder, "reprice", "--since", "1h"))

    assert [run.returncode for run in runs] == [0] * 4
    assert {one["id"] for one in entries} == ids
    for one in stand.entries(81):
        usage = one["usage"]
        assert one["cost_picodollars"] == usage["input"] * 1_000_000 + usage["output"] * 2_000_000
        assert len(one["repriced"]) == 1
    assert stand.entry(first)["repriced_at"] is not None
