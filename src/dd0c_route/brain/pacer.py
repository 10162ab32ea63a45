"""The pacer of `budget`: the best answers for a spend rate, and never more than that rate pays for.

Money comes in at the rate and goes out with each call; what is there bounds the next call (the hard cap), and what is
not spent can be spent later, up to `carry_s` seconds' worth. What a good answer is worth paying (the dual price of the
budget) is solved for again and again on the latest calls: the highest price at which they would have cost what there
is to spend now. A higher price lets it spend what is left over, a lower one makes good what was spent too much.

A call that costs several times what there is for one leaves some calls' worth untouched: those after it would else get
the cheapest model, whatever they are worth.

Over any time since the start no more is spent than the rate pays for, but for calls that cost more than was expected of
them: those are made good by the next ones. Each worker has a pacer of its own with an equal part of the rate: the cap
holds without a word between processes, and a worker that gets fewer calls than its part leaves money unspent.

Source: the online linear programme solved anew over a window, as in Agrawal, Wang and Ye, "A dynamic near-optimal
algorithm for online linear programming", Oper. Res. 62 (2014).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from dd0c_route.brain.policy import Allowance
from dd0c_route.types import Candidate, PicoUSD

CARRY_S = 600.0  # money of so many seconds is kept at most
EVEN_S = 120.0  # within so many seconds what is left over is spent, or what is missing made good
WINDOW = 256  # calls that the price is solved for on
EVERY = 8  # calls between two solutions: one takes about 0.1 ms
KEPT = 20.0  # calls' worth of the budget that a dear call leaves for those after it, which else would get the cheapest
USUAL = 3.0  # times what the budget has for one call: what costs more is dear
_RESERVE = 1.5  # times the dearest call at the present price: below that it would be barred just when its turn comes


class Menu(Struct, frozen=True, gc=False):
    """What one call could have bought.

    Attributes:
        least: Picodollars of the cheapest candidate.
        steps: To better ones, cheapest first: what one more good answer costs by it (rising), and what it costs more.
    """

    least: PicoUSD
    steps: tuple[tuple[float, PicoUSD], ...]


class Pacer:
    """Paces one budget. Times are seconds of any clock that does not go back.

    Args:
        rate: Picodollars a second.
        now_s: When the budget begins.
    """

    def __init__(self, rate: float, now_s: float, carry_s: float = CARRY_S) -> None:
        self._rate = rate
        self._most = rate * carry_s
        self._balance = 0.0
        self._at_s = now_s
        self._menus: deque[tuple[float, Menu]] = deque(maxlen=WINDOW)
        self._calls = 0
        self._price: float | None = None
        self._reserve = 0.0
        self._kept = 0.0

    @property
    def balance(self) -> float:
        """Picodollars that may be spent now; below 0 after calls that cost more than was expected."""
        return self._balance

    def allow(self, now_s: float, candidates: Sequence[Candidate]) -> Allowance:
        """What a call that chooses among *candidates* may spend, and what a good answer is worth to it."""
        self._accrue(now_s)
        if (menu := menu_of(candidates)) is not None:
            self._menus.append((now_s, menu))
            if self._calls % EVERY == 0 or self._calls < EVERY:
                self._solve()
            self._calls += 1
        return Allowance(self._price, max(0, int(self._spendable())))

    def reserve(self, expected: PicoUSD) -> None:
        """A call begins that will probably cost *expected*: calls that run at the same time share what there is."""
        self._balance -= expected

    def settle(self, expected: PicoUSD, cost: PicoUSD) -> None:
        """A call for which *expected* was reserved has cost *cost*."""
        self._balance = min(self._balance + expected - cost, self._most)

    def _accrue(self, now_s: float) -> None:
        self._balance = min(self._balance + self._rate * max(0.0, now_s - self._at_s), self._most)
        self._at_s = max(self._at_s, now_s)

    def _spendable(self) -> float:
        """All that is there, for what costs about what a call may; a dear call has to leave some for the next ones."""
        usual = USUAL * self._rate * self._between_s()
        return max(self._balance - self._kept, min(self._balance, usual))

    def _between_s(self) -> float:
        """Between two calls; 0 as long as there was one at most."""
        count = len(self._menus)
        return max(0.0, self._at_s - self._menus[0][0]) / (count - 1) if count > 1 else 0.0

    def _solve(self) -> None:
        """Set the price to the highest at which the calls of the window cost what may be spent on so many calls."""
        count, between_s = len(self._menus), self._between_s()
        spare = (self._balance - self._reserve) / EVEN_S
        least = sum(menu.least for _, menu in self._menus)
        left = (self._rate + spare) * between_s * count - least
        steps = sorted(step for _, menu in self._menus for step in menu.steps)
        price = dearest = 0.0
        for worth, more in steps:
            left -= more
            if left < 0:
                break
            price, dearest = worth, max(dearest, more)
        self._price = price * (1 + 1e-9) if left < 0 or not steps else None
        self._reserve = min(_RESERVE * dearest, self._most / 2)
        # Where the cheapest already take nearly all, what was spent too much is made good slowly: more is kept back.
        free = max(1e-3, 1 - least / (self._rate * between_s * count)) if between_s else 1.0
        self._kept = min(KEPT * self._rate * between_s / free, self._most / 2)


def menu_of(candidates: Sequence[Candidate]) -> Menu | None:
    """The candidates worth their money, at some price of quality; None where no cost is known."""
    of_asked = next((one.expected_cost for one in candidates if one.asked), None)
    known = sorted(
        (one.expected_cost, one.p_good or 0.0)
        for one in candidates
        if one.expected_cost is not None
        and (one.ruled_out is None or one.asked)
        and (of_asked is None or one.expected_cost <= of_asked)
    )
    if not known:
        return None
    hull: list[tuple[PicoUSD, float]] = []
    for cost, good in known:
        if hull and good <= hull[-1][1]:
            continue
        while hull and hull[-1][0] == cost:
            hull.pop()
        while len(hull) > 1 and _worth(hull[-2], hull[-1]) >= _worth(hull[-1], (cost, good)):
            hull.pop()
        hull.append((cost, good))
    return Menu(hull[0][0], tuple((_worth(one, other), other[0] - one[0]) for one, other in pairwise(hull)))


def _worth(cheap: tuple[PicoUSD, float], dear: tuple[PicoUSD, float]) -> float:
    """What one more good answer costs by taking *dear* in the place of *cheap*, in picodollars."""
    return (dear[0] - cheap[0]) / (dear[1] - cheap[1])
