from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.brain.evidence import Promise
from dd0c_route.clock import HandClock
from dd0c_route.control import teaching as module
from dd0c_route.control.teaching import EVERY_S, TeachingPublisher
from dd0c_route.ledger.taught import published
from dd0c_route.ledger.teaching import Teaching
from dd0c_route.types import Reset
from tests.ledger.test_teaching import ROUTE, SMALL, a_label, decided, say


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    events: list[str] = []
    monkeypatch.setattr(module, "log", lambda event, *_, **__: events.append(event))
    return events


def a_teaching() -> Teaching:
    return Teaching(None, lambda: {ROUTE: Promise(0.05, 0.05)})


def compared(teaching: Teaching, score: float, times: int) -> None:
    for _ in range(times):
        entry = decided()
        say(teaching, entry, a_label(entry, score, "shadow", target=SMALL))


def test_what_is_new_is_published_but_not_all_the_time(tmp_path: Path) -> None:
    clock, teaching = HandClock(), a_teaching()
    publisher = TeachingPublisher(tmp_path, clock)
    publisher.looked(teaching)
    first = published(tmp_path)
    compared(teaching, 1.0, 3)
    publisher.looked(teaching)
    assert published(tmp_path) == first
    clock.advance(EVERY_S)
    publisher.looked(teaching)
    later = published(tmp_path)
    assert later is not None
    assert first is not None
    assert later.number > first.number
    assert later.residuals.cells


def test_a_roll_back_is_published_at_once_and_said_once(tmp_path: Path, said: list[str]) -> None:
    clock, teaching = HandClock(), a_teaching()
    publisher = TeachingPublisher(tmp_path, clock)
    publisher.looked(teaching)
    compared(teaching, 0.0, 50)
    for _ in range(3):
        publisher.looked(teaching)
    known = published(tmp_path)
    assert known is not None
    assert known.rolled_back == {ROUTE}
    assert said == ["route_rolled_back"]
    assert f"POST /api/v1/routes/{ROUTE}/reset" in publisher.alerts[0].message
    teaching.reset(Reset(ROUTE, ""))
    publisher.looked(teaching)
    assert said == ["route_rolled_back", "route_reset"]
    assert publisher.alerts == []


def test_a_disk_that_refuses_the_file_is_said_once_and_asked_again(tmp_path: Path, said: list[str]) -> None:
    clock, teaching = HandClock(), a_teaching()
    publisher = TeachingPublisher(tmp_path / "missing", clock)
    for _ in range(3):
        clock.advance(EVERY_S)
        publisher.looked(teaching)
    assert said == ["teaching_unpublished"]
    (tmp_path / "missing").mkdir()
    clock.advance(EVERY_S)
    publisher.looked(teaching)
    assert published(tmp_path / "missing") is not None
