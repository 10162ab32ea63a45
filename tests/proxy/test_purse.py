from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.purse import DAY_S, KEPT_S, Purse

COSTS = st.lists(st.tuples(st.floats(0, 600), st.integers(0, 10**11)), max_size=200)


@given(COSTS)
def test_no_more_is_spent_than_has_come_in_and_one_call(events: list[tuple[float, int]]) -> None:
    purse, now, spent, dearest = Purse(1.0, 0.0), 0.0, 0, 0
    for wait_s, cost in events:
        now += wait_s
        if purse.has_money(now):
            purse.pay(cost)
            spent, dearest = spent + cost, max(dearest, cost)
        assert spent <= 10**12 * now / DAY_S + dearest + 1


def test_it_begins_empty() -> None:
    assert not Purse(1000.0, 5.0).has_money(5.0)
    purse = Purse(1000.0, 5.0)
    assert purse.has_money(6.0)


def test_what_is_not_spent_does_not_add_up() -> None:
    purse = Purse(24.0, 0.0)
    assert purse.has_money(10 * DAY_S)
    purse.pay(round(10**12 * 24.0 * KEPT_S / DAY_S))
    assert not purse.has_money(10 * DAY_S)


def test_a_debt_is_paid_before_the_next_call() -> None:
    purse = Purse(86.4, 0.0)  # a thousandth of a dollar a second
    assert purse.has_money(1.0)
    purse.pay(11 * 10**9)
    assert not purse.has_money(10.0)
    assert purse.has_money(11.5)
