"""Bodies made to cost more than they weigh: nobody else waits for them, and they take no memory to speak of.

With `DD0C_DOOR` (`make door`) more and longer ones come.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest
from dd0c_route.proxy.call import ADDRESSES, take_apart
from dd0c_route.proxy.server import Inbound
from dd0c_route.wire.body import split
from dd0c_route.wire.weigh import check, is_plain
from tests.endings.caller import Caller
from tests.stand import Stand

ROUNDS, LONG = (10, 30 << 20) if "DD0C_DOOR" in os.environ else (1, 4 << 20)
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
GROWTH_BYTES = 64 << 20  # of a worker's memory; bodies that wait to be counted again may take 16 MiB of it
CONFIG = """
[[routes]]
match = {{ model = "gpt-4o*" }}
candidates = ["sim/gpt-4o", "sim/gpt-4o-mini"]
mode = "on"
"""


def filled(before: bytes, piece: bytes, behind: bytes, size: int) -> bytes:
    return before + piece * ((size - len(before) - len(behind)) // len(piece)) + behind


def bombs(size: int) -> dict[str, bytes]:
    """Bodies of about *size* bytes; none is an honest client's."""
    start, text = b'{"model":"gpt-4o-mini",', b'"messages":[{"role":"user","content":"'
    names = b",".join([b'"%x":1' % number for number in range(size // 10)])
    return {
        "names at the top": start + names + b"}",
        "names below": start + b'"messages":[{' + names + b"}]}",
        "empty lists": filled(start + b'"messages":[', b"[],", b"1]}", size),
        "empty objects": filled(start + b'"messages":[', b"{},", b"1]}", size),
        "depth of lists": filled(start + b'"messages":', b"[", b"", size // 2) + b"]" * (size // 2) + b"}",
        "depth of objects": filled(start + b'"messages":', b'{"a":', b"", size),
        "digits": filled(start + b'"messages":', b"1", b"}", size),
        "digits of a fraction": filled(start + b'"temperature":0.', b"1", b"}", size),
        "numbers": filled(start + b'"messages":[', b"1,", b"1]}", size),
        "escapes": filled(start + text, b"\\u0041", b'"}]}', size),
        "backslashes": filled(start + text, b"\\\\", b'"}]}', size),
        "quotes": filled(start + text, b'\\"', b'"}]}', size),
        "half pairs": filled(start + text, b"\\ud800", b'"}]}', size),
        "one name again and again": filled(start, b'"model":"gpt-4o",', b'"a":1}', size),
        "blanks": filled(b"{", b" ", b'"model":"gpt-4o-mini"}', size),
        "commas": filled(start, b",", b"}", size),
        "small messages": filled(start + b'"messages":[', b'{"role":"user","content":"a"},', b"1]}", size),
        "small texts": filled(start + b'"messages":[', b'"a",', b'""]}', size),
        "UTF-8 cut at the end": filled(start + text, b"\xe6\x97\xa5", b"\xe6", size),
        "a long text": filled(start + text, b"Some words: and more, of it. ", b'"}]}', size),
    }


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), CONFIG) as running:
        yield running


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sent(stand: Stand, body: bytes) -> int:
    """The status of the answer to a chat call with *body*."""
    with Caller(stand.port) as caller:
        caller.send(HEAD % len(body) + body)
        caller.read_answer()
        return int(bytes(caller.raw).split(b" ")[1])


# --- nobody else waits --------------------------------------------------------------------------------------------

TURN_MS = 5.0


def longest_turn_ms(body: bytes) -> float:
    """How long reading *body* keeps the loop's thread busy in one piece: of its own time, which no other has."""
    turns: list[float] = []

    async def main() -> None:
        async def watch() -> None:
            while True:
                began = time.thread_time()
                await asyncio.sleep(0)
                turns.append(time.thread_time() - began)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0)
        request = Inbound()
        request.body = body
        try:
            if is_plain(body, Limits()):
                check(body, split(body), Limits())
            else:
                await take_apart(request, ADDRESSES["/v1/chat/completions"], Limits())
        except BadRequest:
            pass
        await asyncio.sleep(0)
        watching.cancel()

    asyncio.run(main())
    return max(turns) * 1000


@pytest.mark.parametrize("size", [15 << 10, 60 << 10, 900 << 10, LONG])
def test_nobody_else_waits_while_a_body_is_read(size: int) -> None:
    longest = {name: longest_turn_ms(body) for name, body in bombs(size).items()}
    worst = max(longest, key=lambda name: longest[name])
    print(f"\n{len(longest)} bodies of {size >> 10} KiB: the longest turn took {longest[worst]:.1f} ms ({worst})")
    assert longest[worst] < 2 * TURN_MS


# --- nothing grows ------------------------------------------------------------------------------------------------


def test_bombs_are_answered_and_grow_nothing(stand: Stand) -> None:
    (worker,) = stand.children("dd0c_route.proxy")
    statuses: dict[int, int] = {}
    most, slowest, taken, count = 0, 0.0, 0, 0
    sizes = [250 << 10, 900 << 10] * (2 * ROUNDS)
    before = resident_bytes(worker)
    for size in sizes:
        for name, body in bombs(size).items():
            began, status = cpu_s(worker), sent(stand, body)
            slowest, taken, count = max(slowest, cpu_s(worker) - began), taken + len(body), count + 1
            most = max(most, resident_bytes(worker) - before)
            statuses[status] = statuses.get(status, 0) + 1
            assert status in (200, 400), name
    print(
        f"\n{count} bombs of {taken >> 20} MiB: answers {statuses}; memory grew by {most >> 10} KiB at most, "
        f"the slowest took {slowest * 1000:.0f} ms of the worker"
    )
    assert most < GROWTH_BYTES
