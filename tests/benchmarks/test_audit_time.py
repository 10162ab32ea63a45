"""The benchmark of the auditor's cost measures every setting alike."""

from __future__ import annotations

import asyncio

from benchmarks.audit_time import CALLS, DEFAULT, EVERY, NONE, measure, rows


def test_every_setting_gets_as_many_calls_and_one_row() -> None:
    found, skipped = asyncio.run(measure(2, settle_s=0.0))
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys((NONE, DEFAULT, EVERY), 2 * CALLS)
    assert [row[0] for row in rows(found, skipped)] == [NONE, DEFAULT, EVERY]
    assert skipped[NONE] == 0
