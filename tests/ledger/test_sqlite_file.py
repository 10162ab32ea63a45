"""What our SQLite files have in common: their statements, and which file goes by a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.ledger.sqlite_file import statements, which


@pytest.mark.parametrize("name", ["sqlite.sql", "bodies.sql"])
def test_each_statement_stands_by_its_name_and_none_holds_the_next_ones(name: str) -> None:
    found = statements(name)
    assert found
    for text in found.values():
        assert text.strip()
        assert "-- name:" not in text


def test_a_file_that_takes_anothers_name_is_another_file(tmp_path: Path) -> None:
    path, other = tmp_path / "one", tmp_path / "other"
    assert which(path) is None
    path.write_bytes(b"1")
    other.write_bytes(b"2")
    before = which(path)
    assert before == which(path)
    other.replace(path)
    assert which(path) not in (None, before)
