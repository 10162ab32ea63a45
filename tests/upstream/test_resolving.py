"""From a name to a connection: rebinding, resolvers that fail, answer late or change their mind. On real sockets."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.config import addresses
from dd0c_route.errors import UpstreamConnectTimeout, UpstreamUnreachable
from dd0c_route.upstream import Pool, Sweeper
from dd0c_route.upstream.dial import LAST_GOOD_S

from .certificates import Issued, issue, server_side
from .scripted import Provided, answers, on_uvloop, provider, read, until, whole

NAME = "api.example.com"
CLOSING = answers(whole(b"hello", b"connection: close"))
Resolver = Callable[[], Awaitable[list[str]]]


class Loop:
    """The running loop with a resolver of our own, and hands on its clock."""

    def __init__(self, resolver: Resolver, port: int) -> None:
        self._resolver = resolver
        self._port = port
        self.asked = 0
        self.later_s = 0.0

    async def getaddrinfo(self, host: str, port: int, **_: object) -> list[Any]:
        self.asked += 1
        found = []
        for address in await self._resolver():
            six = ":" in address
            where = (address, port, 0, 0) if six else (address, port)
            found.append((socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM, 6, "", where))
        return found

    def time(self) -> float:
        return asyncio.get_running_loop().time() + self.later_s

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)


def always(*found: str) -> Resolver:
    async def resolver() -> list[str]:
        return list(found)

    return resolver


def in_turn(*answers: list[str] | OSError) -> Resolver:
    turn = iter(answers)

    async def resolver() -> list[str]:
        answer = next(turn)
        if isinstance(answer, OSError):
            raise answer
        return answer

    return resolver


def pool_at(port: int, resolver: Resolver, **settings: Any) -> tuple[Pool, Loop]:
    loop: Any = Loop(resolver, port)
    place = provider(port, host=NAME, **settings)
    return Pool(place, loop=loop, sweeper=Sweeper(asyncio.get_running_loop(), 0.01), environ={}), loop


@pytest.fixture
def _public(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 counts as an address of the open Internet."""
    net = ipaddress.ip_network("127.0.0.2/32")
    monkeypatch.setattr(addresses, "NETS", ((net, "public"), *addresses.NETS))


async def listening(host: str, port: int = 0, **how: Any) -> Provided:
    acme = Provided(CLOSING)
    acme._server = await asyncio.start_server(acme._serve, host, port, **how)
    acme.port = acme._server.sockets[0].getsockname()[1]
    return acme


# --- where it leads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1"])
def test_a_public_name_that_resolves_to_this_machine_is_not_called(address: str) -> None:
    async def test() -> None:
        acme = await listening("::1" if address == "::1" else "127.0.0.1")
        pool, _ = pool_at(acme.port, always(address), scheme="http", allow_plain=True)
        with pytest.raises(UpstreamUnreachable, match=f"resolves to the private address {address}: .* allow_private"):
            await read(pool)
        assert (acme.opened, pool.open) == (0, 0)
        meant, _ = pool_at(acme.port, always(address), allow_private=True)
        assert await read(meant) == (200, b"hello")
        await meant.close()
        await acme.stop()

    on_uvloop(test)


@pytest.mark.parametrize("allowed", [{}, {"allow_private": True, "allow_plain": True}])
@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]
)
def test_where_machines_get_their_credentials_nobody_is_called_whatever_is_allowed(
    address: str, allowed: dict[str, bool]
) -> None:
    async def test() -> None:
        pool, _ = pool_at(80, always(address), connect_s=0.5, **allowed)
        with pytest.raises(UpstreamUnreachable, match="is no address that a provider can have"):
            await read(pool)

    on_uvloop(test)


@pytest.mark.usefixtures("_public")
def test_a_name_that_moves_into_a_private_net_is_not_followed() -> None:
    async def test() -> None:
        outside = await listening("127.0.0.2")
        inside = await listening("127.0.0.1", outside.port)
        resolver = in_turn(["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1", "127.0.0.2"], OSError(-3, "failed"))
        pool, _ = pool_at(outside.port, resolver, allow_plain=True)
        assert await read(pool) == (200, b"hello")
        with pytest.raises(UpstreamUnreachable, match="private"):
            await read(pool)
        assert await read(pool) == (200, b"hello")  # of two, the one that is meant
        assert await read(pool) == (200, b"hello")  # of those that are remembered, too
        assert (inside.opened, outside.opened) == (0, 3)
        await pool.close()
        await inside.stop()
        await outside.stop()

    on_uvloop(test)


@pytest.mark.usefixtures("_public")
def test_when_the_public_address_is_dead_the_private_one_beside_it_is_no_second_try() -> None:
    async def test() -> None:
        inside = await listening("127.0.0.1")
        pool, _ = pool_at(inside.port, always("127.0.0.2", "127.0.0.1"), allow_plain=True)
        with pytest.raises(UpstreamUnreachable, match="Connection refused"):
            await read(pool)
        assert inside.opened == 0
        await inside.stop()

    on_uvloop(test)


