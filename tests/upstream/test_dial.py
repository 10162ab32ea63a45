"""How a connection is opened: names, addresses, TLS, proxies, unix sockets; and what it is called when it is not."""

from __future__ import annotations

import asyncio
import datetime
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from dd0c_route.errors import UpstreamBusy, UpstreamConnectTimeout, UpstreamUnreachable
from dd0c_route.upstream import Marks, Pool, Sweeper

from .scripted import Peer, Provided, Script, answers, on_uvloop, provider, read, serving, until, whole

OK = answers(whole(b"hello"))
DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    certificate.configure_cert(context)
    return context


@asynccontextmanager
async def tls_serving(
    script: Script,
    tls: ssl.SSLContext,
    *,
    host: str = "localhost",
    environ: dict[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Provided, Pool]]:
    loop = asyncio.get_running_loop()
    provided = await Provided(script).start(tls)
    place = provider(provided.port, scheme="https", host=host, **settings)
    pool = Pool(place, loop=loop, sweeper=Sweeper(loop, 0.01), environ=environ or {})
    try:
        yield provided, pool
    finally:
        await pool.close()
        await provided.stop()
        assert (pool.open, pool.in_use) == (0, 0)


def unreachable_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """An address where nobody answers: a listener whose full backlog drops further attempts."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address: tuple[str, int] = full.getsockname()
        for _ in range(8):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        yield address


# --- names and addresses -----------------------------------------------------------------------------


def test_a_refused_connection_names_the_provider_the_place_and_the_cause() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        port = unreachable_port()
        pool = Pool(provider(port), loop=loop, sweeper=Sweeper(loop), environ={})
        marks = Marks()
        with pytest.raises(UpstreamUnreachable) as raised:
            await read(pool, marks=marks)
        assert raised.value.message == f"provider 'acme': cannot reach 127.0.0.1:{port}: Connection refused"
        assert (raised.value.sent, raised.value.retryable, marks.sent, pool.open) == (False, True, False, 0)

    on_uvloop(test)


def test_where_this_machine_has_no_descriptor_left_the_provider_is_not_blamed() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        pool = Pool(provider(unreachable_port()), loop=loop, sweeper=Sweeper(loop), environ={})
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(UpstreamBusy, match=r"no room for a connection here: Too many open files; .*ulimit"):
                await read(pool)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert pool.open == 0

    on_uvloop(test)


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        pool = Pool(provider(80, host="nowhere.invalid"), loop=loop, sweeper=Sweeper(loop), environ={})
        with pytest.raises(UpstreamUnreachable, match=r"cannot reach nowhere\.invalid:80: "):
            await read(pool)
        assert pool.open == 0

    on_uvloop(test)


def resolving(answers: list[Any]) -> Callable[..., Any]:
    """A resolver that gives *answers* in turn, raising those that are exceptions."""
    turn = iter(answers)

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        answer = next(turn)
        if isinstance(answer, Exception):
            raise answer
        return [(family, socket.SOCK_STREAM, 6, "", where) for family, where in answer]

    return getaddrinfo


class Loop:
    """The running loop with a resolver of our own."""

    def __init__(self, getaddrinfo: Callable[..., Any]) -> None:
        self.getaddrinfo = getaddrinfo

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio.get_running_loop(), name)


def pool_resolving(port: int, answers: list[Any], **settings: Any) -> Pool:
    loop: Any = Loop(resolving(answers))
    place = provider(port, host="api.example.com", allow_private=True, **settings)
    return Pool(place, loop=loop, sweeper=Sweeper(asyncio.get_running_loop(), 0.01), environ={})


def test_every_new_connection_asks_the_resolver_and_a_failing_one_is_bridged() -> None:
    async def test() -> None:
        acme = await Provided(answers(whole(b"hello", b"connection: close"))).start()
        here = [(socket.AF_INET, ("127.0.0.1", acme.port))]
        moved = [(socket.AF_INET, ("127.0.0.1", unreachable_port()))]
        pool = pool_resolving(acme.port, [here, socket.gaierror(-3, "Temporary failure"), moved])
        assert await read(pool) == (200, b"hello")
        assert await read(pool) == (200, b"hello")  # by the last good address
        with pytest.raises(UpstreamUnreachable):
            await read(pool)  # the new one is followed
        await pool.close()
        await acme.stop()

    on_uvloop(test)


def test_the_next_address_is_tried_when_one_refuses_or_does_not_answer() -> None:
    async def test() -> None:
        acme = await Provided(OK).start()
        with black_hole() as nowhere:
            addresses = [
                (socket.AF_INET6, ("::1", unreachable_port(), 0, 0)),
                (socket.AF_INET, nowhere),
                (socket.AF_INET, ("127.0.0.1", acme.port)),
            ]
            pool = pool_resolving(acme.port, [addresses])
            assert await read(pool) == (200, b"hello")
            await pool.close()
        await acme.stop()

    on_uvloop(test)


@pytest.mark.parametrize("given_up_after_s", [0.0, 0.01, 0.3])
def test_giving_up_while_several_addresses_are_tried_closes_all_of_them(given_up_after_s: float) -> None:
    async def test() -> None:
        with black_hole() as nowhere:
            pool = pool_resolving(80, [[(socket.AF_INET, nowhere)] * 2 + [(socket.AF_INET, ("127.0.0.2", nowhere[1]))]])
            before = len(os.listdir("/proc/self/fd"))
            call = asyncio.ensure_future(read(pool))
            await asyncio.sleep(given_up_after_s)
            call.cancel()
            await asyncio.wait([call])
            assert (pool.open, pool.in_use) == (0, 0)
            await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    on_uvloop(test)


def test_when_no_address_answers_the_first_ones_reason_is_told() -> None:
    async def test() -> None:
        addresses = [(socket.AF_INET, ("127.0.0.1", unreachable_port())) for _ in range(3)]
        pool = pool_resolving(80, [addresses])
        with pytest.raises(UpstreamUnreachable, match="Connection refused"):
            await read(pool)
        assert pool.open == 0

    on_uvloop(test)


def test_a_place_that_does_not_answer_is_given_up_after_connect_s() -> None:
    async def test() -> None:
        with black_hole() as nowhere:
            pool = pool_resolving(80, [[(socket.AF_INET, nowhere)]], connect_s=0.2)
            with pytest.raises(UpstreamConnectTimeout, match=r"no connection to api\.example\.com:80 within 0\.2 s"):
                await read(pool)
            assert pool.open == 0

    on_uvloop(test)


def test_a_resolver_that_does_not_answer_is_given_up_and_does_not_block_the_loop() -> None:
    async def test() -> None:
        loop: Any = Loop(lambda *_, **__: asyncio.sleep(60))
        pool = Pool(
            provider(80, host="api.example.com", connect_s=0.1),
            loop=loop,
            sweeper=Sweeper(asyncio.get_running_loop()),
            environ={},
        )
        with pytest.raises(UpstreamConnectTimeout):
            await read(pool)
        assert pool.open == 0

    on_uvloop(test)


def test_a_unix_socket_is_a_place_too(tmp_path: Path) -> None:
    async def test() -> None:
        path = str(tmp_path / "control")
        acme = await Provided(OK).start(path=path)
        loop = asyncio.get_running_loop()
        pool = Pool(provider(80, host="control"), loop=loop, sweeper=Sweeper(loop), unix_path=path, environ={})
        for _ in range(10):
            assert await read(pool) == (200, b"hello")
        assert acme.opened == 1
        assert b"\r\nhost: control\r\n" in acme.requests[0]
        await pool.close()
        await acme.stop()
        with pytest.raises(UpstreamUnreachable):
            await read(Pool(provider(80), loop=loop, sweeper=Sweeper(loop), unix_path=path + "x", environ={}))

    on_uvloop(test)


# --- TLS -----------------------------------------------------------------------------------------------


def test_a_trusted_certificate_carries_many_calls_on_one_connection(authority: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        tls = server_side(authority.issue_cert("localhost"))
        async with tls_serving(OK, tls, ca_file=ca_file) as (acme, pool):
            for _ in range(100):
                assert await read(pool) == (200, b"hello")
            assert (acme.opened, pool.open, pool.in_use) == (1, 1, 0)

    on_uvloop(test)


def test_an_address_is_verified_like_a_name(authority: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        tls = server_side(authority.issue_cert("127.0.0.1"))
        async with tls_serving(OK, tls, host="127.0.0.1", ca_file=ca_file) as (_, pool):
            assert await read(pool) == (200, b"hello")

    on_uvloop(test)


BAD: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "wrong host": lambda ca: ca.issue_cert("other.example"),
    "expired": lambda ca: ca.issue_cert("localhost", not_before=NOW - 2 * DAY, not_after=NOW - DAY),
    "not yet valid": lambda ca: ca.issue_cert("localhost", not_before=NOW + DAY, not_after=NOW + 2 * DAY),
    "unknown authority": lambda ca: trustme.CA().issue_cert("localhost"),
    "address for a name": lambda ca: ca.issue_cert("127.0.0.1"),
    "wildcard of another domain": lambda ca: ca.issue_cert("*.example"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_certificate_that_does_not_hold_is_refused(name: str, authority: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        async with tls_serving(OK, server_side(BAD[name](authority)), ca_file=ca_file) as (acme, pool):
            marks = Marks()
            with pytest.raises(UpstreamUnreachable, match="its certificate is not trusted: ") as raised:
                await read(pool, marks=marks)
            assert (raised.value.sent, marks.sent, acme.requests, pool.open) == (False, False, [], 0)

    on_uvloop(test)


def test_the_systems_authorities_are_used_where_no_file_is_named(authority: trustme.CA) -> None:
    async def test() -> None:
        async with tls_serving(OK, server_side(authority.issue_cert("localhost"))) as (_, pool):
            with pytest.raises(UpstreamUnreachable, match="its certificate is not trusted: "):
                await read(pool)

    on_uvloop(test)


def test_tls_before_1_2_is_refused(authority: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        tls = server_side(authority.issue_cert("localhost"))
        tls.minimum_version = ssl.TLSVersion.TLSv1_1
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
        async with tls_serving(OK, tls, ca_file=ca_file) as (acme, pool):
            with pytest.raises(UpstreamUnreachable):
                await read(pool)
            assert acme.requests == []

    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        on_uvloop(test)


def test_a_plain_server_is_never_talked_to_in_the_clear(ca_file: str) -> None:
    async def test() -> None:
        async with serving(OK) as (acme, _):
            loop = asyncio.get_running_loop()
            place = provider(acme.port, scheme="https", ca_file=ca_file)
            pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ={})

            async def shouting(peer: Peer) -> None:
                await peer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                await peer.closed()

            acme._script = shouting
            with pytest.raises(UpstreamUnreachable):
                await read(pool)
            assert (acme.requests, pool.open) == ([], 0)

    on_uvloop(test)


def test_a_handshake_that_stalls_is_given_up(ca_file: str) -> None:
    async def test() -> None:
        async with serving(lambda peer: peer.closed()) as (acme, _):
            loop = asyncio.get_running_loop()
            place = provider(acme.port, scheme="https", ca_file=ca_file, connect_s=0.2)
            pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ={})
            with pytest.raises(UpstreamConnectTimeout):
                await read(pool)
            assert pool.open == 0
            await until(lambda: acme.closed == 1, 0.5)

    on_uvloop(test)


def test_a_missing_ca_file_is_told() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        place = provider(unreachable_port(), scheme="https", ca_file="/nonexistent/ca.pem")
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ={})
        with pytest.raises(UpstreamUnreachable, match="No such file"):
            await read(pool)

    on_uvloop(test)


def test_leaving_a_tls_answer_closes_its_socket_at_once(authority: trustme.CA, ca_file: str) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.closed()

    async def test() -> None:
        tls = server_side(authority.issue_cert("localhost"))
        async with tls_serving(silent, tls, ca_file=ca_file) as (acme, pool):
            call = asyncio.ensure_future(read(pool))
            await until(lambda: len(acme.requests) == 1)
            call.cancel()
            await asyncio.wait([call])
            assert pool.open == 0
            await until(lambda: acme.closed == 1, 0.2)

    on_uvloop(test)


@pytest.mark.parametrize("turns", range(0, 60, 3))
def test_a_dial_cancelled_at_any_turn_of_the_loop_leaks_nothing(
    turns: int, authority: trustme.CA, ca_file: str
) -> None:
    async def test() -> None:
        tls = server_side(authority.issue_cert("localhost"))
        async with tls_serving(OK, tls, ca_file=ca_file) as (acme, pool):
            await read(pool)
            pool.close_idle()
            await until(lambda: acme.closed == acme.opened)
            before = len(os.listdir("/proc/self/fd"))
            calls = [asyncio.ensure_future(read(pool)) for _ in range(4)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
            assert pool.in_use == 0
            pool.close_idle()
            assert pool.open == 0
            await until(lambda: len(os.listdir("/proc/self/fd")) <= before)

    on_uvloop(test)


# --- proxies -------------------------------------------------------------------------------------------


def tunnel(answer: bytes = b"HTTP/1.1 200 Connected\r\n\r\n") -> Script:
    """A proxy that answers CONNECT with *answer* and then joins the two sides, whatever place was named."""

    async def script(peer: Peer) -> None:
        request = await peer.request()
        await peer.write(answer)
        if b" 200 " not in answer:
            return
        port = int(request.split()[1].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        there = Peer(reader, writer)

        async def carry(source: Peer, target: Peer) -> None:
            while data := await source.reader.read(1 << 16):
                await target.write(data)

        done, running = await asyncio.wait(
            [asyncio.ensure_future(carry(peer, there)), asyncio.ensure_future(carry(there, peer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for one in [*done, *running]:
            one.cancel()
        await asyncio.gather(*done, *running, return_exceptions=True)
        writer.close()

    return script


def test_https_goes_through_the_proxy_by_connect_and_is_still_verified(authority: trustme.CA, ca_file: str) -> None:
    async def test() -> None:
        proxy = await Provided(tunnel()).start()
        environ = {"HTTPS_PROXY": f"http://user:synthetic@127.0.0.1:{proxy.port}"}
        tls = server_side(authority.issue_cert("api.example.com"))
        async with tls_serving(OK, tls, host="api.example.com", environ=environ, ca_file=ca_file) as (acme, pool):
            for _ in range(5):
                assert await read(pool) == (200, b"hello")
            assert (proxy.opened, acme.opened) == (1, 1)
            head = proxy.requests[0].decode()
            assert head.startswith(
                f"CONNECT api.example.com:{acme.port} HTTP/1.1\r\nhost: api.example.com:{acme.port}\r\n"
            )
            assert "\r\nproxy-authorization: Basic dXNlcjpzeW50aGV0aWM=\r\n" in head
            assert b"proxy-authorization" not in acme.requests[0]
        async with tls_serving(OK, tls, host="other.example.com", environ=environ, ca_file=ca_file) as (acme, pool):
            with pytest.raises(UpstreamUnreachable, match="not trusted"):
                await read(pool)
            assert acme.requests == []
        await proxy.stop()

    on_uvloop(test)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "it answered CONNECT with status 407"),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nno!", "it answered CONNECT with status 502"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "it does not speak HTTP"),
        (b"", "instead of answering CONNECT"),
        (b"x" * 100_000, "instead of answering CONNECT"),
    ],
)
def test_a_proxy_that_refuses_is_told_without_its_credential(answer: bytes, says: str) -> None:
    async def test() -> None:
        proxy = await Provided(tunnel(answer)).start()
        loop = asyncio.get_running_loop()
        environ = {"https_proxy": f"http://user:synthetic@127.0.0.1:{proxy.port}"}
        place = provider(443, scheme="https", host="api.example.com")
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ=environ)
        with pytest.raises(UpstreamUnreachable, match=says) as raised:
            await read(pool)
        assert f"cannot reach proxy 127.0.0.1:{proxy.port}: " in raised.value.message
        assert "synthetic" not in raised.value.message
        assert pool.open == 0
        await proxy.stop()

    on_uvloop(test)


def test_http_goes_to_the_proxy_with_the_whole_url() -> None:
    async def test() -> None:
        proxy = await Provided(OK).start()
        loop = asyncio.get_running_loop()
        environ = {"http_proxy": f"http://user:synthetic@127.0.0.1:{proxy.port}"}
        place = provider(8080, host="api.example.com")
        with pytest.raises(UpstreamUnreachable, match=r"in the clear to api\.example\.com"):
            await read(Pool(place, loop=loop, sweeper=Sweeper(loop), environ=environ))
        assert proxy.requests == []
        place = provider(8080, host="api.example.com", allow_plain=True)
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ=environ)
        for _ in range(5):
            assert await read(pool) == (200, b"hello")
        assert (proxy.opened, len(proxy.requests)) == (1, 5)
        head = proxy.requests[0].decode()
        assert head.startswith(
            "POST http://api.example.com:8080/v1/chat/completions HTTP/1.1\r\nhost: api.example.com:8080\r\n"
        )
        assert "\r\nproxy-authorization: Basic dXNlcjpzeW50aGV0aWM=\r\n" in head
        await pool.close()
        await proxy.stop()

    on_uvloop(test)


def test_a_connection_whose_deadline_cannot_be_taken_back_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def broken(delay: float | None) -> AsyncIterator[None]:
        yield
        raise MemoryError

    async def test() -> None:
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()

        async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            closed.set()
            writer.close()

        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        pool = Pool(provider(server.sockets[0].getsockname()[1]), loop=loop, sweeper=Sweeper(loop, 0.01), environ={})
        monkeypatch.setattr("dd0c_route.upstream.dial.asyncio.timeout", broken)
        with pytest.raises(MemoryError):
            await pool.send("POST", "/", [], b"", Marks())
        monkeypatch.undo()
        await asyncio.wait_for(closed.wait(), 5.0)
        server.close()

    on_uvloop(test)
