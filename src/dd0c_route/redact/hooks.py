"""Every way in which Python writes something on its own goes through the redactor first.

`install()` is the first thing that a process does. It covers uncaught exceptions (main thread, threads,
destructors, the event loop), warnings, `logging` with arguments, exceptions and its own internal errors, and text
that anybody writes to `sys.stderr` (the interpreter itself prints `SystemExit(message)` there). Native crashes
print file and line only and leave no core behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import reprlib
import resource
import select
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TextIO

from dd0c_route.redact.log import Level, Role, log, set_up
from dd0c_route.redact.scrub import redact_sensitive
from dd0c_route.redact.stderr import RedactingStderr

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_WHOLE_CHARS = 1 << 16  # of an argument in a library's text


class _Loop(Protocol):
    def set_exception_handler(self, handler: Callable[[Any, dict[str, Any]], object] | None, /) -> None: ...


def install(role: Role = "cli", stderr: TextIO | None = None) -> None:
    """Put the redactor before every writer of this process. Safe to repeat.

    Args:
        stderr: Where to write; the process's own stderr by default.
    """
    stream = stderr or sys.stderr
    if isinstance(stream, RedactingStderr):
        stream = stream.raw
    _no_memory_on_disk()
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    warnings.showwarning = _warn
    _shorten_nothing()
    _install_logging()
    if stream is not None:  # a process may be started without one
        set_up(role, NeverWaiting(stream) if role in ("worker", "control", "supervisor") else stream)
        # Re-entrant: a signal handler may write while a write is under way.
        sys.stderr = RedactingStderr(stream, threading.RLock())
        _enable_faulthandler(stream)


def install_loop(loop: _Loop) -> None:
    """The same for what an event loop reports (a task's exception that nobody fetched, a failing callback)."""
    loop.set_exception_handler(_loop_error)


class NeverWaiting:
    """A stream that refuses what it would have to wait with: a pipe whose reader sleeps must not hold up a loop."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._room: select.poll | None = None  # a stream without a descriptor takes everything
        with contextlib.suppress(OSError, ValueError):
            descriptor, room = stream.fileno(), select.poll()
            room.register(descriptor, select.POLLOUT)
            self._room = room

    def write(self, text: str) -> None:
        """
        Raises:
            OSError: Nothing of *text* was taken, or not all of it.
        """
        # A pipe that is writable takes this much at once; no character is longer than four bytes. Source: pipe(7).
        for start in range(0, len(text), select.PIPE_BUF // 4):
            if self._room is not None and not self._room.poll(0):
                raise BlockingIOError("nobody reads")
            self._stream.write(text[start : start + select.PIPE_BUF // 4])
            self._stream.flush()

    def flush(self) -> None:
        """Nothing waits here."""

    def isatty(self) -> bool:
        return self._stream.isatty()


# --- Python's own hooks ------------------------------------------------------------------------------


def _uncaught(kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
    _report("uncaught_exception", error, kind=kind, tb=tb)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else "?"
    _report("uncaught_exception", args.exc_value, kind=args.exc_type, tb=args.exc_traceback, thread=name)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    message = f"{args.err_msg or 'exception ignored in'}: {_shown(args.object)}"
    _report("exception_ignored", args.exc_value, kind=args.exc_type, tb=args.exc_traceback, message=message)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = f"{category.__name__}: {_shown(message, str)}"
    _safely("python_warning", "warning", message=text, source=f"{filename}:{lineno}")


def _loop_error(loop: object, context: dict[str, Any]) -> None:
    error = context.get("exception")
    parts = [str(context.get("message", "unhandled exception in event loop"))]
    parts += [f"{key}={_shown(context[key])}" for key in sorted(context) if key not in ("message", "exception")]
    _report("loop_error", error, kind=type(error), tb=getattr(error, "__traceback__", None), message="; ".join(parts))


def _report(
    event: str,
    error: BaseException | None,
    *,
    kind: type[BaseException] | type[None],
    tb: TracebackType | None,
    message: str | None = None,
    thread: str | None = None,
) -> None:
    text = None
    if error is not None:
        try:
            text = "".join(traceback.format_exception(error.__class__, error, tb))
        except Exception as failure:  # an exception whose own text fails; still say that it was there
            text = f"{kind.__name__} (its text failed with {type(failure).__name__})"
    _safely(event, "error", message=message, thread=thread, traceback=text)


def _safely(event: str, level: Level, **fields: str | None) -> None:
    """Log; if even that fails, say that something was withheld rather than let Python print it raw."""
    try:
        log(event, level=level, **fields)
    except Exception as failure:  # a hook that raises makes Python print both exceptions, unredacted
        raw = sys.stderr.raw if isinstance(sys.stderr, RedactingStderr) else None
        if raw is not None:
            raw.write(f"{event}: withheld, it could not be redacted ({type(failure).__name__})\n")


def _shown(value: object, how: Callable[[object], str] = repr) -> str:
    try:
        return how(value)
    except Exception as failure:  # somebody else's __repr__
        return f"<{type(value).__name__}, its text failed with {type(failure).__name__}>"


def _shorten_nothing() -> None:
    """asyncio's debug mode shows arguments without their middle, and half a key is not recognised any more."""
    reprlib.aRepr.maxstring = reprlib.aRepr.maxother = _WHOLE_CHARS


# --- logging -------------------------------------------------------------------------------------------


class _Handler(logging.Handler):
    """A library's log record as one of our events."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message, text = record.getMessage(), _details(record)
        except Exception:  # arguments that do not fit their format, or somebody's __str__
            self.handleError(record)
            return
        level = _LEVELS[min(max(record.levelno // 10, 1), 5)]
        _safely("library_log", level, logger=record.name, message=message, traceback=text or None)


_LEVELS: dict[int, Level] = {1: "debug", 2: "info", 3: "warning", 4: "error", 5: "critical"}


def _details(record: logging.LogRecord) -> str:
    error = record.exc_text
    if record.exc_info and record.exc_info[0] is not None:
        error = "".join(traceback.format_exception(*record.exc_info))
    return "\n".join(part for part in (error, record.stack_info) if part)


def _install_logging() -> None:
    """Root and last-resort handler are ours; the base classes redact for handlers that a library adds itself."""
    handler = _Handler()
    logging.lastResort = handler
    root = logging.getLogger()
    if not any(isinstance(known, _Handler) for known in root.handlers):
        root.handlers[:] = [handler]
    logging.Handler.handleError = _handler_failed  # type: ignore[method-assign]  # that is the point
    logging.Formatter.format = _redacted_format  # type: ignore[method-assign]  # that is the point


_format = logging.Formatter.format


def _redacted_format(self: logging.Formatter, record: logging.LogRecord) -> str:
    return redact_sensitive(_format(self, record))


def _handler_failed(self: logging.Handler, record: logging.LogRecord) -> None:
    """Python's own version prints message and arguments raw to stderr."""
    failure = sys.exc_info()[0]
    name = failure.__name__ if failure else "unknown"
    _safely("logging_failed", "error", logger=record.name, message=f"{record.msg} (withheld: {name})")


# --- outside Python --------------------------------------------------------------------------------------


def _no_memory_on_disk() -> None:
    """No core file, and no debugger of another process of this user: memory holds keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _enable_faulthandler(stream: TextIO) -> None:
    try:
        faulthandler.enable(stream.fileno())
    except (OSError, ValueError, AttributeError):
        faulthandler.disable()  # a stream without a descriptor: better no trace than one in the wrong place
