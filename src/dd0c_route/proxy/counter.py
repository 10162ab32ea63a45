"""Exact token counts from a process of its own.

A vocabulary takes half a second to load, a good part of it without letting other threads run, and tens of megabytes. In
the worker that would hold up every token in flight, so the command `count` does it beside the worker: started by the
first call that needs it, ended with its standard input.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Lock, Timer

import msgspec
from msgspec import Raw, Struct

from dd0c_route.redact.log import log
from dd0c_route.tokens import count_request, count_text
from dd0c_route.types import Count

ANSWER_S = 60.0  # a process that takes longer hangs: the longest body without a place to be split takes twenty

Correct = Callable[[Count, str, Mapping[str, Raw], str, str], Count]
"""A request's count, its api, fields, model and provider: the count as what is known of such counts corrects it."""


def as_counted(count: Count, api: str, fields: Mapping[str, Raw], model: str, provider: str) -> Count:
    """Where nothing is known."""
    return count


@contextmanager
def ended_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kill *process* if the block takes longer, so that whoever waits for its pipes goes on; it is gone then."""
    overdue = Event()

    def end() -> None:
        overdue.set()
        process.kill()

    deadline = Timer(seconds, end)
    deadline.start()
    try:
        yield
    finally:
        deadline.cancel()
        if overdue.is_set():
            process.wait()


class _Answer(Struct):
    """A line of the command's output."""

    input_tokens: int
    exactness: str
    band: tuple[int, int]
    tokenizer: str


class Counter:
    """Counts for one thread at a time, and blocks: for a second when it is first used. Where it fails, the estimate
    stands.

    Args:
        correct: Applied to the counts of requests.
        answer_s: The longest that it waits for an answer; then the process is replaced.
    """

    def __init__(self, correct: Correct = as_counted, answer_s: float = ANSWER_S) -> None:
        self._correct = correct
        self._answer_s = answer_s
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._failing = False
        self._lock = Lock()

    def text(self, text: str, model: str) -> Count:
        """The tokens of a text."""
        return self._ask({"model": model, "text": text}) or count_text(text, model)

    def request(self, api: str, fields: dict[str, Raw], model: str, provider: str = "") -> Count:
        """The tokens of a prompt with all that the API puts around it."""
        question: dict[str, object] = {"api": api, "provider": provider, "model": model, "request": fields}
        count = self._ask(question) or count_request(api, fields, model, provider)
        return self._correct(count, api, fields, model, provider)

    def close(self) -> None:
        """End the process; a count that is under way falls back to the estimate."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def _ask(self, question: dict[str, object]) -> Count | None:
        with self._lock:
            try:
                # Bodies come as they were written, often on many lines: between JSON's values these are blanks.
                line = msgspec.json.encode(question).replace(b"\n", b" ") + b"\n"
                process = self._running()
                if process is None or process.stdin is None or process.stdout is None:
                    return None
                with ended_after(process, self._answer_s):
                    process.stdin.write(line)
                    process.stdin.flush()
                    answer = msgspec.json.decode(process.stdout.readline(), type=_Answer)
            except (OSError, RuntimeError, ValueError, msgspec.MsgspecError) as error:
                # ValueError: its pipe is closed; RuntimeError: the system lets us start no thread.
                if not self._closed and not self._failing:  # said once, and not for each count meanwhile
                    log("count_failed", "warning", reason=f"{type(error).__name__}: estimates stand until it works")
                self._failing = True
                return None
        self._failing = False
        exact = answer.exactness == "exact"
        return Count(answer.input_tokens, "exact" if exact else "estimated", answer.band, answer.tokenizer)

    def _running(self) -> subprocess.Popen[bytes] | None:
        """The process, started if it is not there; None once it was told to end."""
        if self._closed:
            return None
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "dd0c_route", "count"]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process
