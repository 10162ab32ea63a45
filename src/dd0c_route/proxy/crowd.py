"""What all clients of a worker take together: connections by address, and memory for bodies."""

from __future__ import annotations

from typing import Any

from dd0c_route.config.addresses import customer, literal, unmapped

UNCOUNTED_BYTES = 16 << 10  # of a body: connections are bounded, so these are too


def address_of(peer: Any) -> str | None:
    """Whose connection it is, by the socket's `peername`; None for one that is not counted.

    Connections from this machine are not: there, a proxy speaks for all its clients. Of IPv6 a /64 is one client's.
    """
    try:
        address = literal(str(peer[0]))
    except (IndexError, TypeError):  # a unix socket has a path, or nothing
        return None
    return None if address is None or unmapped(address).is_loopback else customer(address)


class Crowd:
    """How many connections each address has."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def join(self, address: str) -> int:
        """One more of *address*; how many it has now."""
        count = self._counts[address] = self._counts.get(address, 0) + 1
        return count

    def leave(self, address: str) -> None:
        """One of *address* is gone; an address without any is forgotten."""
        if (count := self._counts[address] - 1) > 0:
            self._counts[address] = count
        else:
            del self._counts[address]


class Uploads:
    """Bytes of requests' bodies that are held, until their calls are over."""

    def __init__(self) -> None:
        self.held = 0

    def take(self, size: int, most: int) -> bool:
        """Hold *size* bytes more; False where that would be more than *most* in all, and nothing is held."""
        if self.held + size > most:
            return False
        self.held += size
        return True

    def give_back(self, size: int) -> None:
        """So many are not held any more."""
        self.held -= size
