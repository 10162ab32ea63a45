"""Timing, framing and faults, as a client on a bare socket sees them."""

from __future__ import annotations

import contextlib
import gzip
import time
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # the package ships no types
import pytest
import zstandard

from .conftest import CHAT, Reply, Running, chat, read_all, read_until, request


def parts(wire: bytes) -> tuple[bytes, bytes]:
    head, _, body = wire.partition(b"\r\n\r\n")
    return head, body


def events_in(body: bytes) -> int:
    return body.count(b"data: ")


def test_the_first_piece_waits_and_the_head_with_it(sim: Running) -> None:
    sock = sim.connect()
    begun = time.monotonic()
    sock.sendall(request(chat(True), "ttft_ms=60; chunks=2; chunk_ms=20"))
    read_until(sock, b"\r\n\r\n")
    assert time.monotonic() - begun >= 0.055
    read_until(sock, b"[DONE]")
    assert time.monotonic() - begun >= 0.055 + 4 * 0.018, "role, two words, finish, [DONE]: four waits"


def test_the_head_can_come_alone_and_early(sim: Running) -> None:
    sock = sim.connect()
    call = sim.call(sock, "head_ms=1; ttft_ms=60000")
    head, body = parts(read_until(sock, b"\r\n\r\n"))
    assert (head[:12], body) == (b"HTTP/1.1 200", b"")
    record = sim.record(call)
    assert (record["state"], record["body_bytes_out"]) == ("running", 0)
    assert record["head_ms"] >= record["received_ms"] >= record["started_ms"]


def test_a_json_answer_waits_too(sim: Running) -> None:
    begun = time.monotonic()
    assert sim.ask(CHAT, chat(), "ttft_ms=50").status == 200
    assert time.monotonic() - begun >= 0.045


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_answer_has_its_pieces_and_no_end(sim: Running, how: str, stream: bool) -> None:
    sock = sim.connect()
    call = sim.call(sock, f"cut_bytes=150; cut_how={how}; framing=chunked", chat(stream))
    wire, was_reset = read_all(sock)
    assert was_reset == (how == "rst")
    assert not wire.endswith(b"0\r\n\r\n")
    record = sim.record(call)
    assert (record["state"], record["body_bytes_out"], record["chunks_out"]) == ("cut", 150, 0)
    assert sim.connection_of(call)["closed_by"] == "self"
    whole = read_wire(sim, f"framing=chunked; chunks={16}", chat(stream))
    assert dechunked(parts(wire)[1]) == dechunked(parts(whole)[1])[:150]


def test_a_cut_stands_between_pieces(sim: Running) -> None:
    sock = sim.connect()
    call = sim.call(sock, "cut_after=3; chunk_ms=1")
    wire, _ = read_all(sock)
    assert events_in(wire) == 3
    assert sim.record(call)["text_out"]["tokens"] == 2, "the first event carries the role only"


def test_cutting_before_anything_leaves_the_head_alone(sim: Running) -> None:
    head, body = parts(read_wire(sim, "cut_after=0"))
    assert (head[:12], body) == (b"HTTP/1.1 200", b"")


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_head_can_be_cut_too(sim: Running, size: int) -> None:
    assert read_wire(sim, f"cut_head={size}") == b"HTTP/1.1 200 OK\r\nser"[:size]


def test_a_stalled_stream_is_silent_until_the_client_leaves(sim: Running) -> None:
    sock = sim.connect()
    call = sim.call(sock, "stall_after=2")
    read_until(sock, b"\r\n\r\n")
    sock.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        while sock.recv(65536):
            pass
        pytest.fail("the stream ended")
    assert sim.record(call)["state"] == "running"
    sock.close()
    sim.until(lambda: sim.record(call)["state"] == "aborted_by_peer")
    assert (sim.record(call)["chunks_out"], sim.record(call)["text_out"]["tokens"]) == (2, 1)


