"""The simulator's own record of connections and calls: the other side's word on aborts and leaks."""

from __future__ import annotations

import hashlib
import sys
import time
from collections import deque
from itertools import islice
from typing import Any, Literal, TypeVar

from msgspec import Struct

KEPT = 100_000  # calls and connections remembered; older ones are only in the totals
_SHARED = 1000  # different sets of header names, and of credentials
_CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")

_K = TypeVar("_K")
_V = TypeVar("_V")

ClosedBy = Literal["open", "peer_fin", "peer_rst", "self"]
State = Literal["running", "complete", "aborted_by_peer", "cut"]

_Credentials = tuple[tuple[str, str], ...]  # header and fingerprint


class ConnectionRecord(Struct, gc=False):
    """Times in nanoseconds since the simulator's start."""

    id: int
    opened_ns: int
    closed_ns: int | None = None
    closed_by: ClosedBy = "open"
    calls: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    administers: bool = False  # it only asked for this record, and is no part of it


class CallRecord(Struct, gc=False):
    """One request. Times in nanoseconds since the simulator's start: head in, whole request in, head out, end."""

    id: int
    connection: int
    path: str
    started_ns: int
    header_names: tuple[str, ...]
    credentials: _Credentials
    model: str = ""
    recording: str | None = None
    received_ns: int | None = None
    head_ns: int | None = None
    ended_ns: int | None = None
    state: State = "running"
    status: int | None = None
    request_bytes: int = 0
    body_bytes_out: int = 0
    chunks_out: int = 0
    chars_out: int = 0
    tokens_out: int = 0


class Witness:
    """Bounded memory of what happened, and totals of everything since the last reset."""

    def __init__(self) -> None:
        self._origin_ns = time.perf_counter_ns()
        self._last_connection = self._last_call = 0
        # Equal names and credentials are one object in all records: a third of the memory.
        self._names: dict[tuple[bytes, ...], tuple[str, ...]] = {}
        self._credentials: dict[_Credentials, _Credentials] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all that is over; numbers go on counting, so that an id never means two things."""
        self._connections: deque[ConnectionRecord] = deque(
            (c for c in getattr(self, "_connections", ()) if c.closed_by == "open"), maxlen=KEPT
        )
        self._calls: deque[CallRecord] = deque(
            (c for c in getattr(self, "_calls", ()) if c.state == "running"), maxlen=KEPT
        )
        self._opened = sum(not c.administers for c in self._connections)
        self._asked = len(self._calls)
        self._closed: dict[str, int] = {"peer_fin": 0, "peer_rst": 0, "self": 0}
        self._ended: dict[str, int] = {"complete": 0, "aborted_by_peer": 0, "cut": 0}
        self._body_bytes = self._tokens = 0

    def now_ns(self) -> int:
        return time.perf_counter_ns() - self._origin_ns

    def opened(self) -> ConnectionRecord:
        self._last_connection += 1
        self._opened += 1
        record = ConnectionRecord(self._last_connection, self.now_ns())
        self._connections.append(record)
        return record

    def closed(self, connection: ConnectionRecord, closed_by: ClosedBy) -> None:
        connection.closed_ns, connection.closed_by = self.now_ns(), closed_by
        if not connection.administers:
            self._closed[closed_by] += 1

    def administered(self, connection: ConnectionRecord) -> None:
        """A connection asked for the record; if it made no call it does not count."""
        if not connection.calls and not connection.administers:
            connection.administers = True
            self._opened -= 1

    def asked(self, connection: ConnectionRecord, path: str, headers: dict[bytes, bytes]) -> CallRecord:
        """A request's head is in. No header value is kept; of credentials, eight digits of a SHA-256."""
        self._last_call += 1
        self._asked += 1
        connection.calls += 1
        if connection.administers:
            connection.administers = False
            self._opened += 1
        names = self._names.get(key := tuple(headers))
        if names is None:
            names = _keep(self._names, key, tuple([name.decode("latin-1") for name in key]))
        credentials = tuple([(name.decode(), fingerprint(headers[name])) for name in _CREDENTIALS if name in headers])
        credentials = self._credentials.get(credentials) or _keep(self._credentials, credentials, credentials)
        record = CallRecord(self._last_call, connection.id, sys.intern(path), self.now_ns(), names, credentials)
        self._calls.append(record)
        return record

    def ended(self, record: CallRecord, state: State) -> None:
        record.ended_ns, record.state = self.now_ns(), state
        self._ended[state] += 1
        self._body_bytes += record.body_bytes_out
        self._tokens += record.tokens_out

    def report(self, since: int, connections_since: int, limit: int) -> dict[str, Any]:
        """Calls with an id above *since*, oldest first, at most *limit*; connections likewise; totals of all."""
        calls = (c for c in self._calls if c.id > since)
        connections = (c for c in self._connections if c.id > connections_since and not c.administers)
        return {
            "now_ms": _ms(self.now_ns()),
            "totals": {
                "connections": self._opened,
                "connections_open": self._opened - sum(self._closed.values()),
                "connections_closed_by": dict(self._closed),
                "calls": self._asked,
                "calls_running": self._asked - sum(self._ended.values()),
                "calls_ended": dict(self._ended),
                "body_bytes_out": self._body_bytes,
                "tokens_out": self._tokens,
                "last_call": self._last_call,
                "last_connection": self._last_connection,
            },
            "connections": [_connection(c) for c in islice(connections, limit)],
            "calls": [_call(c) for c in islice(calls, limit)],
        }


def _keep(kept: dict[_K, _V], key: _K, value: _V) -> _V:
    if len(kept) >= _SHARED:
        kept.clear()
    kept[key] = value
    return value


def fingerprint(credential: bytes) -> str:
    """Eight hex digits of the SHA-256 of the key itself, without its scheme (as `Secret.fingerprint` has it)."""
    scheme, space, key = credential.partition(b" ")
    return hashlib.sha256(key if space and scheme.lower() == b"bearer" else credential).hexdigest()[:8]


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / 1e6, 3)


def _connection(c: ConnectionRecord) -> dict[str, Any]:
    return {
        "id": c.id,
        "opened_ms": _ms(c.opened_ns),
        "closed_ms": _ms(c.closed_ns),
        "closed_by": c.closed_by,
        "calls": c.calls,
        "bytes_in": c.bytes_in,
        "bytes_out": c.bytes_out,
    }


def _call(c: CallRecord) -> dict[str, Any]:
    return {
        "id": c.id,
        "connection": c.connection,
        "path": c.path,
        "model": c.model,
        "recording": c.recording,
        "started_ms": _ms(c.started_ns),
        "received_ms": _ms(c.received_ns),
        "head_ms": _ms(c.head_ns),
        "ended_ms": _ms(c.ended_ns),
        "state": c.state,
        "status": c.status,
        "request_bytes": c.request_bytes,
        "body_bytes_out": c.body_bytes_out,
        "chunks_out": c.chunks_out,
        "text_out": {"characters": c.chars_out, "tokens": c.tokens_out},
        "headers": list(c.header_names),
        "credentials": dict(c.credentials),
    }
