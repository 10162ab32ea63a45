from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.clock import HandClock
from dd0c_route.control import counting
from dd0c_route.control.counting import EVERY_S, Publisher
from dd0c_route.ledger.counting import published
from dd0c_route.ledger.learning import Learning
from dd0c_route.tokens.drift import CALLS
from dd0c_route.types import Count
from tests.ledger.examples import an_audit

RIGHT, WRONG = Count(1200, "exact", (1200, 1200), "o200k_base"), Count(1100, "exact", (1100, 1100), "o200k_base")


def taught(learning: Learning, count: Count, times: int) -> None:
    for _ in range(times):
        learning.add(an_audit(count=count, answer=None))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    events: list[str] = []
    monkeypatch.setattr(counting, "log", lambda event, *_, **__: events.append(event))
    return events


def test_what_is_new_is_published_but_not_all_the_time(tmp_path: Path) -> None:
    clock, learning = HandClock(), Learning()
    publisher = Publisher(tmp_path, clock)
    publisher.looked(learning)
    first = published(tmp_path)
    assert first is not None
    assert not first.calibration.shifts
    for _ in range(5):
        learning.add(an_audit())
    publisher.looked(learning)
    assert published(tmp_path) == first
    clock.advance(EVERY_S)
    publisher.looked(learning)
    later = published(tmp_path)
    assert later is not None
    assert later.calibration.shifts
    assert publisher.corrections == len(later.calibration.shifts) + len(later.calibration.lines)


def test_nothing_is_written_while_nothing_is_learned(tmp_path: Path) -> None:
    clock, learning = HandClock(), Learning()
    publisher = Publisher(tmp_path, clock)
    publisher.looked(learning)
    written = next(tmp_path.iterdir()).stat().st_ino
    clock.advance(10 * EVERY_S)
    publisher.looked(learning)
    assert next(tmp_path.iterdir()).stat().st_ino == written


def test_an_alert_is_said_once_when_it_begins_and_once_when_it_is_over(tmp_path: Path, said: list[str]) -> None:
    clock, learning = HandClock(), Learning()
    publisher = Publisher(tmp_path, clock)
    for count in (WRONG, WRONG, RIGHT, RIGHT):
        taught(learning, count, CALLS)
        clock.advance(EVERY_S)
        publisher.looked(learning)
    assert said == ["counts_drifted", "counts_fit_again"]
    assert publisher.alerts == []


def test_everything_that_is_watched_is_shown(tmp_path: Path) -> None:
    clock, learning = HandClock(), Learning()
    publisher = Publisher(tmp_path, clock)
    taught(learning, RIGHT, 3)
    publisher.looked(learning)
    (one,) = publisher.watched
    assert (one.provider, one.model, one.calls, one.value) == ("acme", "acme-small", 3, None)


def test_a_disk_that_refuses_the_file_is_said_once_and_ends_nothing(tmp_path: Path, said: list[str]) -> None:
    clock, learning = HandClock(), Learning()
    publisher = Publisher(tmp_path / "missing", clock)
    for _ in range(3):
        taught(learning, RIGHT, 1)
        clock.advance(EVERY_S)
        publisher.looked(learning)
    assert said == ["counting_unpublished"]
