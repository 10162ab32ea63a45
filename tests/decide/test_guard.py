"""What stands between a call and a brain that fails or is slow."""

from __future__ import annotations

from dd0c_route.decide.guard import IN_A_ROW, REST_S, Guard

SECOND = 1_000_000_000


def test_it_is_off_by_configuration_or_by_the_switch_and_says_which() -> None:
    assert Guard().off() is None
    assert "enabled" in str(Guard(enabled=False).off())
    assert "switched off" in str(Guard(switched_on=lambda: False).off())


def test_a_decision_is_over_its_budget_only_where_there_is_one() -> None:
    assert not Guard().is_over(10**12)
    assert Guard(budget_us=100).is_over(100_001)
    assert not Guard(budget_us=100).is_over(100_000)


def test_it_rests_after_some_faults_in_a_row_and_then_tries_again() -> None:
    guard = Guard()
    assert [guard.fault(SECOND) for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    assert guard.rests(2 * SECOND) is not None
    assert guard.rests(SECOND + int(REST_S * SECOND)) is None


def test_a_good_decision_in_between_begins_the_row_anew() -> None:
    guard = Guard()
    for _ in range(10):
        guard.fault(SECOND)
        guard.fine()
    assert guard.rests(SECOND) is None
    assert guard.faults == 10
