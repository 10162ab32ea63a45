"""What the workers of `test_injection.py` load as they start: raises exceptions in the shipped code when it is told to.

It is found through `PYTHONPATH` and does nothing but in a worker, and there only with `INJECTION_SOCKET` in the
environment. A thread takes orders; what it does in the loop's own thread, it has the loop do. Nothing is patched: lines
are reached, and exceptions raised, through `sys.settrace`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import gc
import inspect
import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

MOST_DESCRIPTORS = 512
Tracer = Callable[[FrameType, str, Any], Any]


def _source() -> str:
    import dd0c_route

    return os.path.dirname(dd0c_route.__file__) + os.sep


def _fault(kind: str, text: str) -> BaseException:
    """An exception of *kind* whose text, arguments, notes, cause and locals all hold *text*."""
    from dd0c_route import errors

    made: dict[str, Callable[[], BaseException]] = {
        "ValueError": lambda: ValueError(text, text.encode(), {"authorization": text}),
        "KeyError": lambda: KeyError(text),
        "OSError": lambda: OSError(errno.ENOSPC, text, text),
        "ConnectionResetError": lambda: ConnectionResetError(errno.ECONNRESET, text),
        "TimeoutError": lambda: TimeoutError(text),
        "MemoryError": lambda: MemoryError(text),
        "RecursionError": lambda: RecursionError(text),
        "CancelledError": lambda: asyncio.CancelledError(text),
        "UpstreamInvalid": lambda: errors.UpstreamInvalid(text),
        "RouteError": lambda: errors.RouteError(text),
        "group": lambda: ExceptionGroup(text, [ExceptionGroup(text, [ValueError(text)])]),
        "StopIteration": lambda: StopIteration(text),
    }
    fault = made[kind]()
    fault.add_note(f"while sending {text}")
    fault.__cause__ = ValueError(f"caused by {text}")
    return fault


class Injector:
    """Collects the lines that are reached, or raises at one of them; all but `serve` in the loop's thread."""

    def __init__(self) -> None:
        self._source = _source()
        self._reached: dict[tuple[str, int, bool], int] = {}
        self._place = ("", 0)
        self._left = 0
        self._make: Callable[[], BaseException] | None = None
        self.hit = self.knew = False
        self._app: Any = None

    # --- orders -----------------------------------------------------------------------------------------

    def collect(self) -> None:
        self._reached = {}
        sys.settrace(self._collecting)

    def collected(self) -> list[tuple[str, int, bool, int]]:
        """File, line, whether it is a coroutine's, and how often it was reached."""
        sys.settrace(None)
        skip = len(self._source)
        return [(file[skip:], line, waits, count) for (file, line, waits), count in self._reached.items()]

    def inject(self, file: str, line: int, nth: int, kind: str, text: str) -> None:
        self._place, self._left = (self._source + file, line), nth
        self._make, self.hit = (lambda: _fault(kind, text)), False
        self.knew = False
        sys.settrace(self._injecting)

    def state(self) -> dict[str, Any]:
        """What is held, and whether the exception was raised. Anything but the last two must go back to what it was."""
        from dd0c_route.redact import registry

        tracing = sys.gettrace()
        sys.settrace(None)  # what follows is no part of a call
        app = self._find_app()
        app.runtime.journal.works()  # what the disk refused is written with the next record; here, now
        lines = app.runtime.lines.values()
        tasks = asyncio.all_tasks(app.loop)
        held = {
            "calls": len(app._calls),
            "clients": len(app._connections),
            "deliveries": len(app._deliveries),
            "in_use": sum(line.pool.in_use for line in lines),
            "dialing": sum(line.pool._dialing for line in lines) + app._control._dialing,
            "control": app._control.in_use,
            "waiters": sum(len(line.pool._waiters) for line in lines),
            "credentials": len(registry._live),
            "tasks": len(tasks),
            "watched": sum(type(one).__name__ != "Pool" for one in app.runtime.sweeper._watched),
            "unwritten": app.runtime.journal.pending,
            "sockets": _sockets() - sum(line.pool.open for line in lines) - app._control.open,
            "hit": self.hit,
            "knew": self.knew,  # the caller's credential was registered when it was raised
            "pid": os.getpid(),
        }
        sys.settrace(tracing)
        return held

    def calm(self) -> None:
        sys.settrace(None)
        self._make = None

    def collect_garbage(self) -> None:
        """What a traceback held on to goes; a worker collects too, but seldom."""
        gc.collect()

    # --- tracing ----------------------------------------------------------------------------------------

    def _collecting(self, frame: FrameType, event: str, arg: Any) -> Tracer | None:
        return self._note if frame.f_code.co_filename.startswith(self._source) else None

    def _note(self, frame: FrameType, event: str, arg: Any) -> Tracer:
        if event == "line":
            waits = bool(frame.f_code.co_flags & inspect.CO_COROUTINE)
            place = (frame.f_code.co_filename, frame.f_lineno, waits)
            self._reached[place] = self._reached.get(place, 0) + 1
        return self._note

    def _injecting(self, frame: FrameType, event: str, arg: Any) -> Tracer | None:
        return self._raise if frame.f_code.co_filename == self._place[0] else None

    def _raise(self, frame: FrameType, event: str, arg: Any) -> Tracer:
        if event == "line" and frame.f_lineno == self._place[1] and self._make is not None:
            self._left -= 1
            if self._left == 0:
                from dd0c_route.redact import registry

                make, self._make, self.hit = self._make, None, True
                self.knew = bool(registry._live)
                raise make()
        return self._raise

    def _find_app(self) -> Any:
        if self._app is None:
            from dd0c_route.proxy.app import App

            gc.unfreeze()  # what is frozen is not found
            self._app = next(thing for thing in gc.get_objects() if isinstance(thing, App))
            gc.freeze()
        return self._app


def _sockets() -> int:
    count = 0
    for fd in range(MOST_DESCRIPTORS):
        try:
            count += stat.S_ISSOCK(os.fstat(fd).st_mode)
        except OSError:
            continue
    return count


def serve(path: str) -> None:
    """Take orders, one JSON line each, and answer each with one."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{path}.{os.getpid()}")
    listening.listen(1)
    injector: Injector | None = None
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                order = json.loads(line)
                injector = injector or Injector()
                answer = _in_the_loop(injector, order.pop("do"), order)
                stream.write(json.dumps(answer).encode() + b"\n")
                stream.flush()


def _in_the_loop(injector: Injector, name: str, arguments: dict[str, Any]) -> Any:
    done: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def run() -> None:
        try:
            done.set_result(getattr(injector, name)(**arguments))
        except BaseException as error:
            done.set_exception(error)

    injector._find_app().loop.call_soon_threadsafe(run)
    return done.result()


if "INJECTION_SOCKET" in os.environ and "dd0c_route.proxy" in sys.orig_argv:
    threading.Thread(target=serve, args=(os.environ["INJECTION_SOCKET"],), daemon=True).start()
