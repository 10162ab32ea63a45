"""What a router holds between two calls, so that it can be compared before a fault and after it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from msgspec import Struct

from tests.stand import Stand, until

WORKER, CONTROL = "dd0c_route.proxy", "dd0c_route.control"
SLACK = 8  # descriptors of processes that count, which the first call that needs one starts: four pipes' ends each


class Rest(Struct, frozen=True):
    """A router of one worker without a call.

    Attributes:
        descriptors: Of the worker, without its kept connections to providers.
        running: Calls, that of the one who asks included.
        clients: Connections, that of the one who asks included.
    """

    descriptors: int
    running: float
    clients: float

    @classmethod
    def of(cls, stand: Stand) -> Self:
        kept = sum(counts["open"] for counts in stand.connections().values())
        return cls(
            len(os.listdir(f"/proc/{worker(stand)}/fd")) - kept,
            stand.gauge("dd0c_requests_in_flight"),
            stand.gauge("dd0c_client_connections"),
        )

    def comes_back(self, stand: Stand) -> None:
        """Wait until nothing is held that was not held before, and see that the router takes calls."""

        def is_back() -> bool:
            now = Rest.of(stand)
            in_use = sum(counts["in_use"] for counts in stand.connections().values())
            return (
                not in_use
                and now.descriptors <= self.descriptors + SLACK
                and now.running <= self.running
                and now.clients <= self.clients
            )

        until(is_back, "the return of everything that was held")
        assert stand.get("/readyz").status == 200


def worker(stand: Stand) -> int:
    """The process id of the only worker, as soon as there is one."""
    found: list[int] = until(lambda: stand.children(WORKER), "a worker")
    return found[0]


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def said(stand: Stand) -> str:
    """The router's log so far."""
    return (stand.folder / "router.log").read_text()
