from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw

from dd0c_route.ledger.counting import FILE, Known, alerts_of, publish, published
from dd0c_route.ledger.learning import Learning
from dd0c_route.ledger.segments import list_runs
from dd0c_route.tokens.drift import CALLS
from dd0c_route.types import Count
from tests.ledger.examples import an_audit

FIELDS = {"messages": Raw(b'[{"role": "user", "content": "hello"}]')}
ASKED = ("openai.chat", FIELDS, "acme-small", "acme")


def estimated(tokens: int) -> Count:
    return Count(tokens, "estimated", (0, 10 * tokens), "o200k_base")


def learning_of(error: int) -> Learning:
    learning = Learning()
    for _ in range(5):
        learning.add(an_audit(count=estimated(100), reported=100 + error, kind="text", tools_hash=""))
    return learning


def test_what_is_published_corrects_counts_elsewhere(tmp_path: Path) -> None:
    publish(tmp_path, learning_of(30))
    assert Known(tmp_path).correct(estimated(200), *ASKED).tokens == 230


def test_an_exact_count_stays(tmp_path: Path) -> None:
    publish(tmp_path, learning_of(30))
    exact = Count(200, "exact", (200, 200), "o200k_base")
    assert Known(tmp_path).correct(exact, *ASKED) is exact


def test_something_new_is_taken_up_when_asked_for(tmp_path: Path) -> None:
    known = Known(tmp_path)
    assert known.correct(estimated(200), *ASKED) == estimated(200)
    publish(tmp_path, learning_of(30))
    assert known.correct(estimated(200), *ASKED) == estimated(200)
    known.refresh()
    assert known.correct(estimated(200), *ASKED).tokens == 230
    publish(tmp_path, learning_of(40))
    known.refresh()
    assert known.correct(estimated(200), *ASKED).tokens == 240


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "another", "calibration": {}}', b"\xff"])
def test_a_file_that_cannot_be_used_is_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert published(tmp_path) is None
    assert Known(tmp_path).correct(estimated(200), *ASKED) == estimated(200)


def test_the_file_is_private_and_no_journal(tmp_path: Path) -> None:
    publish(tmp_path, learning_of(30))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert list_runs(tmp_path) == {}


def test_the_file_holds_numbers_and_names_only(tmp_path: Path) -> None:
    publish(tmp_path, learning_of(30))
    text = json.dumps(json.loads((tmp_path / FILE).read_bytes()))
    assert "hello" not in text
    assert "acme-small" in text


def test_an_alert_says_who_and_what() -> None:
    learning = Learning()
    for reported in [1000] * CALLS + [1100] * CALLS:
        learning.add(an_audit(count=estimated(1000), reported=reported, answer=None))
    for _ in range(CALLS):
        learning.add(an_audit(count=Count(9, "exact", (9, 9), "o200k_base"), reported=10, kind="text", answer=None))
    exact, moved = alerts_of(learning.watch.alerts())
    assert (
        exact.message == "acme/acme-small (text): 100% of the counts called exact differ from what the provider reports"
    )
    assert moved.message.startswith("acme/acme-small (tools): the provider reports +9.1% against what was usual")
    assert msgspec.json.decode(msgspec.json.encode(moved))["state"] == "moved"
