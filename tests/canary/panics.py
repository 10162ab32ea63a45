"""Panics to order, in the shipped router: what a bug or a library might do with a credential that it holds.

A call with the header `x-panic` does what that says before it goes on; a command with `CANARY_PANIC` in its
environment fails while it reads its configuration.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.canary.mutants import swap

ORDER = b"x-panic"
_RUNTIMES: list[Any] = []  # of this worker


def install() -> None:
    """Listen for orders: in workers, and in commands that are told by their environment."""
    if os.environ.get("CANARY_PANIC"):

        def fail(*arguments: Any, **more: Any) -> None:
            raise RuntimeError(f"with {os.environ['CANARY_PANIC']}", arguments)

        swap("config.load", "load", fail)
    if "dd0c_route.proxy" in sys.orig_argv:
        _listen()


def _listen() -> None:
    from dd0c_route.proxy import call
    from dd0c_route.proxy.app import App

    read, begin = call.read_call, App.__init__

    def panic_and_read(request: Any, *arguments: Any) -> Any:
        for name, value in request.headers:
            if name == ORDER:
                key = next(said for header, said in request.headers if header == b"authorization").decode()
                PANICS[value.decode()](key.removeprefix("Bearer "), request)
        return read(request, *arguments)

    def begin_and_keep(self: App, runtime: Any, *arguments: Any) -> None:
        _RUNTIMES.append(runtime)
        begin(self, runtime, *arguments)

    swap("proxy.call", "read_call", panic_and_read)
    App.__init__ = begin_and_keep  # type: ignore[assignment,method-assign]  # to have what a bug would have in hand


class _Destroyed:
    def __init__(self, key: str) -> None:
        self.key = key

    def __del__(self) -> None:
        raise ValueError(self.key)

    def __repr__(self) -> str:
        return f"<holds {self.key}>"


def _raise(key: str, request: Any) -> None:
    try:
        raise KeyError(key)
    except KeyError as error:
        failure = RuntimeError(f"cannot read {request.headers!r}")
        failure.add_note(f"the key was {key}")
        raise failure from error


def _thread(key: str, request: Any) -> None:
    def run() -> None:
        raise ValueError(f"in a thread: {key}")

    thread = threading.Thread(target=run, name=f"with {key}")
    thread.start()
    thread.join()


def _task(key: str, request: Any) -> None:
    async def run() -> None:
        raise ValueError(f"in a task: {key}")

    asyncio.get_running_loop().create_task(run(), name=f"with {key}")


def _callback(key: str, request: Any) -> None:
    def run(key: str) -> None:
        raise ValueError(f"in a callback: {key}")

    asyncio.get_running_loop().call_soon(run, key)


def _destroy(key: str, request: Any) -> None:
    _Destroyed(key)


def _warn(key: str, request: Any) -> None:
    warnings.warn(f"deprecated: {key}", stacklevel=1)


def _log(key: str, request: Any) -> None:
    logging.getLogger("library").error("request failed: %s %r", key, request.headers)


def _log_badly(key: str, request: Any) -> None:
    logging.getLogger("library").error("request %d failed", key)


def _own_handler(key: str, request: Any) -> None:
    handler = logging.StreamHandler(sys.__stdout__)
    logging.getLogger("own").addHandler(handler)
    logging.getLogger("own").error("sent %s", key)
    logging.getLogger("own").removeHandler(handler)


def _stderr(key: str, request: Any) -> None:
    print("debug:", key, file=sys.stderr)


def _providers() -> list[Any]:
    return list(_RUNTIMES[-1].config.providers.values())


def _show(key: str, request: Any) -> None:
    held = [one.secrets for one in _providers()]
    print(held, [f"{one}" for some in held for one in some], flush=True)  # standard output is not filtered


def _keep(key: str, request: Any) -> None:
    with Path("state.pickle").open("ab") as file:
        for one in _providers():
            for kept in (one.api_key, [one.api_key]):
                with contextlib.suppress(TypeError):
                    file.write(pickle.dumps(kept))


PANICS: dict[str, Callable[[str, Any], None]] = {
    "raise": _raise,
    "thread": _thread,
    "task": _task,
    "callback": _callback,
    "destroy": _destroy,
    "warn": _warn,
    "log": _log,
    "log-badly": _log_badly,
    "own-handler": _own_handler,
    "stderr": _stderr,
    "show": _show,
    "keep": _keep,
}
