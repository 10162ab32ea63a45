"""The benchmark of a call's own time makes real calls, and every one of them leaves its entry."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from benchmarks.call_time import Bench, a_request, a_stream, a_whole_answer, measure
from dd0c_route.ledger.records import SETTLE, scan
from dd0c_route.types import Entry


def test_every_call_is_complete_and_metered(tmp_path: Path) -> None:
    async def calls() -> None:
        bench = Bench(tmp_path, asyncio.get_running_loop())
        whole = a_whole_answer()
        await bench.call(a_request(stream=False), whole, whole[0][-20:])
        await bench.call(a_request(stream=True), a_stream(3), b"0\r\n\r\n")
        await bench.close()

    asyncio.run(calls())
    (journal,) = tmp_path.glob("*.log")
    records = scan(journal.read_bytes(), complete=True).records
    entries = [msgspec.json.decode(one.payload, type=Entry) for one in records if one.kind == SETTLE]
    assert [entry.stream for entry in entries] == [False, True]
    assert {(entry.end_state, entry.usage_source, entry.usage.input_total) for entry in entries} == {
        ("complete", "provider_final", 1600)
    }


def test_each_kind_gets_a_figure_a_round() -> None:
    found = asyncio.run(measure(1))
    assert all(len(us) == 1 and us[0] > 0 for us in found.values())
