"""Reading the store without blocking the loop: a few threads, so that one slow question does not hold up the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from msgspec import structs

from dd0c_route.ledger.bodies import Bodies, opened
from dd0c_route.ledger.store import Filter, Page, SessionTotals, Store, Unpriced
from dd0c_route.types import Entry

THREADS = 4  # slow questions at once; a fifth waits

T = TypeVar("T")


class Reading:
    """The reading half of *store*, for coroutines; raises what the store raises."""

    def __init__(self, store: Store, bodies: Path) -> None:
        self._store = store
        self._bodies = bodies
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="read")

    async def entries(self, wanted: Filter) -> Page:
        return await self._in_thread(lambda: self._store.entries(structs.replace(wanted, confirmed=True)))

    async def entry(self, entry_id: str) -> Entry | None:
        return await self._in_thread(lambda: self._store.entry(entry_id, confirmed=True))

    async def bodies(self, entry_id: str) -> Bodies | None:
        def read() -> Bodies | None:
            with opened(self._bodies) as store:
                return store.get(entry_id)

        return await self._in_thread(read)

    async def session(self, session: str) -> SessionTotals:
        return await self._in_thread(lambda: self._store.session(session))

    async def unpriced(self, since: str) -> list[Unpriced]:
        return await self._in_thread(lambda: self._store.unpriced(since))

    def close(self) -> None:
        self._threads.shutdown()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
