"""What journal records change, worked out without touching the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from dd0c_route.ledger.records import AUDIT, DELIVER, INTENT, LABEL, RESET, Record
from dd0c_route.ledger.segments import Segment
from dd0c_route.ledger.store import Batch, OpenCall, Row, Unreadable
from dd0c_route.types import Audit, Delivery, Entry, Intent, Label, Reset

_intent_decoder = msgspec.json.Decoder(Intent)
_entry_decoder = msgspec.json.Decoder(Entry)
_delivery_decoder = msgspec.json.Decoder(Delivery)
_audit_decoder = msgspec.json.Decoder(Audit)
_label_decoder = msgspec.json.Decoder(Label)
_reset_decoder = msgspec.json.Decoder(Reset)
_encoder = msgspec.json.Encoder()


class Fold:
    """Work out what records change, without touching the store.

    Attributes:
        finished: Entries that will not change any more.
        audits: Local counts of calls.
        said: Labels with their calls' entries, and resets of routes, in the order in which they came.
    """

    def __init__(self, calls: dict[str, OpenCall], stored: Callable[[str], Entry | None]) -> None:
        self.finished: list[Entry] = []
        self.unreadable: list[Unreadable] = []
        self.audits: list[Audit] = []
        self.said: list[tuple[Label, Entry] | Reset] = []
        self.unmatched = 0
        self._calls = calls
        self._stored = stored
        self._remembered = set(calls)  # these are in the store
        self._touched: set[str] = set()
        self._settled: dict[str, Row] = {}
        self._amended: dict[str, Row] = {}

    def add(self, segment: Segment, position: int, record: Record) -> None:
        """Take one record of *segment*; *position* is where the stretch begins that the record's offset counts from."""
        try:
            if record.kind == INTENT:
                intent = _intent_decoder.decode(record.payload)
                self._open(OpenCall(intent.id, segment.run, record.payload))
            elif record.kind == DELIVER:
                self._deliver(_delivery_decoder.decode(record.payload))
            elif record.kind == AUDIT:
                self.audits.append(_audit_decoder.decode(record.payload))
            elif record.kind == LABEL:
                self._label(_label_decoder.decode(record.payload))
            elif record.kind == RESET:
                self.said.append(_reset_decoder.decode(record.payload))
            else:
                entry = _entry_decoder.decode(record.payload)
                self._settled[entry.id] = Row(entry, record.payload.decode())
                self._open(OpenCall(entry.id, segment.run, None))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unreadable.append(Unreadable(segment.name, position + record.end, record.payload))

    def end_run(self, run: str) -> None:
        """The writer is gone: nothing more will come of its calls."""
        for call in [call for call in self._calls.values() if call.run == run]:
            if call.intent is not None:
                entry = lost(_intent_decoder.decode(call.intent))
                self._settled[entry.id] = _row(entry)
                self._close(call.id, entry)
            elif settled := self._entry(call.id):
                unconfirmed = msgspec.structs.replace(settled, error=settled.error or "delivery_unconfirmed")
                self._amend(unconfirmed)
                self._close(call.id, unconfirmed)

    def batch(self, read_to: dict[str, int], gone: list[str]) -> Batch:
        """All of it for one transaction, with how far the segments are read and which are gone."""
        still_open = [self._calls[call_id] for call_id in self._touched if call_id in self._calls]
        return Batch(
            settled=list(self._settled.values()),
            amended=list(self._amended.values()),
            opened=still_open,
            closed=[call_id for call_id in self._touched & self._remembered if call_id not in self._calls],
            positions=read_to,
            forgotten=gone,
            unreadable=self.unreadable,
            audits=self.audits,
            labels=[one[0] for one in self.in_order() if isinstance(one, tuple)],
        )

    def in_order(self) -> list[tuple[Label, Entry] | Reset]:
        """What was said, by its time: the last word counts, and the order of the journals says nothing."""
        return sorted(self.said, key=lambda one: one.at if isinstance(one, Reset) else one[0].at)

    def _deliver(self, delivery: Delivery) -> None:
        call = self._calls.get(delivery.id)
        entry = self._entry(delivery.id) if call is not None and call.intent is None else None
        if entry is None:
            self.unmatched += 1
            return
        if delivery.changes:
            entry = changed(entry, delivery.changes)
            self._amend(entry)
        self._close(delivery.id, entry)

    def _label(self, label: Label) -> None:
        entry = self._entry(label.id)
        if entry is None:
            self.unmatched += 1
            return
        self.said.append((label, entry))

    def _entry(self, call_id: str) -> Entry | None:
        row = self._settled.get(call_id)
        return row.entry if row else self._stored(call_id)

    def _amend(self, entry: Entry) -> None:
        place = self._settled if entry.id in self._settled else self._amended
        place[entry.id] = _row(entry)

    def _open(self, call: OpenCall) -> None:
        self._calls[call.id] = call
        self._touched.add(call.id)

    def _close(self, call_id: str, entry: Entry) -> None:
        del self._calls[call_id]
        self._touched.add(call_id)
        self.finished.append(entry)


def lost(intent: Intent) -> Entry:
    """The entry of a call whose worker was killed: it may have cost something, and nobody knows what."""
    return Entry(
        id=intent.id,
        at=intent.at,
        dialect=intent.dialect,
        api=intent.api,
        provider=intent.provider,
        requested_model=intent.requested_model,
        served_model=intent.served_model,
        stream=intent.stream,
        status=0,
        end_state="internal",
        error="worker_lost",
        session=intent.session,
        tags=intent.tags,
        key_id=intent.key_id,
    )


def changed(entry: Entry, changes: dict[str, Any]) -> Entry:
    """*entry* with *changes*, given as JSON values.

    Raises:
        msgspec.ValidationError: A change is not of its field's type.
    """
    return msgspec.convert({**msgspec.to_builtins(entry), **changes, "id": entry.id}, Entry)


def _row(entry: Entry) -> Row:
    return Row(entry, _encoder.encode(entry).decode())
