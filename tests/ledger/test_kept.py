"""Who keeps what an id stands for, over workers and restarts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.ledger.kept import FILE, SLOT_BYTES, SLOTS, Kept
from dd0c_route.types import Target


def test_what_one_worker_remembers_another_knows_and_so_does_the_next_process(tmp_path: Path) -> None:
    one, other = Kept(tmp_path), Kept(tmp_path)
    one.remember("resp_1", Target("acme", "org/large:1"))
    other.remember("resp_2", Target("other", "small"))
    for kept in (one, other, Kept(tmp_path)):
        assert kept.target_of("resp_1") == Target("acme", "org/large:1")
        assert kept.target_of("resp_2") == Target("other", "small")
        assert kept.target_of("resp_3") is None


def test_the_last_word_counts(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for name in ("a", "b"):
        kept.remember("conv_1", Target(name, "m"))
    assert kept.target_of("conv_1") == Target("b", "m")


def test_the_file_has_a_bound_and_holds_no_id(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for number in range(500):
        kept.remember(f"resp_{number}", Target("acme", "m"))
    content = (tmp_path / FILE).read_bytes()
    assert len(content) <= SLOTS * SLOT_BYTES
    assert b"resp_" not in content
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_name_longer_than_a_slot_is_not_remembered(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.remember("resp_1", Target("acme", "m" * SLOT_BYTES))
    assert kept.target_of("resp_1") is None


@given(st.integers(0, SLOT_BYTES - 1), st.integers(1, 255))
def test_a_damaged_slot_is_not_believed(tmp_path_factory: pytest.TempPathFactory, at: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("kept")
    kept = Kept(folder)
    kept.remember("resp_1", Target("acme", "m"))
    path = folder / FILE
    content = bytearray(path.read_bytes())
    begin = len(content) - SLOT_BYTES
    content[begin + at] ^= flip
    path.write_bytes(content)
    assert kept.target_of("resp_1") is None


def test_without_a_directory_nothing_is_remembered_and_nothing_fails(tmp_path: Path) -> None:
    for kept in (Kept(None), Kept(tmp_path / "nowhere")):
        kept.remember("resp_1", Target("acme", "m"))
        assert kept.target_of("resp_1") is None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_no_fault_of_the_calls(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to("/dev/full")
    kept = Kept(tmp_path)
    kept.remember("resp_1", Target("acme", "m"))
    assert kept.target_of("resp_1") is None
