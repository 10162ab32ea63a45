"""Stored bodies: off by default, without secrets on the disk, bounded, and never in the way of a call."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from dd0c_route.proxy import bodies
from dd0c_route.proxy.bodies import BodyWriter, Copy, Over, cleaned
from dd0c_route.wire.meter import meter_for
from tests.proxy.examples import call as make_call
from tests.redact.synthetic import credential

KEY = credential("sk-ant-api03-{W93}AA", 31)
EVENTS = b"text/event-stream"


def over(request: bytes, pieces: list[bytes], cap: int = 1 << 16) -> Over:
    call = make_call(body=request, stream=True)
    copy = Copy(call.body, cap)
    copy.answered([(b"content-type", EVENTS)], None)
    meter = meter_for("openai.chat", EVENTS.decode(), "")
    for piece in pieces:
        copy.piece(piece)
        meter.feed(piece)
    meter.end()
    return Over(call, copy, meter, None)


def event(text: str) -> bytes:
    return b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode()


@pytest.mark.parametrize("width", [1, 3, 20])
def test_a_key_that_comes_in_pieces_is_not_kept_in_pieces(width: int, tmp_path: Path) -> None:
    said = f"this one: {KEY}, keep it"
    pieces = [event(said[at : at + width]) for at in range(0, len(said), width)]
    kept = bodies.bodies_of(over(b'{"messages":[{"role":"user","content":"%b"}]}' % KEY.encode(), pieces))
    assert kept.request.text is not None
    assert kept.answer.text is not None
    assert KEY[20:60] not in kept.request.text + kept.answer.text
    assert json.loads(kept.answer.text)["text"] == "this one: [redacted:anthropic], keep it"
    assert kept.answer.form == "output"


@pytest.mark.parametrize("into", range(0, len(KEY) + 2, 7))
def test_no_half_of_a_key_is_kept_where_a_body_is_cut(into: int) -> None:
    cap = 5000
    whole = ("a " * cap)[: cap - into - 1] + " " + KEY + " b" * 20_000
    body = cleaned(whole.encode()[: cap + bodies.SEEN_BEYOND], len(whole), cap)
    assert body.cut
    assert body.bytes == len(whole)
    assert body.text is not None
    assert len(body.text) <= cap
    assert KEY[:24] not in body.text


def test_what_is_no_text_is_left_out() -> None:
    assert cleaned(b"\x1f\x8b\x00\xff", 4, 100).left_out == "it is no text"


def test_a_full_line_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_WAITING", 0)
    writer = BodyWriter(tmp_path / "x.bodies")
    writer.keep(over(b"{}", []))
    writer.close()
    assert writer.dropped == 1


def test_what_the_disk_refuses_is_dropped_and_counted(tmp_path: Path) -> None:
    writer = BodyWriter(tmp_path / "missing" / "x.bodies")
    writer.keep(over(b"{}", []))
    writer.close()
    assert writer.dropped == 1


def test_the_file_is_the_operators_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.bodies"
    writer = BodyWriter(path)
    writer.keep(over(b'{"a":1}', [event("hello")]))
    writer.close()
    assert writer.dropped == 0
    modes = {name: stat.S_IMODE(os.stat(tmp_path / name).st_mode) for name in os.listdir(tmp_path)}
    assert set(modes.values()) == {0o600}, modes