@pytest.mark.parametrize(
    ("path", "last"),
    [
        (CHAT, b'"error"'),
        ("/v1/messages", b"event: error\n"),
        ("/v1/responses", b"event: response.failed\n"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", b'"UNAVAILABLE"'),
    ],
)
def test_an_error_in_a_stream_is_its_last_event(sim: Running, path: str, last: bytes) -> None:
    reply = sim.ask(path, chat(True, input="x", contents=[]), "error_after=3")
    events = reply.body.split(b"\n\n")[:-1]
    assert reply.status == 200
    assert len(events) == 4
    assert last in events[-1] + b"\n"


def test_a_stale_connection_closes_behind_its_answer(sim: Running) -> None:
    sock = sim.connect()
    sock.sendall(request(chat(), "stale=1"))
    wire, was_reset = read_all(sock)
    assert b"connection: keep-alive" in wire
    assert wire.endswith(b"}")
    assert not was_reset


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_stale_connection_can_wait_for_the_next_request(sim: Running, how: str) -> None:
    sock = sim.connect()
    call = sim.call(sock, f"stale=next; cut_how={how}", chat())
    read_until(sock, b"}}}")
    assert sim.connection_of(call)["closed_by"] == "open"
    sock.sendall(request(chat()))
    rest, was_reset = read_all(sock)
    assert rest == b""
    assert was_reset == (how == "rst")


def test_junk_is_not_http(sim: Running) -> None:
    assert not read_wire(sim, "junk=1").startswith(b"HTTP")


@pytest.mark.parametrize("stream", [True, False])
def test_every_framing_carries_the_same_body(sim: Running, stream: bool) -> None:
    bodies = []
    for framing, header in (
        ("length", b"content-length: "),
        ("chunked", b"transfer-encoding: chunked"),
        ("eof", b"connection: close"),
    ):
        head, body = parts(read_wire(sim, f"framing={framing}; stale=1", chat(stream)))
        assert header in head
        bodies.append(dechunked(body) if framing == "chunked" else body)
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_client_that_closes_gets_a_close(sim: Running) -> None:
    sock = sim.connect()
    sock.sendall(request(chat()).replace(b"host: sim", b"host: sim\r\nconnection: close"))
    wire, _ = read_all(sock)
    assert b"connection: close" in parts(wire)[0]


def test_random_cuts_are_the_same_for_the_same_seed(sim: Running) -> None:
    def sizes(seed: int) -> list[bytes]:
        body = parts(read_wire(sim, f"write_bytes=20; write_seed={seed}; stale=1"))[1]
        found = []
        while body:
            size, _, rest = body.partition(b"\r\n")
            found.append(size)
            body = rest[int(size, 16) + 2 :]
        return found

    assert sizes(1) == sizes(1) != sizes(2)
    assert all(1 <= int(size, 16) <= 40 for size in sizes(1)[:-1])
    assert sim.ask(CHAT, chat(True), "write_bytes=7").body == sim.ask(CHAT, chat(True)).body


def test_bytes_too_many_follow_the_answer(sim: Running) -> None:
    assert read_wire(sim, "extra=5; stale=1").endswith(b"0\r\n\r\n#####")


def test_interim_answers_come_first(sim: Running) -> None:
    wire = read_wire(sim, "interim=3; stale=1")
    assert wire.startswith(b"HTTP/1.1 103 Early Hints\r\n")
    assert wire.count(b"HTTP/1.1 103") == 3
    assert wire.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("encoding", "decode"),
    [
        ("gzip", gzip.decompress),
        ("deflate", zlib.decompress),
        ("br", brotli.decompress),
        ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
def test_an_encoded_answer_decodes_to_the_plain_one(
    sim: Running, encoding: str, decode: Callable[[bytes], bytes], stream: bool
) -> None:
    plain = sim.ask(CHAT, chat(stream))
    reply: Reply = sim.ask(CHAT, chat(stream), f"encoding={encoding}")
    assert reply.headers["content-encoding"] == encoding
    assert decode(reply.body) == plain.body


def test_a_kept_alive_connection_serves_many_calls_in_order(sim: Running) -> None:
    sock = sim.connect()
    number = sim.call(sock, "ttft_ms=20; text=first", chat())
    sock.sendall(request(chat(), "text=second") + request(chat(), "text=third"))
    wire = b""
    while b"third" not in wire:
        wire += sock.recv(65536)
    assert wire.index(b"first") < wire.index(b"second") < wire.index(b"third")
    assert sim.connection_of(number)["calls"] == 3


def test_a_request_that_is_not_http_is_refused(sim: Running) -> None:
    sock = sim.connect()
    sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")
    wire, _ = read_all(sock)
    assert wire.startswith(b"HTTP/1.1 400")


def test_a_client_that_waits_for_leave_gets_it(sim: Running) -> None:
    sock = sim.connect()
    head, body = parts(request(chat()))
    sock.sendall(head + b"\r\nexpect: 100-continue\r\n\r\n")
    assert read_until(sock, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(body)
    assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK")


def read_wire(sim: Running, scene: str, body: object = None) -> bytes:
    """All bytes that one scripted call gets, to the end of its connection."""
    sock = sim.connect()
    sock.sendall(request(body if body is not None else chat(True), scene))
    if not any(word in scene for word in ("cut", "stale", "junk", "eof")):
        return read_until(sock, b"0\r\n\r\n")
    return read_all(sock)[0]


def dechunked(body: bytes) -> bytes:
    """The payload of chunked framing, as far as it goes."""
    payload = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        payload += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return payload
