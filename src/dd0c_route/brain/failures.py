"""How often tries at a target failed lately, so that a cheap model that seldom answers does not look cheap. Pure."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from dd0c_route.types import Target

_HALF_LIFE_NS = 120 * 1_000_000_000  # outages are over within minutes, and a try is forgotten as soon
_PRIOR_TRIES = 4.0  # good ones that nobody made: one failure alone is no outage
_MOST_TARGETS = 1024  # names come from clients


class Tries(Struct, frozen=True, gc=False):
    """Weights of the tries at a target, as they were at *at_ns*."""

    made: float
    failed: float
    at_ns: int

    def faded(self, now_ns: int) -> Tries:
        kept: float = 0.5 ** (max(0, now_ns - self.at_ns) / _HALF_LIFE_NS)
        return Tries(self.made * kept, self.failed * kept, now_ns)


class Failures:
    """One worker's, the targets longest untried leave first. Times are wall time."""

    def __init__(self) -> None:
        self._known: OrderedDict[Target, Tries] = OrderedDict()

    def tried(self, target: Target, now_ns: int, *, failed: bool) -> None:
        """A try at *target* was answered, or *failed* so that another one can follow."""
        before = self._known.pop(target, None)
        if before is None and not failed:
            return  # nothing is to be remembered of who never fails
        before = Tries(0.0, 0.0, now_ns) if before is None else before.faded(now_ns)
        self._known[target] = Tries(before.made + 1, before.failed + failed, now_ns)
        while len(self._known) > _MOST_TARGETS:
            self._known.popitem(last=False)

    def share(self, target: Target, now_ns: int) -> float:
        """The share of tries at *target* that can be expected to fail now, 0..1."""
        tries = self._known.get(target)
        if tries is None:
            return 0.0
        now = tries.faded(now_ns)
        return now.failed / (now.made + _PRIOR_TRIES)
