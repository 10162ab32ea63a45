"""Clients that speak HTTP in unusual ways: half-closed, pipelined, asking leave first, or connecting without a word."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from dd0c_route.access.keys import new_key
from tests.endings.caller import Caller, body_of, post
from tests.endings.rest import Rest, resident_bytes, said, worker
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"
LONG = os.environ.get("DD0C_DISCONNECTS") is not None
CONNECTS = 10_000 if LONG else 2_000
ABORTS = 4_000 if LONG else 200
KEY, STORED = new_key()
BODY_BYTES = 100_000
CONFIG = f'[server]\naccess_keys = ["{STORED}"]\n[limits]\nbody_bytes = {BODY_BYTES}\n'
OPEN = {"x-dd0c-key": KEY}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand")) as running:
        running.connections()
        yield running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("locked"), CONFIG) as running:
        yield running


def answers(raw: bytearray) -> list[tuple[int, bytes]]:
    """The answers in *raw*, each with its body, in order."""
    found, rest = [], bytes(raw)
    while rest:
        head, _, tail = rest.partition(b"\r\n\r\n")
        body, whole = body_of(rest)
        assert whole, rest[:200]
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"content-length" in line), None)
        assert length is not None, "answers in one piece have a length"
        found.append((int(rest[9:12]), body[:length]))
        rest = tail[length:]
    return found


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_closes_its_half_has_left(stand: Stand, stream: bool) -> None:
    """No router can tell it from one that is gone: the call to the provider ends, and is billed as far as it came."""
    before = Rest.of(stand)
    for _ in range(10):
        with Caller(stand.port) as caller:
            caller.send(post(PATH, {**CHAT, "stream": stream}, {"x-sim": "ttft_ms=60000"}))
            until(lambda: stand.sim_stats()["totals"]["calls_running"] == 1, "the call")
            caller._socket.shutdown(socket.SHUT_WR)
            caller.read_until(lambda raw: False)
            assert not caller.whole
            until(lambda: stand.sim_stats()["totals"]["calls_running"] == 0, "its end", 1.0)
    before.comes_back(stand)
    assert {entry["end_state"] for entry in stand.confirmed(10)[:10]} == {"client_gone"}


def test_requests_that_are_sent_ahead_are_answered_in_turn_each_with_its_own_entry(stand: Stand) -> None:
    before, sent = Rest.of(stand), []
    with Caller(stand.port) as caller:
        for index in range(6):
            body = {**CHAT, "max_tokens": 10} if index % 2 == 0 else b"not json"
            session = f"ahead-{index}"
            headers = {"x-dd0c-session": session, "x-sim": f"chunks={index + 1}"}
            request = post(PATH, body if isinstance(body, dict) else {}, headers)
            if not isinstance(body, dict):
                request = request.replace(b"content-length: 2", b"content-length: 8").replace(b"{}", body)
            sent.append(request)
        caller.send(b"".join(sent))
        caller.read_until(lambda raw: raw.count(b"HTTP/1.1 ") == 6 and raw.rstrip().endswith(b"}"))
        got = answers(caller.raw)

    assert [status for status, _ in got] == [200, 400] * 3, "an error does not end the connection"
    tokens = [json.loads(body)["usage"]["completion_tokens"] for status, body in got if status == 200]
    assert tokens == [1, 3, 5], "in the order in which they were asked"
    before.comes_back(stand)


def test_who_asks_for_leave_is_told_of_the_key_and_of_the_size_before_anything_is_sent(locked: Stand) -> None:
    def asks(length: int, headers: dict[str, str]) -> Caller:
        with Caller(locked.port) as caller:
            head = post(PATH, {}, {**headers, "expect": "100-continue"}).replace(b"length: 2", b"length: %d" % length)
            caller.send(head.removesuffix(b"{}"))
            caller.read_until(lambda raw: b"100 Continue\r\n\r\n" in raw or body_of(raw)[1])
            return caller

    assert asks(50, {}).status == 401
    assert asks(BODY_BYTES + 1, OPEN).status == 413
    assert asks(BODY_BYTES + 1, {}).status == 401, "who has no key learns no limit"
    assert asks(50, OPEN).raw == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_who_is_refused_while_it_uploads_can_read_why(locked: Stand) -> None:
    """The answer comes early; the rest of the upload is read and thrown away for a moment, so that no reset eats it."""
    for status, headers in ((401, {}), (413, OPEN)):
        with Caller(locked.port) as caller:
            head = post(PATH, {}, headers).replace(b"content-length: 2", b"transfer-encoding: chunked")
            caller.send(head.removesuffix(b"{}"))
            with contextlib.suppress(ConnectionError):
                for _ in range(40):
                    caller.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            caller.read_answer()
            assert (caller.status, caller.whole) == (status, True)
            caller.read_until(lambda raw: False)
            assert caller.ended, "the connection is not used again: where the next request begins is not known"


def test_thousands_who_connect_and_leave_cost_nothing(stand: Stand) -> None:
    before = Rest.of(stand)
    good = 0
    for number in range(CONNECTS):
        with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as sock:
            if number % 3 == 0:
                sock.sendall(b"G" * (number % 7))
        if number % (CONNECTS // 10) == 0:
            good += stand.post(PATH, CHAT).status == 200
    print(f"\n{CONNECTS} connections without a request, {good} calls between them")
    assert good == 10
    before.comes_back(stand)


def test_who_asks_for_everything_and_reads_nothing_holds_up_nobody(stand: Stand) -> None:
    for _ in range(60):
        assert stand.post(PATH, CHAT).status == 200
    stand.confirmed(60)
    before = Rest.of(stand)
    with contextlib.ExitStack() as stack:
        for path in ("/metrics", "/api/v1/requests?limit=1000", "/ui") * 7:
            caller = stack.enter_context(Caller(stand.port, receive_bytes=2048))
            caller.send(f"GET {path} HTTP/1.1\r\nhost: router\r\n\r\n".encode() * 4)
        assert {stand.post(PATH, CHAT).status for _ in range(10)} == {200}
        assert stand.control("/metrics").status == 200
    before.comes_back(stand)


def test_calls_that_fail_or_are_left_leave_no_memory_behind(stand: Stand) -> None:
    """The same number again must not cost again what the first ones did."""
    before, grown = Rest.of(stand), []
    scenes = ("status=500", "cut_after=2; chunks=9", "ttft_ms=60000", "status=400", "chunks=2000; chunk_ms=10")
    seen: Counter[int] = Counter()
    for _ in range(3):
        for number in range(ABORTS // 2):
            with Caller(stand.port) as caller:
                scene = scenes[number % len(scenes)]
                caller.send(post(PATH, {**CHAT, "stream": number % 2 == 0, "padding": "x" * 20_000}, {"x-sim": scene}))
                if "ttft" in scene or "2000" in scene:
                    caller.linger(0.002)
                    caller.leave("rst" if number % 2 else "fin")
                else:
                    caller.read_answer()
                    seen[caller.status] += 1
        before.comes_back(stand)
        grown.append(resident_bytes(worker(stand)))
    megabytes = [round(each / 1e6, 1) for each in grown]
    print(f"\n{ABORTS // 2 * 3} calls that failed or were left: the worker holds {megabytes} MB after each third")
    assert grown[2] - grown[1] < max(2_000_000, 0.05 * grown[1])
    assert "Traceback" not in said(stand)
