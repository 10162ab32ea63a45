"""Tell others what was learned of our own counts: the workers by a file, people by the log."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from dd0c_route.clock import Clock
from dd0c_route.ledger.counting import Alert, alerts_of, publish
from dd0c_route.ledger.learning import Learning
from dd0c_route.redact.log import log
from dd0c_route.tokens.drift import CALLS, Group, State

EVERY_S = 2.0  # at most so often: workers look as rarely


class Watched(Struct, frozen=True):
    """How the counts of one provider, model and kind compare with the provider's.

    Attributes:
        exact: Whether they claim to be exact.
        calls: Of the last ones, how many are looked at.
        value: As in `Alert`; None before there are enough.
    """

    provider: str
    model: str
    kind: str
    exact: bool
    calls: int
    state: State
    value: float | None


class Publisher:
    """Called by the ingesting thread after each look at the journals, mostly for nothing.

    Attributes:
        alerts: What needs attention now.
        watched: What is compared, the least recently used first.
        corrections: How many are published.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.alerts: list[Alert] = []
        self.watched: list[Watched] = []
        self.corrections = 0
        self._directory = directory
        self._clock = clock
        self._known: Learning | None = None
        self._lessons = -1
        self._next_ns = 0
        self._failing = False

    def looked(self, learning: Learning) -> None:
        """Publish what *learning* knows, where that is something new."""
        now_ns = self._clock.ticks_ns()
        if now_ns < self._next_ns or (learning is self._known and learning.lessons == self._lessons):
            return
        self._next_ns = now_ns + int(EVERY_S * 1e9)
        self._known, self._lessons = learning, learning.lessons
        self._say(alerts_of(learning.watch.alerts()))
        self.watched = [_watched(group) for group in learning.watch.groups()]
        try:
            known = publish(self._directory, learning)
            self.corrections = len(known.calibration.shifts) + len(known.calibration.lines)
        except OSError as error:
            if not self._failing:
                log("counting_unpublished", "warning", reason=str(error), fix="workers count on without corrections")
            self._failing = True
        else:
            self._failing = False

    def _say(self, alerts: list[Alert]) -> None:
        """Each alert once, when it begins and when it is over."""
        before, now = ({_name(alert): alert for alert in some} for some in (self.alerts, alerts))
        for name, alert in now.items():
            if name not in before:
                log("counts_drifted", "warning", reason=alert.message)
        for name, alert in before.items():
            if name not in now:
                log("counts_fit_again", source=f"{alert.provider}/{alert.model}", reason=alert.kind)
        self.alerts = alerts


def _watched(group: Group) -> Watched:
    calls = len(group.errors)
    value = group.value if calls == CALLS else None
    return Watched(group.provider, group.model, group.kind, group.exact, calls, group.state, value)


def _name(alert: Alert) -> tuple[str, ...]:
    return alert.provider, alert.model, alert.kind, alert.state
