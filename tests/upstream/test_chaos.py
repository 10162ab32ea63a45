"""Everything at once: providers that close, add bytes and dawdle, callers that leave; nobody gets another's bytes."""

from __future__ import annotations

import asyncio
import random

import pytest

from dd0c_route.errors import UpstreamError
from dd0c_route.upstream import Marks

from .scripted import Peer, chunked, on_uvloop, send, serving, until, whole

CALLS = 1500
CALLERS = 24


@pytest.mark.parametrize("seed", range(4))
def test_a_call_gets_its_own_answer_whole_or_an_error(seed: int) -> None:
    dice = random.Random(seed)
    outcomes: dict[str, int] = {}

    async def unruly(peer: Peer) -> None:
        while True:
            name = (await peer.request()).rpartition(b"\r\n")[2]
            answer = dice.choice(
                [whole(name * 50), chunked(*[name] * 50), b"HTTP/1.1 103 Hints\r\n\r\n" + whole(name * 50)]
            )
            deed = dice.randrange(20)
            if deed == 0:
                return  # without an answer
            if deed == 1:
                await peer.write(answer[: dice.randrange(len(answer))])
                return
            if deed == 2:
                peer.reset()
                return
            if deed == 3:
                answer += dice.choice([b"x", whole(b"poison" * 50), b"HTTP/1.1 200 OK\r\n"])
            if deed == 4:
                answer = answer.replace(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nconnection: close\r\n")
            # Bytes behind an answer that come later than the next request cannot be told from its answer by anybody.
            for _ in range(dice.randrange(3) if deed != 3 else 0):
                cut = dice.randrange(len(answer))
                await peer.write(answer[:cut])
                answer = answer[cut:]
                await asyncio.sleep(0)
            await peer.write(answer)
            if deed in (4, 5):
                return
            if deed == 6:
                await asyncio.sleep(0.001)
                await peer.write(b"unasked")

    async def test() -> None:
        async with serving(unruly, connections=8, idle_s=0.05) as (acme, pool):
            numbers = iter(range(CALLS))

            async def call(name: bytes, marks: Marks) -> None:
                pieces: list[bytes] = []
                with await send(pool, name, marks) as reply:
                    reply.attach(pieces.append)
                    if dice.random() < 0.05:
                        return
                    await reply.ended()
                assert b"".join(pieces) == name * 50
                assert marks.outcome in ("pooled", "closed")

            async def caller() -> None:
                for number in numbers:
                    marks = Marks()
                    task = asyncio.ensure_future(call(b"<%d>" % number, marks))
                    if dice.random() < 0.1:
                        for _ in range(dice.randrange(12)):
                            await asyncio.sleep(0)
                        task.cancel()
                    await asyncio.wait([task])
                    if not task.cancelled() and (fault := task.exception()) is not None:
                        assert isinstance(fault, UpstreamError), fault
                        assert marks.outcome == "failed"
                    outcomes[str(marks.outcome)] = outcomes.get(str(marks.outcome), 0) + 1
                    assert pool.open <= 8

            await asyncio.gather(*[caller() for _ in range(CALLERS)])
            assert pool.in_use == 0
            await until(lambda: pool.open == 0, 1)
            await until(lambda: acme.opened == acme.closed, 1)

    on_uvloop(test)
    assert sum(outcomes.values()) == CALLS
    assert {"pooled", "closed", "aborted", "failed"} <= set(outcomes)
    assert outcomes["pooled"] > CALLS / 2
