"""The generator against the mock, over real sockets: every answer is counted, and every fault is seen."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bench import BODY_BYTES, CHUNKS, request, request_body
from benchmarks.load import Load
from benchmarks.targets import Provider

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def mock() -> Iterator[Provider]:
    command = [sys.executable, "-m", "benchmarks.mock"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = re.search(r":(\d+)$", process.stdout.readline().strip())
        assert port is not None
        yield Provider("mock", int(port[1]))
        process.terminate()


@pytest.fixture
def broken() -> Iterator[int]:
    """A server that answers 500 to the first request of each connection, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("stream", [False, True])
def test_the_body_has_the_size_that_is_said(stream: bool) -> None:
    assert len(request_body(stream=stream)) == BODY_BYTES


def test_a_constant_rate_sends_each_request_once_and_reuses_connections(mock: Provider) -> None:
    window = Load(mock.port, request(sim="ttft_ms=5")).open_loop(200, 0.5)
    assert (window.answers, window.errors) == (100, {})
    assert len(window.total) == len(window.overhead) == len(window.late) == 100
    counts = mock.counts()
    assert counts is not None
    assert counts[1] == 100
    assert counts[0] < 50


def test_the_overhead_leaves_out_what_the_provider_took(mock: Provider) -> None:
    window = Load(mock.port, request(sim="ttft_ms=50")).open_loop(50, 0.2)
    assert min(window.total) >= 45e6
    assert all(total - overhead >= 45e6 for total, overhead in zip(window.total, window.overhead, strict=True))


def test_a_closed_loop_stops_at_its_number_of_requests(mock: Provider) -> None:
    window = Load(mock.port, request()).closed_loop(4, 30.0, 200)
    assert (window.answers, window.errors) == (200, {})
    assert mock.counts() == (4, 200)


def test_each_event_of_each_stream_is_seen(mock: Provider) -> None:
    sim = f"ttft_ms=1; chunks={CHUNKS}; chunk_ms=1"
    window = Load(mock.port, request(stream=True, sim=sim), stream_events=CHUNKS).streams(4, 0.2)
    assert window.errors == {}
    assert window.answers >= 4
    assert window.events == window.answers * (CHUNKS + 1)
    assert len(window.age) == window.answers * CHUNKS
    assert len(window.first) == window.answers


def test_an_error_status_makes_the_window_invalid(broken: int) -> None:
    window = Load(broken, request()).open_loop(100, 0.1)
    assert window.answers == 0
    assert window.errors["status 500"] == 10


def test_an_error_status_of_a_stream_makes_the_window_invalid(broken: int) -> None:
    window = Load(broken, request(stream=True), stream_events=CHUNKS).streams(1, 0.0)
    assert window.errors == {"status 500": 1}
