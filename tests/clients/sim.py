"""The other side's word on the calls of one test."""

from __future__ import annotations

from typing import Any, Self

from tests.stand import Stand, until


class Watched:
    """The calls that the simulator gets from here on.

    with Watched(stand) as seen:
        ...
    assert len(seen.calls()) == 1
    """

    def __init__(self, stand: Stand) -> None:
        self._stand = stand

    def __enter__(self) -> Self:
        self._since = self._stand.sim_stats("?limit=0")["totals"]["last_call"]
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._stand.sim_stats(f"?since={self._since}")["calls"]
        return calls

    def aborted(self) -> dict[str, Any]:
        """The one call, as soon as the router has torn it down."""

        def probe() -> dict[str, Any] | None:
            (call,) = self.calls()
            return call if call["state"] == "aborted_by_peer" else None

        call: dict[str, Any] = until(probe, "the abort of the upstream call")
        return call


def entry_tagged(stand: Stand, tag: str) -> dict[str, Any]:
    """The entry of the call that was sent with *tag*: for calls that end without an answer to take the id from."""

    def probe() -> dict[str, Any] | None:
        return next((entry for entry in stand.entries(0) if entry["tags"].get("test") == tag), None)

    entry: dict[str, Any] = until(probe, f"the entry tagged {tag}")
    return entry
