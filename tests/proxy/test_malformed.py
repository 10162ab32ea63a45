"""No malformed or ambiguous request is served, and none hides a second one, also behind other proxies.

With `DD0C_DOOR` (`make door`) far more mutated pairs go through each front.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.proxy.fronts import front, program
from tests.proxy.malformed import BODY, CASES, CHUNKED, CHUNKS, HARMLESS, LENGTH, SECOND, post
from tests.proxy.recorder import Recorder
from tests.stand import DEADLINE_S, Stand

MUTATED = 50_000 if "DD0C_DOOR" in os.environ else 150
SILENCE_S = 0.15  # a mutated request may wait for bytes that never come
PROVIDERS = """
[limits]
body_s = 0.5

[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
"""
REFUSALS = {400, 404, 405, 408, 413, 426, 431}
REFUSED_WHOLE = "body in "
"""Well-formed requests with a body that cannot be read: their connection stays, and the next request is one."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r]*\r\n)*?\r\n")
_MODEL = re.compile(rb"x-dd0c-requested-model: (\w+)", re.IGNORECASE)


class House(NamedTuple):
    """A router and the provider behind it, which keeps what it is sent."""

    stand: Stand
    provider: Recorder


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Recorder() as provider:
        config = PROVIDERS.replace("{port}", str(provider.port))
        with Stand(tmp_path_factory.mktemp("door"), providers=config) as stand:
            yield House(stand, provider)


def said(port: int, data: bytes, silence_s: float = DEADLINE_S) -> tuple[bytes, bool]:
    """What is answered to *data*, and whether the connection ended then."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), timeout=silence_s) as sock:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
            sock.sendall(data)
        try:
            while piece := sock.recv(65536):
                out += piece
        except TimeoutError:
            return out, False
        except ConnectionResetError:
            pass
    return out, True


def answers(raw: bytes) -> list[tuple[int, str]]:
    """Status and the model that was asked for, of each answer."""
    heads = list(_STATUS.finditer(raw))
    found = [_MODEL.search(head[0]) for head in heads]
    return [(int(head[1]), model[1].decode() if model else "") for head, model in zip(heads, found, strict=True)]


def models_sent(provider: Recorder, since: int) -> list[str]:
    return [json.loads(request.body)["model"] for request in provider.requests[since:]]


def test_the_corpus_is_one_of_different_requests() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len({case.data for case in CASES}) == len(CASES)
    assert {case.name for case in CASES} >= HARMLESS.keys()


def test_no_malformed_request_is_served_and_nothing_behind_it_is_read(house: House) -> None:
    statuses: Counter[int] = Counter()
    wrong = []
    for case in CASES:
        before = len(house.provider.requests)
        raw, ended = said(house.stand.port, case.data + SECOND)
        found, sent = answers(raw), models_sent(house.provider, before)
        if case.name in HARMLESS:
            fine = sent[:1] == ["first"] and len(sent) <= 2
        elif case.name.startswith(REFUSED_WHOLE):
            fine = sent == ["second"] and found[0][0] == 400
        else:
            fine = not sent and len(found) == 1 and found[0][0] in REFUSALS and _explains(raw)
        statuses.update(status for status, _ in found[:1])
        if not (fine and ended):
            wrong.append((case.name, found, sent, ended))
    print(f"\n{len(CASES)} requests, {len(HARMLESS)} of them harmless; answers: {dict(statuses)}; wrong: {len(wrong)}")
    assert not wrong


def _explains(raw: bytes) -> bool:
    """Whether an answer is an error in JSON, with a sentence."""
    body = raw.rpartition(b"\r\n\r\n")[2]
    if not body:  # to HEAD
        return b" 405 " in raw[:20]
    error = json.loads(body)
    return len(error.get("error", error)["message"]) > 10


def test_a_flawless_request_is_served(house: House) -> None:
    before = len(house.provider.requests)
    raw, _ = said(house.stand.port, post(b"Content-Length: %d\r\n" % len(BODY)) + SECOND)
    assert answers(raw) == [(200, "first"), (200, "second")]
    assert models_sent(house.provider, before) == ["first", "second"]


# --- behind others ------------------------------------------------------------------------------------------------

FRONTS = [
    pytest.param(name, marks=pytest.mark.skipif(program(name) is None, reason=f"{name} is not installed"))
    for name in ("nginx", "haproxy")
]


@pytest.mark.parametrize("name", FRONTS)
def test_behind_another_proxy_no_request_hides_in_another(house: House, name: str, tmp_path: Path) -> None:
    draw, torn, reached = random.Random(name), [], 0
    pairs = [(case.name, case.data + SECOND) for case in CASES]
    pairs += [(f"mutated {number}", mutated(draw)) for number in range(MUTATED)]
    with front(name, house.stand.port, tmp_path) as port:
        for what, data in pairs:
            before = len(house.provider.requests)
            raw, _ = said(port, data, SILENCE_S)
            sent, found = models_sent(house.provider, before), answers(raw)
            reached += len(sent)
            probe, _ = said(port, PROBE)
            after = models_sent(house.provider, before + len(sent))
            hidden = len(sent) > len(found) or [model for status, model in found if status == 200] != sent
            if hidden or answers(probe) != [(200, "probed")] or after != ["probed"]:
                torn.append((what, data[:2000], found, sent, answers(probe), after))
    tried = f"{len(CASES)} requests and {MUTATED} mutated ones, each before another"
    print(f"\n{name}: {tried}: {reached} served; torn: {len(torn)}")
    assert not torn


PROBE = SECOND.replace(b"second", b"probed")
_PIECES = (
    b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b"\xff", b"0", b"1", b"\x0b", b",", b";", b"_", b"chunked",
    b"identity", b"gzip, ", b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: x\r\n", b"0\r\n\r\n", b"Connection: close\r\n", b"Connection: content-length\r\n",
    b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Host: b\r\n", b"1.0",
)  # fmt: skip


def mutated(draw: random.Random) -> bytes:
    """A request before another, damaged in a few places of its head or of its framing."""
    chunked = draw.random() < 0.5
    first = post(CHUNKED, CHUNKS) if chunked else post(LENGTH)
    out = bytearray(first)
    end = len(first) if chunked and draw.random() < 0.5 else first.index(b"\r\n\r\n") + 4
    for _ in range(draw.randint(1, 3)):
        at, piece = draw.randrange(end), draw.choice(_PIECES)
        match draw.randrange(4):
            case 0 | 1:
                out[at:at] = piece
            case 2:
                out[at : at + len(piece)] = piece
            case _:
                del out[at : at + draw.randint(1, 9)]
    return bytes(out) + SECOND
