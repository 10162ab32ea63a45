"""What the audits teach: corrections for estimates, and alerts where counts no longer fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from dd0c_route.ledger.store import Lesson
from dd0c_route.tokens.calibration import Residuals, Window
from dd0c_route.tokens.drift import Group, Watch
from dd0c_route.tokens.traits import Kind, Script, Traits
from dd0c_route.types import Audit

_RESIDUALS, _DRIFT = "residuals", "drift"
_ANSWER = "answer"  # the kind under which visible answers are watched

_window_decoder = msgspec.json.Decoder(Window)
_group_decoder = msgspec.json.Decoder(Group)
_encode = msgspec.json.Encoder().encode


class Learning:
    """Learns from audits, one after the other; goes on from what was *stored*.

    Attributes:
        residuals, watch: What is known.
        lessons: How many audits were learned from; another number, something new.
    """

    def __init__(self, stored: Mapping[Lesson, str] | None = None) -> None:
        stored = stored or {}
        self.residuals = Residuals(
            {key: _window_decoder.decode(state) for (sort, key), state in stored.items() if sort == _RESIDUALS}
        )
        self.watch = Watch(
            {key: _group_decoder.decode(state) for (sort, key), state in stored.items() if sort == _DRIFT}
        )
        self.lessons = 0
        self._changed: dict[Lesson, str] = {}

    def add(self, audit: Audit) -> None:
        """Learn from one call."""
        traits = Traits(
            audit.api, cast(Kind, audit.kind), audit.tool_choice, audit.tools_hash, cast(Script, audit.script)
        )
        self.lessons += 1
        whose = audit.provider, audit.model
        for key, window in self.residuals.add(audit.count, audit.reported, *whose, traits).items():
            self._changed[_RESIDUALS, key] = _encode(window).decode()
        self._watched(*self.watch.add(audit.id, audit.count, audit.reported, *whose, audit.kind))
        if audit.answer is not None:
            self._watched(*self.watch.add(audit.id, audit.answer, audit.answer_reported, *whose, _ANSWER))

    def take_changes(self) -> tuple[dict[Lesson, str], list[Lesson]]:
        """What is to be stored, and what is to be deleted, since this was last asked."""
        dropped = [(_RESIDUALS, key) for key in self.residuals.take_dropped()]
        dropped += [(_DRIFT, key) for key in self.watch.take_dropped()]
        changed, self._changed = self._changed, {}
        for lesson in dropped:
            changed.pop(lesson, None)
        return changed, dropped

    def _watched(self, key: str, group: Group) -> None:
        self._changed[_DRIFT, key] = _encode(group).decode()
