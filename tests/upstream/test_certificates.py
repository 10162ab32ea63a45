"""Bad certificates and broken handshakes: no call is made, no byte of it is sent, and the error says why."""

from __future__ import annotations

import ast
import asyncio
import re
import socket
import ssl
from pathlib import Path

import pytest

from dd0c_route.errors import UpstreamConnectTimeout, UpstreamUnreachable
from dd0c_route.upstream import Marks, Pool, Sweeper
from dd0c_route.upstream.tls import tls_context

from .certificates import BAD, HOST, Issued, issue, server_side
from .scripted import Peer, Provided, Script, answers, on_uvloop, provider, read, until, whole

SOURCE = Path(__file__).parents[2] / "src" / "dd0c_route"
OK = answers(whole(b"hello"))


@pytest.fixture(scope="module")
def root() -> Issued:
    return issue("root", is_ca=True)


@pytest.fixture(scope="module")
def ca_file(root: Issued, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("root") / "root.pem"
    path.write_bytes(root.pem)
    return str(path)


def refused(script: Script, tls: ssl.SSLContext | None, ca_file: str, *, is_late: bool = False) -> str:
    """Why no call is made to a server that does *script* behind *tls*; that nothing of it was sent is checked."""
    said: list[str] = []

    async def test() -> None:
        loop = asyncio.get_running_loop()
        acme = await Provided(script).start(tls)
        place = provider(acme.port, scheme="https", host=HOST, ca_file=ca_file, connect_s=0.3 if is_late else 5.0)
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop, 0.01), environ={})
        marks = Marks()
        with pytest.raises(UpstreamConnectTimeout if is_late else UpstreamUnreachable) as raised:
            await read(pool, b'{"synthetic":"prompt"}', marks=marks)
        error = raised.value
        said.append(error.message)
        assert f"{HOST}:{acme.port}" in error.message
        assert (error.sent, error.retryable, marks.sent, acme.requests) == (False, True, False, [])
        assert (pool.open, pool.in_use) == (0, 0)
        await pool.close()
        await acme.stop()

    on_uvloop(test)
    return said[0]


def test_the_same_certificates_without_a_fault_are_taken(root: Issued, ca_file: str) -> None:
    between = issue("between", root, is_ca=True, within=HOST)

    async def test() -> None:
        for good in (issue(HOST, root, names=(HOST,)), issue(HOST, between, names=("other.example", HOST))):
            loop = asyncio.get_running_loop()
            acme = await Provided(OK).start(server_side(good))
            place = provider(acme.port, scheme="https", host=HOST, ca_file=ca_file)
            pool = Pool(place, loop=loop, sweeper=Sweeper(loop, 0.01), environ={})
            assert await read(pool) == (200, b"hello")
            await pool.close()
            await acme.stop()

    # The second one's other name lies outside of what its authority may sign.
    with pytest.raises(UpstreamUnreachable, match="permitted subtree violation"):
        on_uvloop(test)


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_certificate_is_refused(fault: str, root: Issued, ca_file: str) -> None:
    why = refused(OK, server_side(BAD[fault](root)), ca_file)
    print(f"{fault}: {why}")
    assert "its certificate is not trusted: " in why


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(version: ssl.TLSVersion, root: Issued, ca_file: str) -> None:
    tls = server_side(issue(HOST, root, names=(HOST,)))
    tls.minimum_version = tls.maximum_version = version
    assert "the TLS handshake failed: " in refused(OK, tls, ca_file)


