"""The benchmark of translated streams makes real calls, which end as they should."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from benchmarks.translate_time import BOUND_US, END, PAIRS, SIDES, a_request, a_stream, benches, measure
from dd0c_route.ledger.records import SETTLE, scan
from dd0c_route.types import Entry


@pytest.mark.parametrize(("api", "theirs"), PAIRS)
def test_its_streams_are_complete_and_metered(api: str, theirs: str, tmp_path: Path) -> None:
    async def calls() -> None:
        async with benches(tmp_path, theirs) as bench:
            for asked in (theirs, api):
                request = a_request(asked, f"simulated/{SIDES[theirs].model}")
                await bench.call(request, a_stream(theirs, 3, "arguments"), END)

    asyncio.run(calls())
    (journal,) = tmp_path.glob("*.log")
    records = scan(journal.read_bytes(), complete=True).records
    entries = [msgspec.json.decode(one.payload, type=Entry) for one in records if one.kind == SETTLE]
    assert [entry.api for entry in entries] == [theirs, api]
    assert {(entry.end_state, entry.usage_source, entry.usage.output) for entry in entries} == {
        ("complete", "provider_final", 3)
    }


def test_a_chunk_costs_less_than_it_may_even_here() -> None:
    """Far less: ten times the bound would still tell a slip that makes it quadratic."""
    found = asyncio.run(measure(1))
    assert {(api, theirs) for api, theirs, _ in found} == set(PAIRS)
    assert all(chunk.more[0] < 10 * BOUND_US for chunk in found.values())
