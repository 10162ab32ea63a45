"""The auditor: compares what providers report with counts of our own, beside the calls and never in their way.

A call that is over is looked at once, at the price of a few attributes, and put in a line. A thread hands the line on
to a process of its own (`auditing`), whose answers go into the journal. Where the line is full, or more calls come than
`[counting] audits_per_s`, the call is left out and counted as such.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from queue import SimpleQueue
from threading import Event, Thread

import msgspec
from msgspec import Struct

from dd0c_route.ledger.journal import Journal
from dd0c_route.proxy.auditing import LENGTHS, Head
from dd0c_route.proxy.counter import ANSWER_S, ended_after
from dd0c_route.redact import redact_label
from dd0c_route.redact.log import log
from dd0c_route.types import Audit, Call, Entry, Target
from dd0c_route.wire.meter import Meter

MOST_WAITING = 64  # calls
BURST_S = 1.0
MOST_WAITING_BYTES = 16 << 20  # of their bodies, which are kept in memory meanwhile
START_AFTER_S = 2.0  # a worker that has just begun has better things to do than to load another vocabulary
END_S = 2.0  # what is being counted when the worker stops may take so long

_answer_decoder = msgspec.json.Decoder(Audit | None)


class Question(Struct, frozen=True):
    """A call to be counted.

    Attributes:
        meter: Of an answer that is counted too, if it turns out to be nothing but text.
    """

    head: Head
    body: bytes
    meter: Meter | None


def is_comparable(entry: Entry) -> bool:
    """Whether the provider has said, once and for all, how long the prompt was."""
    return entry.usage_source == "provider_final" and entry.usage_consistent and entry.usage.input_total > 0


def question_of(call: Call, target: Target, entry: Entry, meter: Meter) -> Question:
    """What is compared of a call that is over."""
    usage = entry.usage
    is_text = usage.output > 0 and not usage.reasoning and meter.finished
    head = Head(
        id=call.id,
        provider=target.provider,
        model=redact_label(target.model),
        api=call.api,
        reported=usage.input_total,
        answer_reported=usage.output if is_text else 0,
    )
    return Question(head, call.body, meter if is_text else None)


class Auditor:
    """Takes calls that are over, and journals what they come to.

    Attributes:
        skipped: Calls that were left out because there were too many.
    """

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self.skipped = 0
        self._journal = journal
        self._loop = loop
        self._line: SimpleQueue[Question | None] = SimpleQueue()
        self._waiting = 0
        self._waiting_bytes = 0
        self._due = self._paid_until = 0.0  # loop time: when the next one may be taken, and when there is no arrears
        self._thread: Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failing = False
        self._stopping = Event()

    def is_due(self) -> bool:
        """Whether another call may be looked at now; if not, it counts as left out. A sixth of a microsecond."""
        if self._loop.time() >= self._due:
            return True
        self.skipped += 1
        return False

    def look(self, call: Call, target: Target, entry: Entry, meter: Meter, per_s: float) -> None:
        """A call is over: have it counted, sooner or later, if it can be compared and there is room in the line.

        Args:
            per_s: How many calls a second are taken.
        """
        if not per_s or not is_comparable(entry) or self._stopping.is_set():
            return
        if self._waiting >= MOST_WAITING or self._waiting_bytes + len(call.body) > MOST_WAITING_BYTES:
            self.skipped += 1
            return
        # As many a second, and of those that come at once as many as a second allows.
        self._paid_until = max(self._paid_until, self._loop.time()) + 1 / per_s
        self._due = self._paid_until - BURST_S
        self._waiting += 1
        self._waiting_bytes += len(call.body)
        if self._thread is None:
            self._thread = Thread(target=self._work, name="auditor", daemon=True)
            self._thread.start()
        self._line.put(question_of(call, target, entry, meter))

    def close(self) -> None:
        """Count no more; what waits is left out."""
        self._stopping.set()
        self._line.put(None)
        if self._thread is not None:
            self._thread.join(END_S)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.skipped += self._waiting

    # --- in the thread ------------------------------------------------------------------------------------

    def _work(self) -> None:
        if self._stopping.wait(START_AFTER_S):
            return
        while (question := self._line.get()) is not None and not self._stopping.is_set():
            audit = self._ask(question)
            self._tell(audit, len(question.body))
            del question  # its body may be large, and the next one late

    def _tell(self, audit: Audit | None, body_bytes: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told, audit, body_bytes)

    def _ask(self, question: Question) -> Audit | None:
        """The process's answer; None where it has none, or failed: it is started again for the next question."""
        text = _text_of(question.meter)
        asked = question.head if text else msgspec.structs.replace(question.head, answer_reported=0)
        head = msgspec.json.encode(asked)
        try:
            process = self._running()
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101 - the same
            with ended_after(process, ANSWER_S):
                for piece in (LENGTHS.pack(len(head), len(question.body), len(text)), head, question.body, text):
                    process.stdin.write(piece)  # not joined: a body is handed to the kernel as it is
                process.stdin.flush()
                answer: Audit | None = _answer_decoder.decode(process.stdout.readline())
        except (OSError, RuntimeError, ValueError, msgspec.MsgspecError) as error:
            # ValueError: its pipe is closed; RuntimeError: the system lets us start no thread.
            if not self._stopping.is_set() and not self._failing:  # said once, and not for each call meanwhile
                log("audit_failed", "warning", reason=f"{type(error).__name__}: calls are not compared until it works")
            self._failing = True
            return None
        self._failing = False
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "dd0c_route.proxy.auditing"]
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process

    # --- in the loop --------------------------------------------------------------------------------------

    def _told(self, audit: Audit | None, body_bytes: int) -> None:
        self._waiting -= 1
        self._waiting_bytes -= body_bytes
        if audit is not None and not self._stopping.is_set():
            self._journal.audit(audit)


def _text_of(meter: Meter | None) -> bytes:
    """The answer, if it is nothing but text."""
    if meter is None:
        return b""
    output = meter.output_at()
    return b"" if output.tools or output.reasoning else output.text.encode("utf-8", "replace")