@pytest.mark.parametrize(
    "ciphers", ["NULL-SHA256:@SECLEVEL=0", "aNULL:@SECLEVEL=0", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"]
)
def test_weak_ciphers_are_refused(ciphers: str, root: Issued, ca_file: str) -> None:
    tls = server_side(issue(HOST, root, names=(HOST,)))
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers(ciphers)
    assert "the TLS handshake failed: " in refused(OK, tls, ca_file)


async def _plain(peer: Peer) -> None:
    await peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    await peer.closed()


async def _closes(peer: Peer) -> None:
    await peer.reader.read(1)


async def _resets(peer: Peer) -> None:
    await peer.reader.read(1)
    sock = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer.reset()


async def _alerts(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.write(b"\x15\x03\x03\x00\x02\x02\x28")  # a fatal alert: handshake failure
    await peer.closed()


async def _noise(peer: Peer) -> None:
    await peer.write(b"\x16\x03\x03\x00\x10" + bytes(range(16)))
    await peer.closed()


@pytest.mark.parametrize("script", [_plain, _closes, _resets, _alerts, _noise], ids=lambda one: one.__name__)
def test_a_server_that_does_not_shake_hands_is_not_talked_to_in_the_clear(script: Script, ca_file: str) -> None:
    why = refused(script, None, ca_file)
    print(f"{script.__name__}: {why}")
    assert "the TLS handshake failed: " in why


def test_a_server_that_stalls_in_the_handshake_is_given_up(ca_file: str) -> None:
    assert "within 0.3 s" in refused(lambda peer: peer.closed(), None, ca_file, is_late=True)


def test_a_certificate_is_looked_at_again_for_each_connection(root: Issued, ca_file: str) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        good, bad = server_side(issue(HOST, root, names=(HOST,))), server_side(BAD["another host"](root))
        tls = server_side(issue(HOST, root, names=(HOST,)))
        shown = [good, bad]
        tls.sni_callback = lambda sock, name, context: setattr(sock, "context", shown.pop(0))
        acme = await Provided(answers(whole(b"hello", b"connection: close"))).start(tls)
        place = provider(acme.port, scheme="https", host=HOST, ca_file=ca_file)
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop, 0.01), environ={})
        assert await read(pool) == (200, b"hello")
        with pytest.raises(UpstreamUnreachable, match="Hostname mismatch"):
            await read(pool)
        await until(lambda: acme.closed == acme.opened)
        assert len(acme.requests) == 1
        await pool.close()
        await acme.stop()

    on_uvloop(test)


# --- that there is no other way ------------------------------------------------------------------------


def test_there_is_one_place_that_speaks_tls_and_none_that_can_weaken_it() -> None:
    """Calls, lists of models, shadow calls, judges and warm connections all go through a pool, and that dials."""
    speakers, makers = set(), set()
    for path in SOURCE.rglob("*.py"):
        text, where = path.read_text(encoding="utf-8"), str(path.relative_to(SOURCE))
        tree = ast.parse(text)
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if "ssl" in names | froms or re.search(r"\bssl\s*=", text):
            speakers.add(where)
        if "Dialer(" in text.replace("class Dialer", ""):
            makers.add(where)
        assert not re.search(
            r"CERT_NONE|CERT_OPTIONAL|_create_unverified|check_hostname|wrap_socket|InsecureRequest", text
        )
        assert not (names | froms) & {"urllib.request", "requests", "httpx", "aiohttp", "urllib3"}, where
    assert speakers == {"upstream/dial.py", "upstream/tls.py"}
    assert makers == {"upstream/pool.py"}


@pytest.mark.parametrize("with_file", [False, True])
def test_the_one_context_checks_certificate_name_and_strength(with_file: bool, ca_file: str) -> None:
    context = tls_context(ca_file if with_file else None)
    assert (context.verify_mode, context.check_hostname, context.security_level) == (ssl.CERT_REQUIRED, True, 2)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert bool(context.verify_flags & ssl.VERIFY_X509_STRICT) != with_file
    assert not {one["name"] for one in context.get_ciphers() if re.search(r"NULL|RC4|3DES|MD5|EXP|-SHA$", one["name"])}


def test_the_keys_of_tls_are_written_nowhere(
    root: Issued, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert ssl.create_default_context().keylog_filename is not None  # so it is where nobody sees to it
    (tmp_path / "keys").unlink()
    assert tls_context(ca_file).keylog_filename is None
    assert not (tmp_path / "keys").exists()


def test_what_cannot_be_seen_is_said() -> None:
    """Python's `ssl` asks nobody whether a certificate was revoked; docs/security.md says so."""
    assert not tls_context(None).verify_flags & (ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_CRL_CHECK_CHAIN)
    text = (SOURCE.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")
    assert "revoked" in text
