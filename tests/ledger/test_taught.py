from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.brain.taught import Taught
from dd0c_route.ledger.segments import list_runs
from dd0c_route.ledger.taught import FILE, KnownTaught, publish, published

ROLLED_BACK = Taught(1, rolled_back=frozenset({"0123456789ab"}))


def test_what_is_published_is_known_elsewhere_once_somebody_looks(tmp_path: Path) -> None:
    known = KnownTaught(tmp_path)
    assert known() == Taught()
    publish(tmp_path, ROLLED_BACK)
    assert known() == Taught()
    known.refresh()
    assert known() == ROLLED_BACK
    assert KnownTaught(tmp_path)() == ROLLED_BACK


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"rolled_back": 3}', b"\xff"])
def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path, content: bytes) -> None:
    publish(tmp_path, ROLLED_BACK)
    known = KnownTaught(tmp_path)
    (tmp_path / FILE).write_bytes(content)
    known.refresh()
    assert published(tmp_path) is None
    assert known() == ROLLED_BACK


def test_the_file_is_no_journal_and_only_its_owners_to_read(tmp_path: Path) -> None:
    publish(tmp_path, ROLLED_BACK)
    assert list_runs(tmp_path) == {}
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
