"""The port that every policy implements, and what it gets to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from dd0c_route.brain.checks.odds import Rates
from dd0c_route.brain.promises import Threshold
from dd0c_route.types import Candidate, PicoUSD, Target


class Allowance(Struct, frozen=True, gc=False):
    """What a budget lets one call spend, as `pacer.Pacer` says it.

    Attributes:
        quality_price: Picodollars that one more good answer is worth paying now; None: any sum.
        most: Picodollars that this call may be expected to cost at most.
    """

    quality_price: float | None
    most: PicoUSD


class Moment(Struct, frozen=True):
    """What a policy may look at besides the candidates.

    Attributes:
        draw: Uniform in 0..1, from the call's id or its session: the same again for the same call.
        allowance: What the route's budget lets this call spend; None where the route has none.
        ongoing: The call goes on with a conversation of which something is remembered.
        thresholds: For a candidate, up to which risk it may answer in the place of the model asked for.
        checks: Names of the checks that an answer to this call can be put to before the client sees it; empty for
            a stream.
        rates: Error rates of checks as they were learned here; those that we ship hold for the others.
    """

    draw: float = 0.0
    allowance: Allowance | None = None
    thresholds: Mapping[Target, Threshold] = {}
    checks: frozenset[str] = frozenset()
    ongoing: bool = False
    rates: Mapping[str, Rates] = {}


NOW = Moment()


class Choice(Struct, frozen=True):
    """Targets in the order to try them, and why in one line.

    Attributes:
        checked: So many targets at the head of *plan* have their answers checked before one is handed on; where it is
            good with less than *good_enough* after that, the next is asked.
        samples: How often each of them is asked; what it says must agree.
        promise: What is promised of such choices, or why nothing is; None where the policy makes no promise.
    """

    plan: tuple[Target, ...]
    reason: str
    checked: int = 0
    good_enough: float = 0.0
    samples: int = 1
    promise: dict[str, Any] | None = None


class Policy(Protocol):
    """Order the candidates. Pure: same candidates and moment, same choice.

    What is ruled out is never in the plan, except that the model asked for always stands by. Without a candidate that
    may answer and without the model asked for among them the plan is empty: the caller knows which model was asked.
    """

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice: ...


def usable(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that may answer, in their order."""
    return [candidate for candidate in candidates if candidate.ruled_out is None or candidate.asked]


def odds(candidate: Candidate) -> float:
    """The probability of a good answer as far as it is known: unknown is none."""
    return candidate.p_good or 0.0


def by_cost(candidate: Candidate) -> tuple[bool, int]:
    """A sort key: what is known to be cheap first; unknown is dear."""
    return candidate.expected_cost is None, candidate.expected_cost or 0


def then_the_rest(first: Sequence[Candidate], candidates: Sequence[Candidate]) -> tuple[Target, ...]:
    """*first*, then the others that may answer: the model asked for, then the likelier ones."""
    rest = [candidate for candidate in usable(candidates) if candidate not in first]
    rest.sort(key=lambda candidate: (not candidate.asked, -odds(candidate)))
    return tuple(candidate.target for candidate in [*first, *rest])
