"""Tell others what was learned of the brain's choices: the workers by a file, people by the log."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from dd0c_route.brain.evidence import Broken
from dd0c_route.clock import Clock
from dd0c_route.ledger.taught import publish
from dd0c_route.ledger.teaching import Teaching
from dd0c_route.redact.log import log

EVERY_S = 5.0  # at most so often: a worker reads it in milliseconds; a route that is rolled back is told at once


class Alert(Struct, frozen=True):
    """A route that was rolled back; it only watches until somebody resets it."""

    route: str
    broken: Broken

    @property
    def message(self) -> str:
        return (
            f"route {self.route} was rolled back: {self.broken.message}; it only watches until "
            f"POST /api/v1/routes/{self.route}/reset"
        )


class TeachingPublisher:
    """Called by the ingesting thread after each look at the journals, mostly for nothing.

    Attributes:
        alerts: The routes that are rolled back now.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.alerts: list[Alert] = []
        self._directory = directory
        self._clock = clock
        self._known: Teaching | None = None
        self._lessons = -1
        self._next_ns = 0
        self._failing = False

    def looked(self, teaching: Teaching) -> None:
        """Publish what *teaching* knows, where that is something new."""
        if teaching is self._known and teaching.lessons == self._lessons:
            return
        alerts = [
            Alert(route, one.broken) for route, one in sorted(teaching.evidence.items()) if one.broken is not None
        ]
        now_ns = self._clock.ticks_ns()
        if alerts == self.alerts and now_ns < self._next_ns:
            return
        self._next_ns = now_ns + int(EVERY_S * 1e9)
        self._say(alerts)
        try:
            publish(self._directory, teaching.taught(self._clock.wall_ns() // 1_000_000))
        except OSError as error:
            if not self._failing:
                log("teaching_unpublished", "warning", reason=str(error), fix="workers go on with what they know")
            self._failing = True  # and the next look tries again
        else:
            self._failing = False
            self._known, self._lessons = teaching, teaching.lessons

    def _say(self, alerts: list[Alert]) -> None:
        """Each roll-back once, when it comes and when it is over."""
        before, now = ({alert.route: alert for alert in some} for some in (self.alerts, alerts))
        for route, alert in now.items():
            if route not in before:
                log("route_rolled_back", "error", source=route, reason=alert.message)
        for route in before.keys() - now.keys():
            log("route_reset", source=route)
        self.alerts = alerts
