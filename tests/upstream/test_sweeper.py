from __future__ import annotations

import asyncio

from dd0c_route.upstream import Sweeper

from .scripted import on_uvloop, until


class Thing:
    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.seen: list[float] = []

    def check(self, now: float) -> None:
        self.seen.append(now)
        if self.fault is not None:
            raise self.fault


def test_what_is_watched_is_checked_with_the_loops_time() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        sweeper, thing, before = Sweeper(loop, 0.005), Thing(), loop.time()
        sweeper.watch(thing)
        sweeper.watch(thing)
        await until(lambda: len(thing.seen) >= 3)
        assert before < thing.seen[0] < thing.seen[1] < thing.seen[2] <= loop.time()

    on_uvloop(test)


def test_what_is_forgotten_is_not_checked_any_more_and_nothing_ticks() -> None:
    async def test() -> None:
        sweeper, thing = Sweeper(asyncio.get_running_loop(), 0.005), Thing()
        sweeper.watch(thing)
        await until(lambda: bool(thing.seen))
        sweeper.forget(thing)
        sweeper.forget(thing)
        seen = len(thing.seen)
        await until(lambda: sweeper._timer is None)
        assert len(thing.seen) == seen
        sweeper.watch(thing)
        await until(lambda: len(thing.seen) > seen)

    on_uvloop(test)


def test_a_broken_check_is_reported_and_stops_no_other() -> None:
    complaints: list[str] = []

    async def test() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(str(context["exception"])))
        sweeper, broken, good = Sweeper(loop, 0.005), Thing(ValueError("broken")), Thing()
        sweeper.watch(broken)
        sweeper.watch(good)
        await until(lambda: len(good.seen) >= 2)

    on_uvloop(test)
    assert set(complaints) == {"broken"}
