"""What the script of the same name prints holds: learning helps, and takes nothing away."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from scripts.calibration_accuracy import Predicted, calls, predicted, table
from tests.tokens.extras.installed import counter_or_skip


@cache
def found() -> list[Predicted]:
    """Every recorded call, counted by an installation that knows the calls before it."""
    if not (folder := os.environ.get("DD0C_CORPUS")):
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    return predicted(calls(Path(folder) / "recordings"))


def test_exact_counts_stay_as_they_are() -> None:
    assert all(one.corrected == one.told.count for one in found() if one.told.count.exactness == "exact")


def test_for_each_count_that_is_led_away_five_come_nearer() -> None:
    """With the vocabularies: counts that are rough without them follow their corrections less well (3.5 for each)."""
    for name in ("gemma_3", "deepseek", "qwen"):
        counter_or_skip(name)
    errors = [
        (abs(one.told.count.tokens - one.told.reported), abs(one.corrected.tokens - one.told.reported))
        for one in found()
    ]
    assert sum(after < before for before, after in errors) >= 5 * sum(after > before for before, after in errors) > 0


def test_corrected_counts_lie_in_their_band() -> None:
    corrected = [one for one in found() if one.corrected != one.told.count]
    inside = sum(one.corrected.band[0] <= one.told.reported <= one.corrected.band[1] for one in corrected)
    assert inside >= 0.97 * len(corrected) > 0


def test_the_table_has_a_row_for_all_of_them() -> None:
    *_, last = table(found())
    assert last.startswith(f"| all | {len(found())} |")
