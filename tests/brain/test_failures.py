"""How often tries at a target can be expected to fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.failures import Failures
from dd0c_route.types import Target

GOOD, BAD = Target("acme", "good"), Target("acme", "bad")
SECOND = 1_000_000_000


def test_who_was_never_tried_or_never_failed_is_not_expected_to_fail() -> None:
    failures = Failures()
    failures.tried(GOOD, 0, failed=False)
    assert (failures.share(GOOD, 0), failures.share(BAD, 0)) == (0.0, 0.0)


def test_an_outage_is_seen_within_some_tries_and_one_failure_is_none() -> None:
    failures = Failures()
    failures.tried(BAD, 0, failed=True)
    assert failures.share(BAD, 0) == 0.2
    for _ in range(11):
        failures.tried(BAD, 0, failed=True)
    assert failures.share(BAD, 0) == 0.75
    assert failures.share(GOOD, 0) == 0.0


def test_an_outage_is_forgotten_within_minutes() -> None:
    failures = Failures()
    for _ in range(20):
        failures.tried(BAD, 0, failed=True)
    assert failures.share(BAD, 600 * SECOND) < 0.15


def test_answers_bring_the_share_down_again() -> None:
    failures = Failures()
    for failed in (True, True, False, False, False, False):
        failures.tried(BAD, 0, failed=failed)
    assert failures.share(BAD, 0) == 0.2


def test_the_memory_is_bounded_and_the_longest_untried_leave_first() -> None:
    failures = Failures()
    for number in range(2000):
        failures.tried(Target("acme", str(number)), 0, failed=True)
    assert failures.share(Target("acme", "0"), 0) == 0.0
    assert failures.share(Target("acme", "1999"), 0) > 0.0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**13)), max_size=50))
def test_a_share_is_a_share_whatever_the_clock_does(tries: list[tuple[bool, int]]) -> None:
    failures = Failures()
    for failed, at_ns in tries:
        failures.tried(BAD, at_ns, failed=failed)
        assert 0.0 <= failures.share(BAD, at_ns) <= 1.0
