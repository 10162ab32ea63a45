"""What is known of our own counts, from the process that learns it to those that count: a file beside the journals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Raw, Struct

from dd0c_route import __version__
from dd0c_route.ledger.learning import Learning
from dd0c_route.ledger.published import Watched, read, write
from dd0c_route.tokens.calibration import Calibration
from dd0c_route.tokens.drift import Group, State
from dd0c_route.tokens.traits import traits
from dd0c_route.types import Count

FILE = "counting.json"  # in the directory of the journals
MOST_KEYS = 1_000  # published: a worker reads them in a millisecond
MOST_BYTES = 4 << 20  # of a file that is read; ours has some 200 KB

_NOTHING = Calibration()


class Alert(Struct, frozen=True):
    """Counts that no longer fit what a provider reports.

    Attributes:
        kind: Of request, as `tokens.traits` tells it, or `answer`.
        state: `moved`: an estimate's error is another one now; `not_exact`: counts that claim to be exact miss.
        value: By which share of the tokens the median error moved, signed; or which share of the calls was missed.
        since: Id of the call with which it began.
        calls: Counted since then.
    """

    provider: str
    model: str
    kind: str
    state: State
    value: float
    since: str
    calls: int

    @property
    def message(self) -> str:
        """The same for a person."""
        if self.state == "not_exact":
            return f"{self._whose}: {self.value:.0%} of the counts called exact differ from what the provider reports"
        moved = f"{self.value:+.1%} against what was usual"
        return f"{self._whose}: the provider reports {moved}: a new tokenizer or frame?"

    @property
    def _whose(self) -> str:
        return f"{self.provider}/{self.model} ({self.kind})"


class Published(Struct, frozen=True):
    """What the file holds; another version's is not read, since it counts otherwise."""

    version: str
    calibration: Calibration
    alerts: list[Alert] = []


def alerts_of(groups: list[Group]) -> list[Alert]:
    """The alerts that *groups* stand for, in a lasting order."""
    return sorted(
        (Alert(one.provider, one.model, one.kind, one.state, one.value, one.since, one.calls) for one in groups),
        key=lambda alert: (alert.provider, alert.model, alert.kind, alert.state),
    )


def publish(directory: Path, learning: Learning) -> Published:
    """Let everybody know what *learning* knows; returns what everybody knows now.

    Raises:
        OSError: The file cannot be written.
    """
    known = Published(__version__, learning.residuals.calibration(MOST_KEYS), alerts_of(learning.watch.alerts()))
    write(directory / FILE, known)
    return known


def published(directory: Path) -> Published | None:
    """What was published last; None where there is nothing that can be used."""
    known = read(directory / FILE, Published, MOST_BYTES)
    return known if known is not None and known.version == __version__ else None


class Known:
    """The calibration in force: read anew when the file has changed and somebody calls `refresh`."""

    def __init__(self, directory: Path | None = None) -> None:
        self.calibration = _NOTHING
        self._file = Watched(directory / FILE) if directory is not None else None
        self.refresh()

    def refresh(self) -> None:
        """Look whether there is something new: one system call, and a millisecond when there is."""
        if self._file is not None and self._file.is_new():
            known = published(self._file.path.parent)
            self.calibration = known.calibration if known is not None else _NOTHING

    def correct(self, count: Count, api: str, fields: Mapping[str, Raw], model: str, provider: str) -> Count:
        """*count* of a request, corrected by what is known; an exact one stays as it is. Safe in any thread."""
        calibration = self.calibration
        if count.exactness == "exact" or calibration is _NOTHING:
            return count
        return calibration.correct(count, provider, model, traits(api, fields))
