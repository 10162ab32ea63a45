"""What became of answers after their last write: watched until it is acknowledged, or the connection is gone."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from dd0c_route.ledger.journal import Journal
from dd0c_route.proxy.client import Client, Link
from dd0c_route.types import Delivery
from dd0c_route.upstream import Sweeper


class Delivered(Protocol):
    """Wants to know how many bytes of the body reached the client, once."""

    def delivered(self, delivered_bytes: int) -> Delivery: ...


class Deliveries:
    """The answers whose last bytes are on their way, by connection.

    Checked by the sweeper rather than awaited: one system call a connection and round, not a task a call.
    """

    def __init__(self, sweeper: Sweeper, journal: Journal) -> None:
        self._sweeper = sweeper
        self._journal = journal
        self._waiting: dict[Link, deque[tuple[Client, Delivered]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def watch(self, client: Client, bill: Delivered) -> None:
        """Tell *bill* when the last byte written through *client*'s connection is acknowledged or lost."""
        if client.link.lost:
            self._journal.deliver(bill.delivered(client.delivered()))
            return
        if not self._waiting:
            self._sweeper.watch(self)
        self._waiting.setdefault(client.link, deque()).append((client, bill))

    def check(self, now: float) -> None:
        arrived = []
        for link in list(self._waiting):
            waiting = self._waiting[link]
            taken = link.taken()
            while waiting and waiting[0][0].done and waiting[0][0].ends_at <= taken:
                client, bill = waiting.popleft()
                arrived.append(bill.delivered(client.delivered()))
            if not waiting:
                del self._waiting[link]
        if arrived:
            self._journal.deliver(*arrived)
        if not self._waiting:
            self._sweeper.forget(self)

    def lost(self, link: Link) -> None:
        """The connection is closed: what was acknowledged by now is all that arrived."""
        waiting = self._waiting.pop(link, None)
        if waiting:
            self._journal.deliver(*(bill.delivered(client.delivered()) for client, bill in waiting))

    def flush(self) -> None:
        """The worker stops: write down what is known."""
        for link in list(self._waiting):
            self.lost(link)
