"""What entries and labels teach: corrections of predictions, what checks are worth, broken promises, real savings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, structs

from dd0c_route.brain.checks.odds import Rates
from dd0c_route.brain.evidence import Evidence, Promise
from dd0c_route.brain.measured import Group, Measured
from dd0c_route.brain.promises import Label as Calibration
from dd0c_route.brain.promises import thresholds
from dd0c_route.brain.residuals import Cell, Key, Residuals
from dd0c_route.brain.taught import UNKNOWN, Taught
from dd0c_route.brain.weak_labels import Counts, worth
from dd0c_route.ledger.feedback import is_one_too_many
from dd0c_route.ledger.store import Lesson
from dd0c_route.types import EXPLORED, Entry, Label, Reset, Target

MOST_CALIBRATION = 2_000  # labels of one route and target that a promise rests on: the latest
_CELL, _COUNTS, _EVIDENCE, _MEASURED, _CALIBRATION = "cell", "check", "evidence", "measured", "calibration"
_CALIBRATES = ("judge", "agreement")  # a form that was kept is too little to promise quality by
_PICODOLLARS = 1e12

Group_ = Literal["control", "watched", "routed", "bound"]
Promises = Callable[[], Mapping[str, Promise]]
T = TypeVar("T", bound=Struct)

_encode = msgspec.json.Encoder().encode


class Outcome(Struct, frozen=True):
    """What the brain said of one target of a call, before it was known what came of it."""

    key: Key
    p_good: float
    risk: float


class Teaching:
    """Learns from entries and labels, one after the other; goes on from what was *stored*.

    Args:
        promises: What each route of the configuration promises, by its id; asked for when a label comes.

    Attributes:
        evidence, measured: By route id.
        lessons: How much was learned; another number, something new.
    """

    def __init__(self, stored: Mapping[Lesson, str] | None = None, promises: Promises = dict) -> None:
        stored = stored or {}
        self._promises = promises
        self._residuals = Residuals(_of(stored, _CELL, Cell))
        self._counts = _of(stored, _COUNTS, Counts)
        self.evidence = _of(stored, _EVIDENCE, Evidence)
        self.measured = _of(stored, _MEASURED, Measured)
        self._calibration = {
            key: msgspec.json.decode(state, type=list[Calibration])
            for (sort, key), state in stored.items()
            if sort == _CALIBRATION
        }
        self.lessons = 0
        self._changed: dict[Lesson, str] = {}

    # --- what comes in ------------------------------------------------------------------------------------

    def finished(self, entry: Entry) -> None:
        """An entry will not change any more: what did the call cost, and where had chance put it?"""
        route, group = place_of(entry)
        if entry.end_state != "complete" or entry.status >= 400:
            return
        if group == "watched" and (expected := _expected_usd(entry)) is not None:
            measured = self.measured.get(route, Measured())
            elsewhere = (entry.decision or {}).get("shadow") != (entry.decision or {}).get("asked")
            watched = measured.watched.after(*expected, elsewhere=elsewhere)
            self._put(_MEASURED, route, self.measured, structs.replace(measured, watched=watched))
        if group not in ("control", "routed"):
            return
        usd = None if entry.cost_picodollars is None else entry.cost_picodollars / _PICODOLLARS
        saved = (entry.saved_picodollars or 0) / _PICODOLLARS
        self._measure(route, group, lambda one: one.after(usd, saved))

    def labelled(self, label: Label, entry: Entry, before: Iterable[Label]) -> None:
        """Somebody said how good an answer was.

        Args:
            before: What was said of it already. A source that changes its mind corrects what was learned of it, and
                bets on it no second time; nor do other sources, since they speak of the same answer.
        """
        said = list(before)
        earlier = next((one for one in said if (one.kind, one.source) == (label.kind, label.source)), None)
        if earlier is not None and (earlier.score == label.score or label.kind != "feedback"):
            return
        if is_one_too_many(label, said):
            return
        self.lessons += 1
        self._correct(label, entry, said, earlier)
        route, group = place_of(entry)
        if not route:
            return
        if label.kind != "shadow" and group in ("control", "routed"):
            self._score(route, group, label, earlier)
        if earlier is not None:
            return
        was_judged = label.kind == "feedback" and any(one.kind == "feedback" for one in said)
        if not label.source.startswith(EXPLORED) and not was_judged:
            self._watch(route, group, label)
        if label.kind == "shadow" and label.source.removeprefix(EXPLORED) in _CALIBRATES:
            self._calibrate(route, label, entry)

    def reset(self, reset: Reset) -> None:
        """An operator lets a route try again."""
        self.lessons += 1
        self._put(_EVIDENCE, reset.route, self.evidence, self.evidence.get(reset.route, Evidence()).reset())

    # --- what goes out ------------------------------------------------------------------------------------

    def taught(self, number: int) -> Taught:
        """The snapshot of all that decisions need."""
        promises = self._promises()
        return Taught(
            number,
            self._residuals.snapshot(),
            frozenset(route for route, one in self.evidence.items() if one.broken is not None),
            {route: found for route, promise in promises.items() if (found := self._thresholds(route, promise))},
            self._rates(self._counts),
        )

    def take_changes(self) -> tuple[dict[Lesson, str], list[Lesson]]:
        """What is to be stored, and what is to be deleted, since this was last asked."""
        dropped = [(_CELL, key) for key in self._residuals.take_dropped()]
        changed, self._changed = self._changed, {}
        for lesson in dropped:
            changed.pop(lesson, None)
        return changed, dropped

    # --- inside -------------------------------------------------------------------------------------------

    def _correct(self, label: Label, entry: Entry, said: list[Label], earlier: Label | None) -> None:
        """The residuals, and what checks are worth."""
        outcome = outcome_of(entry, label.target)
        if label.kind == "check":
            if outcome is not None:
                found = worth(outcome.p_good, label.checks, self._rates(label.checks))
                self._learned(self._residuals.add(outcome.key, outcome.p_good, found.score, found.weight))
            return
        if outcome is not None and earlier is not None:
            self._learned(self._residuals.amend(outcome.key, earlier.score, label.score))
        elif outcome is not None:
            self._learned(self._residuals.add(outcome.key, outcome.p_good, label.score))
        if earlier is None and label.kind == "feedback":
            for name, passed in [pair for one in said for pair in one.checks.items()]:
                counts = self._counts.get(name, Counts()).after(label.score, failed=not passed)
                self._put(_COUNTS, name, self._counts, counts)

    def _rates(self, names: Iterable[str]) -> dict[str, Rates]:
        """The error rates of checks that we have."""
        return {name: found for name in names if (found := self._counts.get(name, Counts()).rates(name)) is not None}

    def _watch(self, route: str, group: Group_ | None, label: Label) -> None:
        promise = self._promises().get(route)
        evidence = self.evidence.get(route, Evidence())
        if label.kind != "shadow" and group is None:
            return
        if label.kind != "shadow" and group in ("control", "watched"):
            self._put(_EVIDENCE, route, self.evidence, evidence.of_kept(label.kind, 1.0 - label.score))
        elif promise is not None:  # a route that is not configured any more promises nothing
            after = evidence.of_routed(label.kind, 1.0 - label.score, promise, label.id, label.at)
            self._put(_EVIDENCE, route, self.evidence, after)

    def _calibrate(self, route: str, label: Label, entry: Entry) -> None:
        if (outcome := outcome_of(entry, label.target)) is None or label.target is None:
            return
        key = f"{route}\n{label.target}"
        labels = [*self._calibration.get(key, ()), Calibration(outcome.risk, label.score < 0.5)][-MOST_CALIBRATION:]
        self._calibration[key] = labels
        self._changed[_CALIBRATION, key] = _encode(labels).decode()

    def _thresholds(self, route: str, promise: Promise) -> dict[str, Any]:
        labels = {
            Target(*key.partition("\n")[2].split("/", 1)): some
            for key, some in self._calibration.items()
            if key.startswith(f"{route}\n")
        }
        found = thresholds(labels, promise.epsilon, promise.delta) if labels else {}
        return {str(target): one for target, one in found.items()}

    def _score(self, route: str, group: Literal["control", "routed"], label: Label, earlier: Label | None) -> None:
        name = "feedback" if label.kind == "feedback" else "checks"

        def scored(one: Group) -> Group:
            mean = getattr(one, name)
            new = mean.after(label.score) if earlier is None else mean.amended(earlier.score, label.score)
            return structs.replace(one, **{name: new})

        self._measure(route, group, scored)

    def _measure(self, route: str, group: Literal["control", "routed"], change: Callable[[Group], Group]) -> None:
        measured = self.measured.get(route, Measured())
        after = structs.replace(measured, **{group: change(getattr(measured, group))})
        self._put(_MEASURED, route, self.measured, after)

    def _learned(self, cells: Mapping[str, Cell]) -> None:
        for name, cell in cells.items():
            self._changed[_CELL, name] = _encode(cell).decode()

    def _put(self, sort: str, key: str, place: dict[str, T], state: T) -> None:
        place[key] = state
        self._changed[sort, key] = _encode(state).decode()


def place_of(entry: Entry) -> tuple[str, Group_ | None]:
    """The route's id, and what was done with the call: kept by chance, only watched, or left to the policy.

    Where nothing was to be chosen it is `bound` to the model that the route had chosen before; None, and neither
    measured nor compared with, where the model asked for goes on or nobody else could answer.
    """
    decision = entry.decision or {}
    route = decision.get("route_id")
    if not isinstance(route, str) or decision.get("verdict") == "pinned" or entry.shadow_of is not None:
        return "", None
    if decision.get("bound") or not decision.get("candidates"):
        return route, "bound" if decision.get("verdict") == "routed" else None
    if decision.get("control"):
        return route, "control"
    return route, "watched" if decision.get("shadow") else "routed"


def outcome_of(entry: Entry, target: str | None) -> Outcome | None:
    """What was predicted of *target* (None: the one that served); None where it was no candidate of a route."""
    decision = entry.decision or {}
    route = decision.get("route_id")
    answered = [attempt for attempt in entry.attempts if attempt.error is None]
    name = target or (answered[-1].target if answered else None)
    candidates = {one.get("target"): one for one in decision.get("candidates", ())}
    candidate = candidates.get(name)
    if not isinstance(route, str) or candidate is None or name is None:
        return None
    if name == decision.get("asked") and candidate.get("support") is None and not candidate.get("learned"):
        return None  # nothing was predicted: it is good because it was asked for
    p_good = _predicted(candidate)
    asked = candidates.get(decision.get("asked"))
    of_asked = 1.0 if asked is None or asked.get("p_good") is None else float(asked["p_good"])
    believed = candidate.get("p_good")
    risk = of_asked * (1.0 - float(believed)) if believed is not None else 1.0
    key = Key(route, name, decision.get("kind") or "", decision.get("form") or "")
    return Outcome(key, p_good, risk)


def _expected_usd(entry: Entry) -> tuple[float, float] | None:
    """What was expected at the model asked for and at the policy's choice; None where one of them has no price."""
    decision = entry.decision or {}
    candidates = {one.get("target"): one for one in decision.get("candidates", ())}
    both = [candidates.get(decision.get(name)) or {} for name in ("asked", "shadow")]
    costs = [one.get("expected_cost_picodollars") for one in both if not one.get("unpriced")]
    known = [cost / _PICODOLLARS for cost in costs if cost is not None]
    return (known[0], known[1]) if len(known) == 2 else None


def _predicted(candidate: Mapping[str, Any]) -> float:
    """What the predictor said, before it was corrected by what had been learned."""
    believed = candidate.get("p_good")
    return UNKNOWN if believed is None else float(believed) - float(candidate.get("learned") or 0.0)


def _of(stored: Mapping[Lesson, str], sort: str, kind: type[T]) -> dict[str, T]:
    return {key: msgspec.json.decode(state, type=kind) for (one, key), state in stored.items() if one == sort}
