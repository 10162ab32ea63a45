"""When counts stop fitting what providers report: a new tokenizer, a new frame, a count that was never right. Pure.

Watched by provider, model and kind, over the last `CALLS` calls. Two things are told apart: an estimate's error that
has moved (`moved`), which the calibration follows by itself, and counts that claim to be exact and are not
(`not_exact`), which nothing here mends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from statistics import median
from typing import Literal

from msgspec import Struct

from dd0c_route.types import Count

CALLS = 50
MOST_GROUPS = 1_000
MOVED = 0.01  # of the reported tokens: what the median error must have moved by
SETTLED = 4 * CALLS  # calls after which a moved error is what is usual
_REGULAR = 0.8
_MISSED = 0.1  # of the exact counts; recorded ones miss in one of a hundred
_MISSED_NO_MORE = 0.04

State = Literal["fits", "moved", "not_exact"]


class Group(Struct, frozen=True):
    """The calls of one provider, model and kind whose counts claim the same.

    Attributes:
        errors: (reported - local) / reported of the last calls, oldest first.
        usual: The median error of the first `CALLS`; None until there are so many.
        spread: So near to it were `_REGULAR` of them: what moves within it says nothing.
        since: Id of the call with which *state* began.
        calls: Since then.
    """

    provider: str
    model: str
    kind: str
    exact: bool
    errors: tuple[float, ...] = ()
    usual: float | None = None
    spread: float = 0.0
    state: State = "fits"
    since: str = ""
    calls: int = 0

    @property
    def value(self) -> float:
        """How far the median error has moved, or which share of exact counts was wrong; 0..1 mostly, signed."""
        if not self.errors:
            return 0.0
        if self.exact:
            return sum(error != 0 for error in self.errors) / len(self.errors)
        return median(self.errors) - (self.usual or 0.0)


class Watch:
    """All groups, the most recently used of them."""

    def __init__(self, groups: Mapping[str, Group] | None = None) -> None:
        self._groups: OrderedDict[str, Group] = OrderedDict(groups or {})
        self._dropped: list[str] = []

    def add(self, call_id: str, count: Count, reported: int, provider: str, model: str, kind: str) -> tuple[str, Group]:
        """Learn from one call; its group's key and what the group is now."""
        exact = count.exactness == "exact"
        key = f"{provider}|{model.lower()}|{kind}|{'exact' if exact else count.tokenizer}"
        group = self._groups.get(key) or Group(provider, model, kind, exact)
        errors = (*group.errors, (reported - count.tokens) / max(1, reported))[-CALLS:]
        group = _judged(group, errors, call_id)
        self._groups[key] = group
        self._groups.move_to_end(key)
        while len(self._groups) > MOST_GROUPS:
            self._dropped.append(self._groups.popitem(last=False)[0])
        return key, group

    def take_dropped(self) -> list[str]:
        """The keys of groups given up since this was last asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def alerts(self) -> list[Group]:
        """The groups that need attention."""
        return [group for group in self._groups.values() if group.state != "fits"]

    def groups(self) -> list[Group]:
        """All groups, the most recently used last."""
        return list(self._groups.values())


def _judged(group: Group, errors: tuple[float, ...], call_id: str) -> Group:
    """*group* with *errors*, and what they mean."""
    usual, spread = group.usual, group.spread
    settled = group.state == "moved" and group.calls >= SETTLED
    if len(errors) == CALLS and not group.exact and (usual is None or settled):
        usual = median(errors)
        spread = sorted(abs(error - usual) for error in errors)[int(_REGULAR * CALLS) - 1]
    now = Group(group.provider, group.model, group.kind, group.exact, errors, usual, spread)
    state = _state(now, group.state)
    if state == group.state:
        since, calls = group.since, group.calls + 1
    else:
        since, calls = call_id, 1
    return Group(group.provider, group.model, group.kind, group.exact, errors, usual, spread, state, since, calls)


def _state(group: Group, before: State) -> State:
    if len(group.errors) < CALLS:
        return before
    if group.exact:
        bound = _MISSED if before == "fits" else _MISSED_NO_MORE
        return "not_exact" if group.value > bound else "fits"
    return "moved" if abs(group.value) > max(MOVED, group.spread) else "fits"
