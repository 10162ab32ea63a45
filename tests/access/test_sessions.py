"""Sessions: opened, found, over."""

from __future__ import annotations

import base64
import hashlib

import pytest

from dd0c_route.access import Sessions, is_csrf
from dd0c_route.access.sessions import IDLE_S, LIFE_S, MOST

SOURCES = {"key:00"}


def test_a_token_has_256_random_bits_and_only_its_hash_is_kept() -> None:
    sessions = Sessions()
    tokens = {sessions.open("key:00", 0.0) for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)
    kept = sessions._open
    assert set(kept) == {hashlib.sha256(token.encode()).digest() for token in tokens}
    assert not any(token in repr(kept) for token in tokens)


@pytest.mark.parametrize("step_s", [IDLE_S - 1, 60.0])
def test_a_session_lives_twelve_hours_if_it_is_used(step_s: float) -> None:
    sessions = Sessions()
    token, now_s = sessions.open("key:00", 0.0), 0.0
    while now_s + step_s < LIFE_S:
        now_s += step_s
        assert sessions.find(token, SOURCES, now_s) is not None
    assert sessions.find(token, SOURCES, LIFE_S) is None
    assert sessions.find(token, SOURCES, now_s) is None  # for good


def test_an_idle_one_ends_after_half_an_hour() -> None:
    sessions = Sessions()
    token = sessions.open("key:00", 0.0)
    assert sessions.find(token, SOURCES, IDLE_S) is None
    assert len(sessions) == 0


def test_it_ends_with_what_it_was_opened_with() -> None:
    sessions = Sessions()
    token = sessions.open("key:00", 0.0)
    assert sessions.find(token, {"key:01"}, 1.0) is None
    assert sessions.find(token, SOURCES, 1.0) is None


def test_it_ends_when_it_is_closed() -> None:
    sessions = Sessions()
    token, other = sessions.open("key:00", 0.0), sessions.open("key:00", 0.0)
    sessions.close(token)
    sessions.close("unknown")
    assert sessions.find(token, SOURCES, 1.0) is None
    assert sessions.find(other, SOURCES, 1.0) is not None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\udc80" * 43, "A" * 10_000])
def test_what_is_no_token_finds_nothing(token: str) -> None:
    sessions = Sessions()
    sessions.open("key:00", 0.0)
    assert sessions.find(token, SOURCES, 1.0) is None


def test_they_are_bounded_and_the_one_that_was_idle_longest_goes() -> None:
    sessions = Sessions()
    first, second = sessions.open("key:00", 0.0), sessions.open("key:00", 0.0)
    for _ in range(MOST - 2):
        sessions.open("key:00", 0.0)
    sessions.find(first, SOURCES, 1.0)
    sessions.open("key:00", 1.0)
    assert len(sessions) == MOST
    assert sessions.find(second, SOURCES, 1.0) is None
    assert sessions.find(first, SOURCES, 1.0) is not None


def test_the_token_of_changes_is_the_session_s_own() -> None:
    sessions = Sessions()
    one, two = (sessions.find(sessions.open("key:00", 0.0), SOURCES, 0.0) for _ in range(2))
    assert one is not None
    assert two is not None
    assert is_csrf(one.csrf, one)
    assert not is_csrf(two.csrf, one)
    assert not is_csrf("", one)
    assert not is_csrf("ü", one)
