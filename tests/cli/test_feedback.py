"""`feedback` puts a score into the journals, whether or not the router runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dd0c_route.ledger import journal_directory, open_store
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.types import Label
from tests.cli.programs import ran
from tests.cli.test_ledger import NOW_NS, entry, filled


def labels(folder: Path, entry_id: str) -> tuple[Label, ...]:
    """What the ledger holds after the journals were read."""
    store = open_store("sqlite:///own.db", folder)
    ingest = Ingest(journal_directory("sqlite:///own.db", folder), store, lambda entries: None)
    try:
        ingest.step()
        return store.labels(entry_id)
    finally:
        ingest.close()
        store.close()


def test_a_score_is_in_the_ledger_at_the_next_look(tmp_path: Path) -> None:
    one = entry(NOW_NS)
    filled(tmp_path, one)
    result = ran(tmp_path, "feedback", one.id, "bad", "--source", "me", "--comment", "not kept")
    assert (result.returncode, result.stdout.decode()) == (0, f"{one.id}: 0 from me\n")
    (label,) = labels(tmp_path, one.id)
    assert (label.score, label.source, label.kind, label.comment) == (0.0, "me", "feedback", None)


def test_last_is_the_newest_call(tmp_path: Path) -> None:
    filled(tmp_path, entry(NOW_NS), newest := entry(NOW_NS + 1_000_000))
    result = ran(tmp_path, "feedback", "last", "0.75", "--json")
    assert json.loads(result.stdout)["id"] == newest.id
    assert labels(tmp_path, newest.id)[0].score == 0.75


@pytest.mark.parametrize(
    ("arguments", "reason"), [(("dd_none", "good"), "no entry 'dd_none'"), (("last", "fine"), "'good' or 'bad'")]
)
def test_what_cannot_be_said_is_refused(tmp_path: Path, arguments: tuple[str, str], reason: str) -> None:
    filled(tmp_path, entry(NOW_NS))
    result = ran(tmp_path, "feedback", *arguments)
    assert result.returncode == 1
    assert reason in result.stderr.decode()
    assert list(tmp_path.glob("*.journal/*.log")) == []


def test_explain_shows_what_was_said(tmp_path: Path) -> None:
    one = entry(NOW_NS)
    filled(tmp_path, one)
    ran(tmp_path, "feedback", one.id, "0.25", "--source", "me")
    assert labels(tmp_path, one.id)
    report = ran(tmp_path, "explain", one.id).stdout.decode()
    assert "0.25      feedback of me" in report
