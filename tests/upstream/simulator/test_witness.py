"""The record is true, whoever ends a call, how, and when."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable

import pytest

from .conftest import CHAT, Running, chat, read_until, request, reset

# Scenes that hold a call in one phase, and what the client reads before it leaves.
PHASES = {
    "before_the_head": ("ttft_ms=60000", b""),
    "behind_the_head": ("head_ms=1; ttft_ms=60000", b"\r\n\r\n"),
    "between_pieces": ("chunks=9; chunk_ms=60000", b'"role"'),
    "stalled": ("stall_after=3; chunks=9", b'"role"'),
}


@pytest.mark.parametrize(("leave", "closed_by"), [(socket.socket.close, "peer_fin"), (reset, "peer_rst")])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_is_noticed_in_every_phase(
    sim: Running, phase: str, stream: bool, leave: Callable[[socket.socket], None], closed_by: str
) -> None:
    scene, mark = PHASES[phase]
    if not stream and phase in ("between_pieces", "stalled"):
        scene = "stall_after=0"
        mark = b"\r\n\r\n"
    sock = sim.connect()
    call = sim.call(sock, scene, chat(stream))
    if mark:
        read_until(sock, mark)
    left_ms = sim.stats()["now_ms"]
    leave(sock)
    sim.until(lambda: sim.record(call)["state"] != "running")
    record = sim.record(call)
    assert record["state"] == "aborted_by_peer"
    assert record["ended_ms"] - left_ms < 1000
    assert sim.connection_of(call)["closed_by"] == closed_by
    pieces = {"between_pieces": 1, "stalled": 3}.get(phase, 0) if stream else 0
    assert record["chunks_out"] == pieces
    assert record["text_out"]["tokens"] == max(0, pieces - 1)
    assert (record["head_ms"] is None) == (phase == "before_the_head")


@pytest.mark.parametrize(("leave", "closed_by"), [(socket.socket.close, "peer_fin"), (reset, "peer_rst")])
def test_a_client_that_leaves_in_its_own_request_is_noticed(
    sim: Running, leave: Callable[[socket.socket], None], closed_by: str
) -> None:
    before = sim.stats()["totals"]["last_call"]
    sock = sim.connect()
    sock.sendall(request(chat())[:-10])
    sim.until(lambda: sim.stats()["totals"]["last_call"] > before)
    leave(sock)
    sim.until(lambda: sim.record(before + 1)["state"] == "aborted_by_peer")
    record = sim.record(before + 1)
    assert (record["status"], record["received_ms"], record["body_bytes_out"]) == (None, None, 0)
    assert record["request_bytes"] == len(json.dumps(chat())) - 10
    assert sim.connection_of(before + 1)["closed_by"] == closed_by


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_what_a_silent_client_did_not_take_is_not_counted(sim: Running, leave: Callable[[socket.socket], None]) -> None:
    sock = socket.socket()
    sim.sockets.append(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    sock.connect(("127.0.0.1", sim.port))
    call = sim.call(sock, "chunks=2000; chunk_bytes=10000")
    sim.until(lambda: sim.record(call)["body_bytes_out"] > 0)
    leave(sock)
    sim.until(lambda: sim.record(call)["state"] == "aborted_by_peer")
    record = sim.record(call)
    assert 0 < record["body_bytes_out"] < 20_000_000
    assert record["text_out"]["characters"] == 10_000 * record["text_out"]["tokens"]
    assert record["text_out"]["characters"] <= record["body_bytes_out"]


def test_a_slow_client_gets_everything(sim: Running) -> None:
    sock = socket.socket()
    sim.sockets.append(sock)
    sock.settimeout(10)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    sock.connect(("127.0.0.1", sim.port))
    call = sim.call(sock, "chunks=1500; chunk_bytes=10000")
    assert sim.record(call)["state"] == "running", "more than the kernel's buffers hold"
    read_until(sock, b"data: [DONE]\n\n\r\n0\r\n\r\n")
    sim.until(lambda: sim.record(call)["state"] == "complete")
    assert sim.record(call)["text_out"] == {"characters": 15_000_000, "tokens": 1500}


def test_a_complete_call_is_on_the_record(sim: Running) -> None:
    headers = {"authorization": "Bearer synthetic-key", "x-api-key": "another"}
    reply = sim.ask(f"{CHAT}?key=hidden", chat(), headers=headers)
    call = int(reply.headers["x-sim-call"])
    record = sim.record(call)
    assert (record["state"], record["status"], record["model"]) == ("complete", 200, "gpt-x")
    assert record["path"] == CHAT
    assert record["body_bytes_out"] == len(reply.body)
    assert record["request_bytes"] == len(json.dumps(chat()))
    assert record["text_out"]["tokens"] == reply.json()["usage"]["completion_tokens"]
    times = [record[name] for name in ("started_ms", "received_ms", "head_ms", "ended_ms")]
    assert times == sorted(times)
    assert "authorization" in record["headers"]
    assert record["credentials"] == {
        "authorization": hashlib.sha256(b"synthetic-key").hexdigest()[:8],
        "x-api-key": hashlib.sha256(b"another").hexdigest()[:8],
    }
    everything = json.dumps(sim.stats())
    assert "synthetic-key" not in everything
    assert "hidden" not in everything


def test_totals_count_calls_and_connections_but_not_the_visitors_of_the_record(launch: Callable[..., Running]) -> None:
    sim = launch()
    for _ in range(3):
        sim.ask(CHAT, chat())
    sock = sim.connect()
    call = sim.call(sock, "ttft_ms=60000")
    totals = sim.stats()["totals"]
    assert (totals["connections"], totals["connections_open"]) == (4, 1)
    assert (totals["calls"], totals["calls_running"]) == (4, 1)
    assert totals["calls_ended"] == {"complete": 3, "aborted_by_peer": 0, "cut": 0}
    assert totals["connections_closed_by"] == {"peer_fin": 3, "peer_rst": 0, "self": 0}
    sim.ask("/sim/reset")
    totals = sim.stats()["totals"]
    assert (totals["connections"], totals["calls"], totals["calls_running"]) == (1, 1, 1)
    reset(sock)
    sim.until(lambda: sim.stats()["totals"]["calls_ended"]["aborted_by_peer"] == 1)
    assert [c["id"] for c in sim.stats()["calls"]] == [call]
    assert sim.stats()["totals"]["connections_open"] == 0


def test_the_record_is_read_in_pages(launch: Callable[..., Running]) -> None:
    sim = launch()
    for _ in range(5):
        sim.ask(CHAT, chat())
    page = sim.stats("?since=1&limit=2")
    assert [call["id"] for call in page["calls"]] == [2, 3]
    assert sim.ask("/sim/stats?since=x", method="GET").status == 400
    assert sim.ask("/sim/other", method="GET").status == 404
