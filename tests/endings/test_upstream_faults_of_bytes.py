"""Answers that are odd in their bytes: passed on unchanged, read as far as can be, and never held without bound."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import brotli  # type: ignore[import-untyped]  # it ships no types
import pytest
import zstandard

from tests.endings.caller import Caller
from tests.endings.failing_wires import Faulty, faulty_stand
from tests.endings.faultd import Flood, Pause, Play
from tests.endings.forms import CHAT, CHAT_JSON, CHAT_STREAM, FORMS, KEY, MESSAGES, Form
from tests.endings.rest import resident_bytes, worker
from tests.endings.written import chunk, head, sized

MEGABYTES = int(os.environ.get("DD0C_FAULTS_MB", "100"))  # of an answer without end
GIGABYTES = max(1, MEGABYTES // 100)  # that a bomb decodes to
MOST_GROWTH = 48 << 20  # mostly what any first long answer makes the allocator keep
OVER_CHAT = next(form for form in FORMS if form.translated and form.stream and form.answers is CHAT)
LAST = CHAT.events[-3:]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
        running.is_as_before()


def _opened(form: Form) -> bytes:
    return head(form, b"transfer-encoding: chunked")


ODD_STREAMS = {
    "lines that end with CR LF": b"".join(CHAT.events).replace(b"\n", b"\r\n"),
    "lines that end with CR": b"".join(CHAT.events).replace(b"\n", b"\r"),
    "ends of lines in turn": b"".join(
        event.replace(b"\n", (b"\n", b"\r\n", b"\r")[n % 3]) for n, event in enumerate(CHAT.events)
    ),
    "a byte order mark": b"\xef\xbb\xbf" + b"".join(CHAT.events),
    "comments between": b": wait\n\n".join(CHAT.events),
    "unknown fields and events": b"id: 1\nretry: 5\nfoo: bar\nevent: new\ndata: {}\n\n" + b"".join(CHAT.events),
    "no blank line at its end": b"".join(CHAT.events).rstrip(b"\n"),
    "no space behind the colon": b"".join(CHAT.events).replace(b"data: ", b"data:"),
    "an event that is not JSON": b"data: {never\n\n" + b"".join(CHAT.events),
    "an event of other JSON": b"data: [1, null, \"x\"]\n\ndata: 7\n\n" + b"".join(CHAT.events),
    "NUL and control characters": b"data: \0\x01\x7f\n\n" + b"".join(CHAT.events),
    "bytes that are not UTF-8": b"data: \xff\xfe\xc0\x80\xed\xa0\x80\n\n" + b"".join(CHAT.events),
    "half a surrogate pair": b'data: {"choices":[{"delta":{"content":"\\ud83c"}}]}\n\n' + b"".join(CHAT.events),
    "a line of 3 MB": b": " + b"x" * (3 << 20) + b"\n\n" + b"".join(CHAT.events),
    "an event of 3 MB": b'data: {"junk":"' + b"x" * (3 << 20) + b'"}\n\n' + b"".join(CHAT.events),
    "100,000 empty lines": b"\n" * 100_000 + b"".join(CHAT.events),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ODD_STREAMS))
def test_an_odd_stream_passes_unchanged_and_is_read_all_the_same(faulty: Faulty, name: str) -> None:
    body = ODD_STREAMS[name]
    caller, _ = faulty.ask(CHAT_STREAM, [[_opened(CHAT_STREAM), chunk(body), b"0\r\n\r\n"]])

    assert (caller.status, caller.whole) == (200, True), bytes(caller.raw[-300:])
    assert caller.body == body
    entry = faulty.entry(caller)
    assert (entry["end_state"], entry["usage_source"]) == ("complete", "provider_final")
    assert entry["usage"]["output"] == 14

    caller, _ = faulty.ask(OVER_CHAT, [[_opened(OVER_CHAT), chunk(body), b"0\r\n\r\n"]])
    assert caller.status in (200, 502)  # what cannot be translated is a fault of the provider's, told as one
    assert caller.whole is (MESSAGES.last in caller.body) or caller.status == 502


def test_characters_split_over_reads_arrive_byte_for_byte(faulty: Faulty) -> None:
    event = next(event for event in CHAT.events if not event.isascii())
    cuts = [n for n in range(1, len(event)) if event[n] & 0xC0 == 0x80]

    def ask(case: tuple[Form, int]) -> None:
        form, cut = case
        pieces = [b"".join(CHAT.events[:2]) + event[:cut], event[cut:] + b"".join(LAST)]
        play: Play = [
            head(form, b"transfer-encoding: chunked") + chunk(pieces[0]),
            Pause(0.01),
            chunk(pieces[1]),
            b"0\r\n\r\n",
        ]
        caller, _ = faulty.ask(form, [play])
        assert (caller.status, caller.whole) == (200, True)
        if not form.translated:
            assert caller.body == b"".join(pieces)
        caller.body.decode()  # whole characters alone

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, [(form, cut) for form in (CHAT_STREAM, OVER_CHAT) for cut in cuts]))


def _read_away(faulty: Faulty, form: Form, play: Play, most_bytes: int) -> tuple[Caller, int]:
    """A call whose answer is read and thrown away up to so many bytes; and by how much the worker grew meanwhile."""
    before = resident_bytes(worker(faulty.stand))
    name = f"flood-{id(play)}"
    faulty.faultd.play(name, play)
    with Caller(faulty.stand.port) as caller:
        caller.send(form.request(name))
        got, grown = 0, 0
        while got < most_bytes and not caller.ended:
            size = len(caller.raw)
            caller.read_until(lambda raw, size=size: len(raw) > size, 1 << 20)  # type: ignore[misc]
            got += len(caller.raw) - size
            if len(caller.raw) > 1 << 20:
                del caller.raw[1024:]
            elif caller.raw.endswith(b"0\r\n\r\n") or (got < 1 << 20 and caller.status >= 400):
                break
            grown = max(grown, resident_bytes(worker(faulty.stand)) - before)
    return caller, grown


@pytest.mark.parametrize("form", [CHAT_JSON, CHAT_STREAM], ids=lambda form: form.name)
def test_an_answer_without_end_is_not_held(faulty: Faulty, form: Form) -> None:
    piece = CHAT.events[1] * 500 if form.stream else b'{"a": 1},\n' * 10_000
    start = b"" if form.stream else chunk(b'{"choices": [')
    flood: Play = [
        head(form, b"transfer-encoding: chunked") + start,
        Flood(chunk(piece), (MEGABYTES << 20) // len(piece)),
    ]

    _, grown = _read_away(faulty, form, flood, (MEGABYTES - 1) << 20)

    print(f"\n{form.name}: {MEGABYTES} MB passed, and the worker grew by {grown / (1 << 20):.1f} MiB")
    assert grown < MOST_GROWTH


def test_an_error_without_end_is_an_error(faulty: Faulty) -> None:
    piece = chunk(b"x" * 100_000)
    play: Play = [head(CHAT_JSON, b"transfer-encoding: chunked", status=b"400 No"), Flood(piece, MEGABYTES * 10)]

    caller, grown = _read_away(faulty, CHAT_JSON, play, MEGABYTES << 20)

    assert caller.status == 502
    assert grown < MOST_GROWTH


def _bomb(coding: str, gigabytes: int) -> bytes:
    """Blanks: of 16 MB a whole stream of its own, again and again, which these codings allow."""
    blanks = b" " * (16 << 20)
    if coding == "gzip":
        return gzip.compress(blanks) * (gigabytes * 64)
    if coding == "br":
        return bytes(brotli.compress(blanks * gigabytes * 4, quality=1))
    return zstandard.ZstdCompressor().compress(blanks) * (gigabytes * 64)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_passes_as_it_came_or_is_an_error_and_does_not_go_off(faulty: Faulty, coding: str) -> None:
    bomb, header = _bomb(coding, GIGABYTES), b"content-encoding: " + coding.encode()
    translated = next(form for form in FORMS if form.translated and not form.stream)
    for form, status in [(CHAT_JSON, 502), (CHAT_STREAM, 200), (translated, 502), (CHAT_JSON, 400)]:
        said = b"400 No" if status == 400 else b"200 OK"
        play: Play = [sized(form, bomb, header, status=said)]
        caller, grown = _read_away(faulty, form, play, len(bomb))
        print(f"\n{coding}, {form.name}: {len(bomb)} bytes, the worker grew by {grown / (1 << 20):.1f} MiB")
        assert grown < MOST_GROWTH
        assert caller.status in (status, 502), (form.name, status)  # 400: where even the bomb is too long to hold
        if status == 200:
            assert KEY.encode() not in caller.raw
            caller, _ = faulty.ask(CHAT_JSON, [[sized(CHAT_JSON)]])
            assert caller.body == CHAT_JSON.body  # the worker is not busy with it