@pytest.mark.usefixtures("_public")
def test_no_key_goes_in_the_clear_to_a_public_address() -> None:
    async def test() -> None:
        outside = await listening("127.0.0.2")
        pool, _ = pool_at(outside.port, always("127.0.0.2"), allow_private=True)
        with pytest.raises(UpstreamUnreachable, match=r"in the clear to 127\.0\.0\.2: use https"):
            await read(pool)
        assert outside.opened == 0
        await outside.stop()

    on_uvloop(test)


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue("root", is_ca=True)


@pytest.mark.usefixtures("_public")
def test_the_address_that_was_looked_at_is_called_by_its_name(root: Issued, tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "ca.pem").write_bytes(root.pem)
        named: list[str] = []
        tls = server_side(issue(NAME, root, names=(NAME,)))
        tls.sni_callback = lambda sock, name, context: named.append(str(name))
        acme = await listening("127.0.0.2", ssl=tls)
        pool, _ = pool_at(acme.port, always("127.0.0.2"), scheme="https", ca_file=str(tmp_path / "ca.pem"))
        assert await read(pool) == (200, b"hello")
        assert named == [NAME]
        assert f"\r\nhost: {NAME}:{acme.port}\r\n".encode() in acme.requests[0]
        await pool.close()
        await acme.stop()

    on_uvloop(test)


# --- when it is slow, or fails -------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_failing_resolver_is_bridged_for_a_minute_by_its_last_answer(failure: int) -> None:
    async def test() -> None:
        acme = await listening("127.0.0.1")
        fault = socket.gaierror(failure, "synthetic failure")
        pool, loop = pool_at(acme.port, in_turn(fault, ["127.0.0.1"], fault, fault, fault), allow_private=True)
        with pytest.raises(UpstreamUnreachable, match=f"cannot reach {NAME}:.*: synthetic failure"):
            await read(pool)
        assert await read(pool) == (200, b"hello")
        assert await read(pool) == (200, b"hello")
        loop.later_s = LAST_GOOD_S - 1
        assert await read(pool) == (200, b"hello")
        loop.later_s = LAST_GOOD_S + 1
        with pytest.raises(UpstreamUnreachable, match="synthetic failure"):
            await read(pool)
        await pool.close()
        await acme.stop()

    on_uvloop(test)


def test_a_slow_resolver_is_bridged_too_and_asked_once_for_all_who_wait() -> None:
    async def test() -> None:
        acme = await listening("127.0.0.1")
        slow = asyncio.Event()
        slow.set()

        async def resolver() -> list[str]:
            await slow.wait()
            return ["127.0.0.1"]

        pool, loop = pool_at(acme.port, resolver, allow_private=True)
        assert await read(pool) == (200, b"hello")
        slow.clear()
        assert await asyncio.gather(*[read(pool) for _ in range(8)]) == [(200, b"hello")] * 8
        assert loop.asked == 2
        loop.later_s = LAST_GOOD_S + 1  # now there is nothing to bridge with
        waiting = [asyncio.ensure_future(read(pool)) for _ in range(8)]
        slow.set()
        assert await asyncio.gather(*waiting) == [(200, b"hello")] * 8
        await until(lambda: acme.closed == acme.opened)
        await pool.close()
        await acme.stop()

    on_uvloop(test)


def test_who_gives_up_takes_the_answer_from_nobody_else() -> None:
    async def test() -> None:
        acme = await listening("127.0.0.1")
        slow = asyncio.Event()

        async def resolver() -> list[str]:
            await slow.wait()
            return ["127.0.0.1"]

        pool, loop = pool_at(acme.port, resolver, allow_private=True)
        one, other = asyncio.ensure_future(read(pool)), asyncio.ensure_future(read(pool))
        await until(lambda: loop.asked == 1)
        one.cancel()
        await asyncio.wait([one])
        slow.set()
        assert await other == (200, b"hello")
        assert loop.asked == 1
        await pool.close()
        await acme.stop()

    on_uvloop(test)


def test_while_a_resolver_sleeps_for_seconds_the_loop_serves_others() -> None:
    async def test() -> None:
        acme = await listening("127.0.0.1")
        release = threading.Event()

        async def resolver() -> list[str]:  # as the system's: it blocks a thread
            running = asyncio.get_running_loop()
            await running.run_in_executor(None, release.wait, 5.0)
            return ["127.0.0.1"]

        pool, _ = pool_at(acme.port, resolver, allow_private=True, connect_s=1.0)
        loop = asyncio.get_running_loop()
        other = Pool(provider(acme.port), loop=loop, sweeper=Sweeper(loop, 0.01), environ={})
        stuck = asyncio.ensure_future(read(pool))
        lags, served = [], 0
        while not stuck.done():
            begun = time.monotonic()
            await asyncio.sleep(0.001)
            lags.append(time.monotonic() - begun - 0.001)
            served += await read(other) == (200, b"hello")
        with pytest.raises(UpstreamConnectTimeout, match="within 1 s"):
            await stuck
        release.set()
        ordered = [lag * 1e3 for lag in sorted(lags)]
        print(f"{served} calls served meanwhile, lag p50 {ordered[len(lags) // 2]:.2f} ms, most {ordered[-1]:.2f} ms")
        assert served > 20
        await pool.close()
        await other.close()
        await acme.stop()

    on_uvloop(test)
