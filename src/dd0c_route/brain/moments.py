"""What policies see besides the candidates, kept by route: its budget's pacer, its thresholds, the lot of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from dd0c_route.brain.checks import checks_for, expected
from dd0c_route.brain.checks.odds import AGREEMENT, Rates, rates_of
from dd0c_route.brain.names import bare
from dd0c_route.brain.pacer import Pacer
from dd0c_route.brain.policy import Moment
from dd0c_route.brain.promises import Threshold
from dd0c_route.config import Route
from dd0c_route.types import Call, Candidate, Decision, PicoUSD, Target

_PICO = 10**12
_HOUR_S = 3600.0
_SHORT = ("json", "word", "choice")  # forms in which two answers that mean the same also read the same

Thresholds = Mapping[str, Mapping[Target, Threshold]]  # by the bare name of the model asked for, then by candidate


class Moments:
    """The moments of the calls of one worker.

    Args:
        routes: Of the configuration, by number.
        now_s: A clock that does not go back.
        workers: Among how many workers a budget is split.
        before: Of the configuration before a reload: a route that is the same keeps what it has saved.
        thresholds: Those of a route, by its number.
        learned: Those that shadow calls have shown, for a route that has none of a file.
        rates: Error rates of checks, as far as labels have shown them.
    """

    def __init__(
        self,
        routes: Sequence[Route] = (),
        now_s: Callable[[], float] = lambda: 0.0,
        workers: int = 1,
        before: Moments | None = None,
        thresholds: Mapping[int, Thresholds] | None = None,
        learned: Callable[[int], Mapping[Target, Threshold]] = lambda number: {},
        rates: Callable[[], Mapping[str, Rates]] = dict,
    ) -> None:
        rates_of("answered")  # reads the file now: any caller may ask for `cascade`, and should not wait for that
        self._now_s = now_s
        self._thresholds = thresholds or {}
        self._learned = learned
        self._rates = rates
        self._pacers: dict[int, tuple[Route, Pacer]] = {}
        kept = list(before._pacers.values()) if before is not None else []
        for number, route in enumerate(routes):
            if route.usd_per_hour is not None:
                rate = route.usd_per_hour * _PICO / _HOUR_S / workers
                old = next((pacer for its_route, pacer in kept if its_route == route), None)
                self._pacers[number] = route, old or Pacer(rate, now_s())

    def of(
        self, call: Call, number: int, policy: str, asked: Target, candidates: Sequence[Candidate], form: str = "chat",
        *, ongoing: bool = False,
    ) -> Moment:  # fmt: skip
        """The moment of *call*, which asks for an answer of *form*, on route *number* under *policy*.

        Args:
            ongoing: Its conversation is remembered.
        """
        match policy:
            case "cheapest-capable":
                return Moment(ongoing=ongoing)
            case "weighted":
                return Moment(draw=lot(call.session or call.id, number))
            case "budget" if number in self._pacers:
                return Moment(allowance=self._pacers[number][1].allow(self._now_s(), candidates))
            case "risk-bound":
                of_file = self._thresholds.get(number)
                found = self._learned(number) if of_file is None else of_file.get(bare(asked.model), {})
                return Moment(thresholds=found)
            case "cascade" if not call.stream:
                return Moment(checks=checks_of(call, form), rates=self._rates())
        return Moment()

    def began(self, decision: Decision) -> None:
        """A call goes out: what it will probably cost is taken from its route's budget.

        A route that only watches spends what its choice would have cost: so its choices are those that it would make.
        """
        if decision.route in self._pacers:
            self._pacers[decision.route][1].reserve(_expected(decision))

    def ended(self, decision: Decision | None, cost: PicoUSD | None) -> None:
        """A call that began has cost *cost*; None: nobody knows, so what was expected stands."""
        if decision is not None and decision.route in self._pacers and not _is_watched(decision):
            was = _expected(decision)
            self._pacers[decision.route][1].settle(was, was if cost is None else cost)


def lot(name: str, number: int) -> float:
    """Uniform in 0..1 and the same again for the same *name* on the same route."""
    digest = blake2b(f"{number}:{name}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def checks_of(call: Call, form: str = "chat") -> frozenset[str]:
    """The checks that an answer to *call* can be put to. Its tools are not read, since that would take long."""
    few = {name: raw for name, raw in call.fields.items() if name != "tools"}
    wanted = expected(call.api, few)
    if wanted is None:
        return frozenset()
    checks = checks_for(wanted)
    if bytes(call.fields.get("tools", b"")).strip() not in (b"", b"null", b"[]"):
        return checks | {"tool_call"}
    is_sampled = bytes(call.fields.get("temperature", b"1")).strip().strip(b"0.") != b""
    return checks | {AGREEMENT} if form in _SHORT and is_sampled else checks


def _expected(decision: Decision) -> PicoUSD:
    chosen = decision.shadow if _is_watched(decision) else decision.plan[0]
    found = (one.expected_cost for one in decision.candidates if one.target == chosen)
    return next(found, None) or 0


def _is_watched(decision: Decision) -> bool:
    return decision.mode == "shadow" and decision.shadow is not None
