"""What becomes of answers after their last write."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from dd0c_route.proxy.client import Client, Link
from dd0c_route.proxy.delivery import Deliveries
from dd0c_route.proxy.statement import AT_ONCE, Counting
from dd0c_route.redact import redact_sensitive
from dd0c_route.types import Delivery, Secret
from dd0c_route.upstream import Sweeper
from tests.proxy.doubles import Transport, Witness, client_on
from tests.redact.synthetic import credential
from tests.upstream.scripted import on_uvloop, until

KEY = credential("{a40}", 91)  # synthetic, and without a shape


class Bill:
    """Keeps what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_estimated(self, delivered_bytes: int) -> bool:
        return self.name.startswith("estimated")

    def delivered(self, delivered_bytes: int, counting: Counting = AT_ONCE) -> Delivery:
        if self.name.endswith("broken"):
            raise ValueError(f"no record for {KEY}")
        exactly = counting is not AT_ONCE
        name = f"{self.name}, counted by {threading.current_thread().name}" if exactly else self.name
        return Delivery(name, {"delivered_bytes": delivered_bytes})

    def credential(self) -> Secret | None:
        return Secret(KEY)


class Journal:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []

    def deliver(self, *deliveries: Delivery) -> None:
        self.written += [(delivery.id, delivery.changes["delivered_bytes"]) for delivery in deliveries]


class Scene:
    """One connection under a kernel that acknowledges what the test says."""

    def __init__(self) -> None:
        self.sweeper = Sweeper(asyncio.get_running_loop(), 0.002)
        self.journal = Journal()
        self.deliveries = Deliveries(self.sweeper, self.journal, asyncio.get_running_loop())  # type: ignore[arg-type]  # a double
        self.link = Link(Transport())  # type: ignore[arg-type]  # a double
        self.link.witness = self.kernel = Witness()  # type: ignore[assignment]  # a double

    def answered(self, name: str, body: bytes = b"hello", *, done: bool = True) -> Client:
        client = client_on(self.link.transport, self.link)  # type: ignore[arg-type]  # a double
        client.start(200, [], len(body))
        client.send(body)
        if done:
            client.finish()
        self.deliveries.watch(client, Bill(name))
        return client


def test_an_answer_is_confirmed_when_its_last_byte_is_acknowledged() -> None:
    async def test() -> None:
        scene = Scene()
        client = scene.answered("one")
        scene.kernel.figure = client.ends_at - 1
        await asyncio.sleep(0.02)
        assert scene.journal.written == []
        scene.kernel.figure = client.ends_at
        await until(lambda: scene.journal.written == [("one", 5)])
        assert len(scene.deliveries) == 0

    on_uvloop(test)


def test_answers_of_one_connection_are_confirmed_in_their_order() -> None:
    async def test() -> None:
        scene = Scene()
        first = scene.answered("one")
        second = scene.answered("two", b"hello you")
        scene.kernel.figure = first.ends_at
        await until(lambda: scene.journal.written == [("one", 5)])
        scene.kernel.figure = second.ends_at
        await until(lambda: scene.journal.written == [("one", 5), ("two", 9)])

    on_uvloop(test)


def test_a_call_whose_answer_has_arrived_is_let_go_when_the_next_request_comes() -> None:
    async def test() -> None:
        scene = Scene()
        one, two = scene.answered("one"), scene.answered("two")
        scene.kernel.figure = one.ends_at
        scene.deliveries.heard(scene.link)
        assert len(scene.deliveries) == 1
        assert scene.journal.written == []
        scene.deliveries.flush()
        assert scene.journal.written == [("one", 5), ("two", max(0, 5 - (two.ends_at - one.ends_at)))]

    on_uvloop(test)


def test_an_answer_that_still_runs_is_not_confirmed() -> None:
    async def test() -> None:
        scene = Scene()
        client = scene.answered("one", done=False)
        scene.kernel.figure = client.ends_at
        await asyncio.sleep(0.02)
        assert scene.journal.written == []
        client.finish()
        await until(lambda: scene.journal.written == [("one", 5)])

    on_uvloop(test)


def test_with_the_connection_goes_what_was_not_acknowledged() -> None:
    async def test() -> None:
        scene = Scene()
        client = scene.answered("one")
        scene.kernel.figure = client.ends_at - 2
        scene.deliveries.lost(scene.link)
        assert scene.journal.written == [("one", 3)]
        scene.deliveries.lost(scene.link)
        assert len(scene.journal.written) == 1

    on_uvloop(test)


def test_an_answer_on_a_lost_connection_is_written_down_at_once() -> None:
    async def test() -> None:
        scene = Scene()
        scene.link.lost = True
        scene.answered("one")
        assert scene.journal.written == [("one", 0)]
        assert len(scene.deliveries) == 0

    on_uvloop(test)


def test_the_end_of_the_worker_writes_down_what_is_known() -> None:
    async def test() -> None:
        scene = Scene()
        scene.answered("one")
        scene.deliveries.flush()
        assert scene.journal.written == [("one", 0)]
        assert len(scene.deliveries) == 0

    on_uvloop(test)


def test_what_was_estimated_is_counted_in_a_thread_before_it_is_written() -> None:
    async def test() -> None:
        scene = Scene()
        client = scene.answered("estimated")
        scene.kernel.figure = client.ends_at
        await until(lambda: scene.journal.written == [("estimated, counted by counter_0", 5)])

    on_uvloop(test)


def test_a_worker_that_stops_waits_for_what_is_being_counted() -> None:
    async def test() -> None:
        scene = Scene()
        scene.answered("estimated")
        scene.deliveries.flush()
        assert [name for name, _ in scene.journal.written] == ["estimated, counted by counter_0"]

    on_uvloop(test)


@pytest.mark.parametrize("name", ["broken", "estimated, broken"])
def test_a_record_that_cannot_be_made_is_reported_without_the_callers_key(name: str) -> None:
    async def test() -> None:
        scene, said = Scene(), []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: said.append(redact_sensitive(str(context["exception"])))
        )
        client = scene.answered(name)
        scene.kernel.figure = client.ends_at
        await until(lambda: said == ["no record for [redacted:known]"])
        assert len(scene.deliveries) == 0

    on_uvloop(test)
