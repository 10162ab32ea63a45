"""A worker whose loop does not turn relays no token, and cannot say so: a thread beside it does.

It says where the loop stands, by file and line, without a variable's value. Meanwhile `/readyz` answers nobody, which
is what a probe understands; nothing need be switched off.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback

from dd0c_route.redact.log import log

BEAT_S = 0.5  # between two turns that are looked at
BLOCKED_S = 2.0  # without a turn; a healthy loop turns within milliseconds


class Watchdog:
    """Watches the loop that `start` is called on.

    Args:
        worker: Its number, for the log.
    """

    def __init__(self, worker: int, beat_s: float = BEAT_S, blocked_s: float = BLOCKED_S) -> None:
        self._worker = worker
        self._beat_s = beat_s
        self._blocked_s = blocked_s
        self._turned = time.monotonic()
        self._watched = 0  # the thread of the loop
        self._stop = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._watched = threading.get_ident()
        self._turn(loop)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._turned = time.monotonic()
        if not self._stop.is_set():
            loop.call_later(self._beat_s, self._turn, loop)

    def _watch(self) -> None:
        said, looked = False, time.monotonic()
        while not self._stop.wait(self._beat_s):
            now, before, looked = time.monotonic(), looked, time.monotonic()
            if now - before > self._beat_s + self._blocked_s / 2:
                continue  # this thread did not run either: the process was stopped, or the machine asleep
            is_blocked = now - self._turned > self._blocked_s
            if is_blocked and not said:
                log("loop_blocked", "error", worker=self._worker, traceback=self._where())
            elif said and not is_blocked:
                log("loop_turns_again", worker=self._worker)
            said = is_blocked

    def _where(self) -> str:
        """The loop's stack, the innermost call last."""
        frame = sys._current_frames().get(self._watched)
        stack = traceback.walk_stack(frame) if frame is not None else ()
        lines = [f'File "{each.f_code.co_filename}", line {line}, in {each.f_code.co_name}' for each, line in stack]
        return "\n".join(reversed(lines))
