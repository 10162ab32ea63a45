"""A provider's connection that ends behind any byte of its answer: never a clean end, and nothing that was not sent.

Each byte of short streams is cut once, by FIN or by RST; `make faults` cuts each of them in both ways.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import Struct

from tests.endings.caller import Caller
from tests.endings.failing_wires import Faulty, error_in, faulty_stand, tries_of
from tests.endings.faultd import Fin, Pause, Rst
from tests.endings.forms import FORMS, Form
from tests.endings.written import chunk, head, sized

ALL = os.environ.get("DD0C_FAULTS_ALL") == "1"
AT_ONCE = 12
STREAMS = [form for form in FORMS if form.stream]
WHOLE = [form for form in FORMS if not form.stream]
TOLD = (b"upstream_cut", b"connection was closed")  # by these the router's own word is known


class Cut(Struct, frozen=True):
    """One answer that ended behind *at* bytes: what was sent of its body, and what the client got."""

    at: int
    how: str
    sent: bytes
    caller: Caller


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
        running.is_as_before()


def _short(form: Form) -> list[bytes]:
    """The stream without its middle."""
    return [*form.pieces[:2], *form.pieces[-2:]]


def _cuts(faulty: Faulty, form: Form, pieces: Sequence[bytes], hows: Sequence[str]) -> list[Cut]:
    """The stream *pieces*, cut behind each byte, the head's and the chunks' own ones too."""
    opening = head(form, b"transfer-encoding: chunked")
    wire = opening + b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    sent = _bodies(len(opening), pieces)

    def cut(at: int, how: str) -> Cut:
        end = Rst() if how == "rst" else Fin()
        caller, _ = faulty.ask(form, [[wire[:at], Pause(0.002), end] if how == "rst" else [wire[:at], end]])
        return Cut(at, how, sent(at), caller)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cases = [(at, how) for at in range(len(wire)) for how in (hows if len(hows) > 1 else ())]
        cases = cases or [(at, "rst" if at % 2 else "fin") for at in range(len(wire))]
        return list(pool.map(lambda case: cut(*case), cases))


def _bodies(start: int, pieces: Sequence[bytes]):  # type: ignore[no-untyped-def]
    """How much of the body stands in so many bytes of the wire."""
    ends, body, at = [], b"".join(pieces), start
    done = 0
    for piece in pieces:
        at += len(b"%x\r\n" % len(piece))
        ends.append((at, done, len(piece)))
        at += len(piece) + 2
        done += len(piece)

    def sent(wire: int) -> bytes:
        so_far = 0
        for begins, before, size in ends:
            if wire > begins:
                so_far = before + min(size, wire - begins)
        return body[:so_far]

    return sent


def _check(faulty: Faulty, form: Form, cuts: Sequence[Cut], begins: int) -> None:
    ids = {cut.caller.id for cut in cuts}
    entries = {entry["id"]: entry for entry in faulty.stand.confirmed(ids) if entry["id"] in ids}
    assert len(entries) == len(cuts)
    for cut in cuts:
        caller, where = cut.caller, (form.name, cut.at, cut.how, bytes(cut.caller.raw[-200:]))
        entry = entries[caller.id]
        if caller.status == 502:  # a reset may overtake the head
            assert cut.at < begins or cut.how == "rst", where
            assert caller.whole, where
            assert error_in(caller, form), where
            assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut"), where
            continue
        assert (caller.status, caller.whole) == (200, False), where
        assert cut.at >= begins, where
        body, last = caller.body, form.asks.last
        if not form.translated and not cut.sent.startswith(body):
            assert any(told in body for told in TOLD), where
            body = body[: max(body.rfind(b"data: "), 0)].removesuffix(b"event: error\n")
        if not form.translated:
            assert cut.sent.startswith(body), where
        finished = form.answers.last in cut.sent and entry["end_state"] == "complete"
        if not finished:
            assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut"), where
            assert last not in caller.body or last in cut.sent, where
        assert entry["delivered_bytes"] == len(caller.body), where
        assert tries_of(entry), where


@pytest.mark.parametrize("form", STREAMS, ids=lambda form: form.name)
def test_a_stream_cut_behind_any_byte_never_ends_cleanly(faulty: Faulty, form: Form) -> None:
    pieces = _short(form)

    cuts = _cuts(faulty, form, pieces, ["fin", "rst"] if ALL else [])

    _check(faulty, form, cuts, len(head(form, b"transfer-encoding: chunked")))
    print(f"\n{form.name}: {len(cuts)} cuts, 0 clean ends")


@pytest.mark.parametrize("form", WHOLE, ids=lambda form: form.name)
def test_a_json_answer_cut_behind_any_byte_is_an_error(faulty: Faulty, form: Form) -> None:
    wire = sized(form)

    def cut(at: int) -> tuple[int, Caller]:
        return at, faulty.ask(form, [[wire[:at], Fin()]])[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for at, caller in pool.map(cut, range(0, len(wire), 1 if ALL else 3)):
            assert (caller.status, caller.whole) == (502, True), (at, caller.raw)
            assert error_in(caller, form), at
