"""The log: one event a line on stderr, made of named, typed fields.

JSON for machines, a readable line for a terminal. There is no free-form field: what may be said is listed in
`FIELDS`, so that no header, URL, body or `repr` ever becomes part of a line, and what is said still passes
`redact_sensitive`. Nothing is logged for a call that succeeds.
"""

from __future__ import annotations

import sys
from typing import Literal, Protocol

import msgspec

from dd0c_route.clock import SystemClock, rfc3339
from dd0c_route.redact.scrub import redact_sensitive

Level = Literal["debug", "info", "warning", "error", "critical"]
Role = Literal["cli", "supervisor", "worker", "control", "simulator"]
MAX_VALUE_CHARS = 32 << 10  # one field; a traceback is shorter, and a provider's novel is not worth more

FIELDS: dict[str, type] = {
    "config_version": str,
    "count": int,
    "exit_code": int,
    "fix": str,
    "logger": str,
    "message": str,
    "reason": str,
    "restarts": int,
    "source": str,
    "thread": str,
    "traceback": str,
    "worker": int,
}


class Stream(Protocol):
    """What the log writes to: a text stream."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class _Log:
    """Where this process logs to, and as whom."""

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self.role: Role = "cli"
        self.readable = True  # for a person, not for a log collector
        self.dropped = 0  # lines since the last one that was taken


_log = _Log()
_encode = msgspec.json.Encoder().encode


def set_up(role: Role, stream: Stream) -> None:
    """Log as *role* to *stream*, which must be the raw one: lines are redacted here, once."""
    _log.role, _log.stream = role, stream
    _log.readable = role == "cli" or stream.isatty()


def log(event: str, level: Level = "info", **fields: str | int | None) -> None:
    """Write one event; a field that is None is left out.

    Args:
        event: What happened, in snake case: `worker_died`, `reload_refused`.
        fields: Of `FIELDS` only.

    Raises:
        TypeError: A field is not in `FIELDS` or has another type. (A bug in the caller, found by its first test.)
    """
    said = {name: value for name, value in fields.items() if value is not None}
    for name, value in said.items():
        if not isinstance(value, FIELDS.get(name, ())):
            raise TypeError(f"log field {name!r} of type {type(value).__name__} is not in FIELDS")
    stream = _log.stream or sys.stderr
    if stream is None:  # started without a stderr
        return
    clean = {name: _clean(value) if isinstance(value, str) else value for name, value in said.items()}
    line = _line(event, level, clean) if _log.readable else _json(event, level, clean)
    if _log.dropped:
        line = "\n" + _json("log_lines_dropped", "warning", {"count": _log.dropped}) + line
    try:
        stream.write(line)
        stream.flush()
    except (OSError, ValueError):
        # stderr is closed, its disk full or its reader asleep: a log that cannot be written must not stop a call
        _log.dropped += 1
    else:
        _log.dropped = 0


def _clean(value: str) -> str:
    # Redacted before it is cut: half a key at the end of a long text would not be recognised any more.
    clean = redact_sensitive(value).encode("utf-8", "backslashreplace").decode()  # a file name may hold any byte
    return clean if len(clean) <= MAX_VALUE_CHARS else clean[:MAX_VALUE_CHARS] + "… (cut)"


def _json(event: str, level: Level, fields: dict[str, str | int]) -> str:
    head = {"time": rfc3339(SystemClock.wall_ns()), "level": level, "role": _log.role, "event": event}
    return _encode(head | fields).decode() + "\n"


def _line(event: str, level: Level, fields: dict[str, str | int]) -> str:
    text = str(fields.pop("traceback", ""))
    message = str(fields.pop("message", ""))
    rest = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
    head = " ".join(part for part in (f"{level}: {event.replace('_', ' ')}", message and f"- {message}", rest) if part)
    return f"{head}\n{text.rstrip()}\n" if text else head + "\n"


def _quoted(value: str | int) -> str:
    text = str(value)
    return repr(text) if not text or any(character.isspace() for character in text) else text
