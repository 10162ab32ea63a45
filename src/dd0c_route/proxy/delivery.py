"""What became of answers after their last write: watched until it is acknowledged, or the connection is gone."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

from dd0c_route.ledger.journal import Journal
from dd0c_route.proxy.client import Client, Link
from dd0c_route.proxy.counter import Correct, Counter, as_counted
from dd0c_route.proxy.statement import AT_ONCE, Counting
from dd0c_route.redact import registered
from dd0c_route.types import Delivery, Secret
from dd0c_route.upstream import Sweeper

ARRIVES_S = 30.0  # after this, what has not been acknowledged of a closed connection's last bytes has not arrived

FLUSH_S = 5.0  # a worker that stops waits for so long for exact counts
MOST_EXPECTED = 64  # names of models: there are five vocabularies
MOST_COUNTING = 1000  # entries that wait for the counting thread; beyond it their estimate stands


class Delivered(Protocol):
    """Wants to know how many bytes of the body reached the client, once."""

    def is_estimated(self, delivered_bytes: int) -> bool: ...

    def delivered(self, delivered_bytes: int, counting: Counting = AT_ONCE) -> Delivery: ...

    def credential(self) -> Secret | None:
        """The caller's: what is said of a fault must not show it."""


class Deliveries:
    """The answers whose last bytes are on their way, by connection.

    Checked by the sweeper rather than awaited: one system call a connection and round, not a task a call. Where the
    entry rests on estimated tokens, the record waits until they are counted.

    Args:
        correct: What is known of our own counts.
    """

    def __init__(self, sweeper: Sweeper, journal: Journal, loop: asyncio.AbstractEventLoop,
                 correct: Correct = as_counted) -> None:  # fmt: skip
        self._sweeper = sweeper
        self._journal = journal
        self._loop = loop
        self._counter = Counter(correct)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counter")
        self._counting: dict[Future[Delivery], Delivered] = {}
        self._expected: set[str] = set()
        self._waiting: dict[Link, deque[tuple[Client, Delivered]]] = {}
        self._records: list[Delivery] = []  # confirmed, and written with the next round
        self._until: dict[Link, float] = {}  # loop time, for connections that we have closed

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def watch(self, client: Client, bill: Delivered) -> None:
        """Tell *bill* when the last byte written through *client*'s connection is acknowledged or lost."""
        if client.link.lost:
            self._confirm(bill, client.delivered())
            self._write()
            return
        if not self._waiting:
            self._sweeper.watch(self)
        self._waiting.setdefault(client.link, deque()).append((client, bill))

    def heard(self, link: Link) -> None:
        """The client has sent its next request: by now it has mostly taken the answer before.

        That call is let go at once, so that the next one finds its memory still in the processor's cache: 10 % of the
        time of a call on real sockets.
        """
        if waiting := self._waiting.get(link):
            self._take(link, waiting)

    def _take(self, link: Link, waiting: deque[tuple[Client, Delivered]]) -> None:
        taken = link.taken()
        while waiting and waiting[0][0].done and waiting[0][0].ends_at <= taken:
            client, bill = waiting.popleft()
            self._confirm(bill, client.handed)

    def expect(self, model: str) -> None:
        """A stream of *model* begins: have its vocabulary at hand when the client leaves it half way."""
        if model not in self._expected and len(self._expected) < MOST_EXPECTED:
            self._expected.add(model)
            self._thread.submit(self._counter.text, "x", model)

    def check(self, now: float) -> None:
        for link, waiting in list(self._waiting.items()):
            self._take(link, waiting)
            if link.lost and (link.witness.over() or now > self._until.setdefault(link, now + ARRIVES_S)):
                self._give_up(link)
            elif not waiting:
                self._forget(link)
        self._write()
        if not self._waiting:
            self._sweeper.forget(self)

    def lost(self, link: Link) -> None:
        """The connection is closed: what was acknowledged by now is all that arrived.

        Unless it was us who closed it behind the last byte: then that byte may still be on its way.
        """
        waiting = self._waiting.get(link)
        if waiting and link.ended and not link.witness.over():
            link.witness.finish()
        else:
            self._give_up(link)

    def _give_up(self, link: Link) -> None:
        for client, bill in self._waiting.get(link, ()):
            self._confirm(bill, client.delivered())
        self._forget(link)
        self._write()

    def _forget(self, link: Link) -> None:
        self._waiting.pop(link, None)
        self._until.pop(link, None)
        if link.lost:
            link.witness.close()

    def flush(self) -> None:
        """The worker stops: write down what is known, and wait for what is being counted."""
        for link in list(self._waiting):
            self._give_up(link)
        self._write()
        wait(self._counting, FLUSH_S)
        self._counter.close()  # what is still being counted keeps its estimate
        self._thread.shutdown()
        for future in list(self._counting):
            self._counted(future)

    def _confirm(self, bill: Delivered, delivered_bytes: int) -> None:
        try:
            if bill.is_estimated(delivered_bytes) and len(self._counting) < MOST_COUNTING:
                self._count(bill, delivered_bytes)
            else:
                self._records.append(bill.delivered(delivered_bytes))
        except Exception as error:  # its entry stays unconfirmed; those of other calls must not
            self._report(bill, error)

    def _report(self, bill: Delivered, error: BaseException) -> None:
        with registered(bill.credential):  # the call is over, and it is not known any more
            self._loop.call_exception_handler({"message": "a delivery could not be confirmed", "exception": error})

    def _write(self) -> None:
        if self._records:
            records, self._records = self._records, []
            self._journal.deliver(*records)

    def _count(self, bill: Delivered, delivered_bytes: int) -> None:
        future = self._thread.submit(
            bill.delivered, delivered_bytes, Counting(self._counter.text, self._counter.request)
        )
        self._counting[future] = bill
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._counted, done))

    def _counted(self, future: Future[Delivery]) -> None:
        if (bill := self._counting.pop(future, None)) is None:  # `flush` was first
            return
        try:
            self._journal.deliver(future.result())
        except Exception as error:
            self._report(bill, error)
