"""What the ledger asks of a store, and the values that go in and out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from dd0c_route.clock import new_id
from dd0c_route.types import Audit, Entry, Label

_AGE = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


Lesson = tuple[str, str]  # what sort of thing was learned, and of what


class OpenCall(msgspec.Struct, frozen=True):
    """A call that the ledger still expects something of.

    Attributes:
        run: The writer that will send it, or die.
        intent: The intent as JSON; None where the call was settled, and only its delivery is missing.
    """

    id: str
    run: str
    intent: bytes | None


class Row(msgspec.Struct, frozen=True):
    """An entry and the JSON that holds it."""

    entry: Entry
    text: str


class Unreadable(msgspec.Struct, frozen=True):
    """A whole record that means nothing to this version; kept as it is."""

    segment: str
    offset: int
    payload: bytes


class Batch(msgspec.Struct, frozen=True):
    """What one look at the journals changes; stored all at once or not at all.

    Attributes:
        settled: New entries; one that is there already stays as it is.
        amended: Entries that are there, with other fields now.
        opened: Calls to remember; replaces what was remembered of the same ids.
        closed: Ids of calls of which nothing is expected any more.
        positions: Offset behind the last record of each segment that was read.
        forgotten: Segments that are deleted.
        audits: Local counts; they stand in the entries that are read, whenever those come.
        learned: What audits taught, as JSON; replaces what was there.
        unlearned: What is given up of it.
        labels: How good answers were; the last one of a call, kind and source stays.
        taught, untaught: What labels and savings taught, as the two above.
    """

    settled: list[Row]
    amended: list[Row]
    opened: list[OpenCall]
    closed: list[str]
    positions: dict[str, int]
    forgotten: list[str]
    unreadable: list[Unreadable]
    audits: list[Audit] = []
    learned: dict[Lesson, str] = {}
    unlearned: list[Lesson] = []
    labels: list[Label] = []
    taught: dict[Lesson, str] = {}
    untaught: list[Lesson] = []


class Progress(msgspec.Struct, frozen=True):
    """How far the journals are stored."""

    positions: dict[str, int]
    calls: list[OpenCall]


class Filter(msgspec.Struct, frozen=True):
    """Which entries are asked for; all conditions must hold.

    Attributes:
        since, before: Ids, as ids sort by time: the first one asked for, and the one behind the last (`id_at`).
        model: The model asked for or the model that answered.
        tags: Name and value; an empty value asks for the name alone.
        unpriced: Only calls without a price.
        confirmed: Not those that were settled a moment ago and whose delivery is still to be confirmed or corrected.
    """

    limit: int = 50
    since: str | None = None
    before: str | None = None
    provider: str | None = None
    model: str | None = None
    end_state: str | None = None
    session: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    unpriced: bool = False
    confirmed: bool = False


EVERYTHING = Filter()


class Page(msgspec.Struct, frozen=True):
    """Entries, newest first; *next* is the `before` of the page behind this one, None on the last."""

    entries: list[Entry]
    next: str | None


class Rewritten(msgspec.Struct, frozen=True):
    """One batch of entries that were looked at; *last* is the id of the last one, None where there was none left."""

    seen: int
    last: str | None


class Unpriced(msgspec.Struct, frozen=True):
    """A model without a price: how many calls, and when the first of them was (RFC 3339)."""

    provider: str
    model: str
    calls: int
    first_at: str

    @property
    def problem(self) -> str:
        return f"{self.calls} call{'' if self.calls == 1 else 's'} of {self.provider}/{self.model} without a price"

    @property
    def fix(self) -> str:
        return f"add it under [[prices]] in dd0c.toml, then run dd0c-route reprice --since {self.first_at[:10]}"


class SessionTotals(msgspec.Struct, frozen=True):
    """What the calls of one session came to, those without a price left out of the sums.

    Attributes:
        baseline_picodollars: What the models asked for would have cost.
        served_model: Who answered last; None before the first call.
    """

    calls: int
    unpriced: int
    cost_picodollars: int
    baseline_picodollars: int
    saved_picodollars: int
    served_model: str | None


class Store(Protocol):
    """Keeps entries. `ingest` belongs to one thread; the reading methods may be called from any.

    Every method raises StoreUnavailable where the store cannot be reached or used.
    """

    def ingest(self, batch: Batch) -> None:
        """Store *batch* in one transaction.

        Raises:
            StoreDeleted: There is no such store any more; open it anew.
        """

    def verify(self) -> None:
        """See that what is stored goes where the next process looks for it.

        Raises:
            StoreDeleted: It was deleted or replaced; open it anew.
            StoreUnavailable: It is no store any more.
        """

    def harden(self) -> None:
        """Return when everything stored survives a power loss.

        Raises:
            StoreUnsynced: The disk failed to keep it; asked again, it would say that it does.
        """

    def progress(self) -> Progress: ...

    def learned(self) -> dict[Lesson, str]:
        """What audits taught this version of the program, the longest unused first; another one's is deleted."""

    def taught(self) -> dict[Lesson, str]:
        """What labels and savings taught, the longest unused first."""

    def labels(self, entry_id: str) -> tuple[Label, ...]:
        """What was said of one call's answer, the oldest first."""

    def entries(self, wanted: Filter = EVERYTHING) -> Page: ...

    def entry(self, entry_id: str, *, confirmed: bool = False) -> Entry | None: ...

    def session(self, session: str) -> SessionTotals: ...

    def rewrite(self, after: str, before: str | None, limit: int, change: Callable[[Entry], Entry | None]) -> Rewritten:
        """Replace up to *limit* entries, of ids between *after* and *before*, by what *change* makes of them.

        One transaction, so that what another process stores in the meantime is neither seen by half nor lost. Entries
        that a delivery may still change are passed over. *change* gives None for an entry that stays as it is, and
        may be called again for the same entry, if the transaction failed.
        """

    def unpriced(self, since: str, limit: int = 50) -> list[Unpriced]:
        """The models without a price that were called from the id *since* on, the most called first."""

    def close(self) -> None: ...


def id_at(wall_ns: int) -> str:
    """The lowest id of a call that began in this millisecond or later."""
    return new_id("dd_", wall_ns)[: len("dd_") + 10]


def moment_ns(text: str, now_ns: int) -> int:
    """A moment in nanoseconds since 1970: an age (`90s`, `2h`, `30d`, `1w`) or RFC 3339 (UTC where no zone is named).

    Raises:
        ValueError: It is neither; the message says what is expected.
    """
    if match := _AGE.fullmatch(text):
        return max(0, now_ns - int(match[1]) * _SECONDS[match[2]] * 1_000_000_000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither an age like 30d or 2h nor a time like 2026-11-24T05:30:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, round(moment.timestamp() * 1_000_000) * 1000)
