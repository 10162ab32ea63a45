"""`cascade`: a cheap answer first where it can be checked, a dearer one where the check fails."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dd0c_route.brain.checks.odds import AGREEMENT, Rates, after, combined, rates_of
from dd0c_route.brain.policy import NOW, Choice, Moment, odds, then_the_rest, usable
from dd0c_route.types import Candidate


class Way(Struct, frozen=True, gc=False):
    """One way to an answer: a target, or one whose answer is checked and then another.

    Attributes:
        cost: Picodollars to be expected, a failed first answer included.
        p_good: Of the answer that the client gets.
        samples: How often the first is asked.
    """

    first: Candidate
    second: Candidate | None
    cost: float
    p_good: float
    samples: int = 1


class Cascade(Struct, frozen=True):
    """The cheapest way to an answer that is good enough.

    One rule before and after: what is good with *floor* at least is good enough. Before the call that is asked of
    every single target and of every pair with a check between; after a cheap answer, of that answer in the light of
    its checks. The second model is taken to fail no more often because the first one did. No way costs more than the
    model asked for, which is the ceiling of quality.
    """

    floor: float = 0.9

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        priced = [c for c in usable(candidates) if c.expected_cost is not None]
        most = min((c.expected_cost for c in priced if c.asked and c.expected_cost is not None), default=math.inf)
        able = [way for way in self._ways(priced, moment) if way.cost <= most]
        if not able:
            return Choice(then_the_rest([], candidates), f"nothing is good enough (floor {self.floor:g})")
        best = min(able, key=lambda way: (way.cost, way.second is not None))
        if best.second is None:
            return Choice(then_the_rest([best.first], candidates), f"one good enough (floor {self.floor:g})")
        plan = then_the_rest([best.first, best.second], candidates)
        how = "checked" if best.samples == 1 else "checked and asked twice"
        return Choice(plan, f"cheap first, {how} (floor {self.floor:g})", 1, self.floor, best.samples)

    def _ways(self, candidates: Sequence[Candidate], moment: Moment) -> Iterator[Way]:
        """Those that are good enough: each candidate alone, and with the cheapest other that makes it so."""
        for one in candidates:
            if odds(one) >= self.floor:
                yield Way(one, None, one.expected_cost or 0, odds(one))
        form = combined(moment.rates.get(name) or rates_of(name) for name in sorted(moment.checks - {AGREEMENT}))
        both = combined([form, moment.rates.get(AGREEMENT) or rates_of(AGREEMENT)])
        better = _ever_better(candidates)
        for samples, rates in ((1, form), (2, both))[: 2 if AGREEMENT in moment.checks else 1]:
            for first in candidates:
                # The better the second, the sooner it helps: the first of them that does is the cheapest.
                at = bisect_left(better, True, key=lambda second: self._helps(first, second, rates))
                if at < len(better):
                    yield _pair(first, better[at], rates, samples)

    def _helps(self, first: Candidate, second: Candidate, rates: Rates) -> bool:
        """A failed check says enough to go on, what is gone on to is better, and with that it is good enough."""
        p = odds(first)
        says_enough = (
            not first.asked and 0 < p < odds(second) and after(p, rates.failed()) < min(self.floor, odds(second))
        )
        return says_enough and _pair(first, second, rates, 1).p_good >= self.floor


def _ever_better(candidates: Sequence[Candidate]) -> list[Candidate]:
    """By rising cost, those that are better than all that cost less."""
    found: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: (one.expected_cost or 0, -odds(one))):
        if not found or odds(one) > odds(found[-1]):
            found.append(one)
    return found


def _pair(first: Candidate, second: Candidate, rates: Rates, samples: int) -> Way:
    p = odds(first)
    good_and_passed, bad_and_passed = p * (1 - rates.alarms), (1 - p) * (1 - rates.catches)
    failed = 1 - good_and_passed - bad_and_passed
    cost = samples * (first.expected_cost or 0) + failed * (second.expected_cost or 0)
    return Way(first, second, cost, good_and_passed + failed * odds(second), samples)
