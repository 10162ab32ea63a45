"""What became of answers after their last write: watched until it is acknowledged, or the connection is gone."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from dd0c_route.ledger.journal import Journal
from dd0c_route.proxy.client import Client, Link
from dd0c_route.types import Delivery
from dd0c_route.upstream import Sweeper

ARRIVES_S = 30.0  # after this, what has not been acknowledged of a closed connection's last bytes has not arrived


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
        self._until: dict[Link, float] = {}  # loop time, for connections that we have closed

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
        records = []
        for link, waiting in list(self._waiting.items()):
            taken = link.taken()
            while waiting and waiting[0][0].done and waiting[0][0].ends_at <= taken:
                client, bill = waiting.popleft()
                records.append(bill.delivered(client.delivered()))
            if link.lost and (link.witness.over() or now > self._until.setdefault(link, now + ARRIVES_S)):
                records += _as_they_are(waiting)
                waiting.clear()
            if not waiting:
                self._forget(link)
        if records:
            self._journal.deliver(*records)
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
        if waiting := self._waiting.get(link):
            self._journal.deliver(*_as_they_are(waiting))
        self._forget(link)

    def _forget(self, link: Link) -> None:
        self._waiting.pop(link, None)
        self._until.pop(link, None)
        if link.lost:
            link.witness.close()

    def flush(self) -> None:
        """The worker stops: write down what is known."""
        for link in list(self._waiting):
            self._give_up(link)


def _as_they_are(waiting: deque[tuple[Client, Delivered]]) -> list[Delivery]:
    return [bill.delivered(client.delivered()) for client, bill in waiting]
