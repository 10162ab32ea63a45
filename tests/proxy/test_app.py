"""The worker as a client with a bare socket meets it, and the entries that such clients leave."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator

import pytest

from tests.stand import CHAT, Stand, until

LIMITS = "[limits]\nbody_bytes = 20000\nhead_bytes = 4000\nhead_s = 0.3\nbody_s = 0.5\n"
ID = re.compile(rb"x-dd0c-request-id: (\S+)")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), LIMITS) as running:
        yield running


def post(body: object, *headers: str, version: str = "1.1", path: str = "/v1/chat/completions") -> bytes:
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def said(content: str) -> dict[str, object]:
    return {**CHAT, "messages": [{"role": "user", "content": content}]}


def test_calls_sent_ahead_are_answered_in_order_and_each_leaves_its_entry(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(
            post(CHAT, "x-sim: text=one; ttft_ms=50")
            + post(CHAT, "x-sim: text=two")
            + post(CHAT, "x-sim: text=three", "Connection: close")
        )
        answers = read_all(sock)

    assert [answers.index(word) for word in (b'"one"', b'"two"', b'"three"')] == sorted(
        answers.index(word) for word in (b'"one"', b'"two"', b'"three"')
    )
    ids = ID.findall(answers)
    assert len(set(ids)) == 3
    assert {stand.entry(found.decode())["end_state"] for found in ids} == {"complete"}


def test_a_client_that_leaves_takes_the_calls_that_it_sent_ahead_along(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(post(CHAT, "x-sim: stall_after=0") + post(CHAT) + post(CHAT))
        until(lambda: stand.connections()["sim"]["in_use"] == 1, "the call")

    def left_behind() -> bool:
        newest = stand.entries(0)[:3]
        told = sorted((entry["end_state"], len(entry["attempts"])) for entry in newest)
        return told == [("client_gone", 0), ("client_gone", 0), ("client_gone", 1)]

    until(left_behind, "the entries of three calls whose client left")


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0_gets_its_answer_up_to_the_end_of_the_connection(stand: Stand, stream: bool) -> None:
    with stand.raw() as sock:
        sock.sendall(post({**CHAT, "stream": stream}, "x-sim: chunks=3", version="1.0"))
        head, _, body = read_all(sock).partition(b"\r\n\r\n")

    assert b"connection: close" in head
    assert b"transfer-encoding" not in head
    found = ID.search(head)
    assert found is not None
    entry = stand.entry(found[1].decode())
    assert (entry["end_state"], entry["delivered_bytes"]) == ("complete", len(body))
    assert entry["delivered_output_tokens"] == 3


def test_an_answer_to_http_1_0_that_was_cut_does_not_look_complete(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(post({**CHAT, "stream": True}, "x-sim: cut_after=2; chunks=9; chunk_ms=20", version="1.0"))
        with pytest.raises(ConnectionResetError):
            read_all(sock)


def test_a_chunked_answer_that_was_cut_misses_its_end(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(post({**CHAT, "stream": True}, "x-sim: cut_after=2; chunks=9; chunk_ms=20"))
        answer = read_all(sock)

    assert b"transfer-encoding: chunked" in answer
    assert not answer.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_that_is_too_long_is_refused_in_the_callers_shape_and_leaves_an_entry(
    stand: Stand, framing: str
) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n"
    with stand.raw() as sock:
        if framing == "length":
            sock.sendall(head + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000)
        else:
            sock.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + b"2710\r\n%b\r\n" % (b"x" * 10_000) * 10)
        answer = read_all(sock)

    assert answer.startswith(b"HTTP/1.1 413 ")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["error"]["type"] == "request_too_large"
    entry = stand.entry(body["request_id"])
    assert (entry["end_state"], entry["status"], entry["error"]) == ("denied", 413, "request_too_large")


def test_a_head_that_is_too_long_is_refused(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(post(CHAT, "x-long: " + "x" * 5000))
        assert read_all(sock).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("sent", "noted"),
    [(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n", False), (post(CHAT)[:-5], True)],
    ids=["head", "body"],
)
def test_a_request_that_does_not_come_is_given_up_and_noted_if_its_head_was_in(
    stand: Stand, sent: bytes, noted: bool
) -> None:
    with stand.raw() as sock:
        sock.sendall(sent)
        answer = read_all(sock)

    assert answer.startswith(b"HTTP/1.1 408 ")
    if noted:
        found = ID.search(answer)
        assert found is not None
        assert stand.entry(found[1].decode())["error"] == "request_timeout"


def test_leave_to_send_a_body_is_given(stand: Stand) -> None:
    head, _, body = post(CHAT, "Expect: 100-continue", "Connection: close").partition(b"\r\n\r\n")
    with stand.raw() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK")


def test_a_wish_for_http_2_is_ignored_and_the_call_served(stand: Stand) -> None:
    with stand.raw() as sock:
        sock.sendall(post(CHAT, "Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAEA"))
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK")


def test_the_console_is_behind_the_same_port(stand: Stand) -> None:
    assert stand.control("/metrics").status == 200  # as soon as the control process answers
    assert stand.get("/ui").status in (200, 302, 303, 307)
    assert stand.get("/api/v1/requests").headers["x-dd0c-request-id"].startswith("dd_")


def test_what_only_the_control_process_may_ask_is_nowhere_on_the_port(stand: Stand) -> None:
    for path in ("/internal/connections", "/internal/gauges"):
        assert stand.get(path).status == 404
    assert stand.post("/internal/reload", b"").status == 404


def test_while_the_router_drains_kept_connections_take_no_new_call(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Stand(tmp_path_factory.mktemp("draining")) as own, own.raw() as running, own.raw() as busy:
        running.sendall(post(CHAT, "x-sim: ttft_ms=1500", "Connection: close"))
        busy.sendall(post(CHAT, "x-sim: ttft_ms=700") + post(CHAT))
        until(lambda: own.connections()["sim"]["in_use"] == 2, "both calls")
        own.router.popen.send_signal(signal.SIGTERM)

        answers = read_all(busy)
        assert answers.count(b"HTTP/1.1 200 OK") == 1
        assert read_all(running).startswith(b"HTTP/1.1 200 OK")
        assert own.router.stop() == 0
        own.start_router()
        states = [entry["end_state"] for entry in own.entries(3)]
        assert sorted(states) == ["client_gone", "complete", "complete"] or sorted(states) == [
            "complete",
            "complete",
            "shut_down",
        ]
