"""An Answer and a Scene become a Plan: the exact writes, their times, and how it ends. Pure, so it can be kept."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Literal

from msgspec import Struct

from dd0c_route.upstream.simulator.answer import Answer, Piece
from dd0c_route.upstream.simulator.encoding import encoded
from dd0c_route.upstream.simulator.script import PLAIN, Scene

JOINED_BYTES = 64 * 1024  # pieces without a wait between them go out together, up to about this much
_INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n"
_JUNK = b"\x16\x03\x01 this is not HTTP\r\n\r\n"

Ending = Literal["done", "fin", "rst", "stall"]
Framing = Literal["length", "chunked", "eof"]


class Write(Struct, frozen=True, gc=False):
    """Bytes that go to the socket at once; *frames* are the lengths of body in them, in order."""

    wire: bytes
    frames: tuple[int, ...]


class Plan(Struct, frozen=True):
    """What happens on the wire.

    Attributes:
        head: The head's first lines; connection and call number are added when it is sent. Empty: no head.
        yields: Let others run between writes although there is no wait (the cuts shall be real).
        total: Pieces, characters and tokens that stand wholly in *body_bytes*.
    """

    answer: Answer
    head: bytes
    writes: tuple[Write, ...]
    ending: Ending
    framing: Framing
    body_bytes: int
    total: tuple[int, int, int]
    ttft_s: float = 0.0
    head_s: float | None = None
    chunk_s: float = 0.0
    yields: bool = False
    cut_head: int | None = None
    cut_how: Literal["fin", "rst"] = "fin"
    stale: Literal["", "1", "next"] = ""

    @property
    def immediate(self) -> bool:
        """One write, a proper end, nothing to wait for."""
        waits = self.ttft_s or self.yields or self.head_s is not None or self.cut_head is not None
        return self.ending == "done" and len(self.writes) == 1 and not waits


def plan(answer: Answer, scene: Scene) -> Plan:
    """Lay out *answer* as *scene* wants it."""
    if scene is PLAIN and len(answer.pieces) == 1:
        return _whole(answer)
    if scene.encoding:
        answer = encoded(answer, scene.encoding)
    pieces, ending = _staged(answer, scene)
    framing = scene.framing or ("chunked" if answer.streams else "length")
    datas: Iterable[bytes] = (piece.data for piece in pieces if piece.data)
    if scene.write_bytes:
        datas = _recut(b"".join(datas), scene.write_bytes, scene.write_seed)
    frames = list(datas)
    body_bytes = sum(map(len, frames))
    apart = bool(scene.chunk_ms or scene.write_bytes)
    writes = [_write(group, framing) for group in ([[f] for f in frames] if apart else _joined(frames))]
    tail = b"0\r\n\r\n" if ending == "done" and framing == "chunked" else b""
    tail += b"#" * scene.extra if ending == "done" else b""
    if not writes:
        writes = [Write(tail, ())]
    elif tail:
        writes[-1] = Write(writes[-1].wire + tail, writes[-1].frames)
    if scene.junk:
        writes, ending = [Write(_JUNK, ())], "fin"
    return Plan(
        answer=answer,
        head=b"" if scene.junk else _head(answer, scene, framing),
        writes=tuple(writes),
        ending=ending,
        framing=framing,
        body_bytes=0 if scene.junk else body_bytes,
        total=answer.through(0 if scene.junk else body_bytes),
        ttft_s=scene.ttft_ms / 1000,
        head_s=None if scene.head_ms is None else scene.head_ms / 1000,
        chunk_s=scene.chunk_ms / 1000,
        yields=bool(scene.write_bytes) and not scene.chunk_ms,
        cut_head=scene.cut_head,
        cut_how=scene.cut_how,
        stale=scene.stale,
    )


def _whole(answer: Answer) -> Plan:
    """The short way to the usual case: one JSON body, nothing special (a third of the time that `plan` takes)."""
    piece = answer.pieces[0]
    size = len(piece.data)
    total = (1, piece.chars, piece.tokens)
    head = _head(answer, PLAIN, "length")
    return Plan(answer, head, (Write(piece.data, (size,)),), "done", "length", size, total)


def payload(write: Write, framing: Framing, sent: int) -> int:
    """Body bytes in the first *sent* bytes of *write*."""
    body = 0
    for size in write.frames:
        opening = len(b"%x\r\n" % size) if framing == "chunked" else 0
        body += max(0, min(size, sent - opening))
        sent -= opening + size + (2 if framing == "chunked" else 0)
    return body


def _staged(answer: Answer, scene: Scene) -> tuple[list[Piece], Ending]:
    """The pieces that are played, and what follows them."""
    pieces = list(answer.pieces)
    ending: Ending = "done"
    if answer.streams and scene.error_after is not None and scene.error_after < len(pieces):
        pieces = [*pieces[: scene.error_after], Piece(answer.broken)]
    if scene.stall_after is not None and scene.stall_after <= len(pieces):
        pieces, ending = pieces[: scene.stall_after], "stall"
    if scene.cut_after is not None and scene.cut_after <= len(pieces):
        pieces, ending = pieces[: scene.cut_after], scene.cut_how
    if scene.cut_bytes is not None and scene.cut_bytes <= sum(len(piece.data) for piece in pieces):
        ending = scene.cut_how
        left = scene.cut_bytes
        kept = []
        for piece in pieces:
            kept.append(Piece(piece.data[:left]))
            left -= len(kept[-1].data)
        pieces = kept
    return pieces, ending


def _recut(body: bytes, size: int, seed: int | None) -> Iterator[bytes]:
    sizes = random.Random(seed)  # noqa: S311 - cuts, not keys: they have to be the same for the same seed
    at = 0
    while at < len(body):
        step = size if seed is None else sizes.randint(1, 2 * size)
        yield body[at : at + step]
        at += step


def _joined(frames: list[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for frame in frames:
        group.append(frame)
        size += len(frame)
        if size >= JOINED_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _write(frames: list[bytes], framing: Framing) -> Write:
    if framing == "chunked":
        wire = b"".join([b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames])
    else:
        wire = b"".join(frames)
    return Write(wire, tuple(map(len, frames)))


def _head(answer: Answer, scene: Scene, framing: Framing) -> bytes:
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Simulated"
    lines = [
        f"HTTP/1.1 {answer.status} {reason}".encode(),
        b"server: dd0c-route-simulator",
        b"content-type: " + answer.content_type,
    ]
    if framing == "chunked":
        lines.append(b"transfer-encoding: chunked")
    elif framing == "length":
        lines.append(b"content-length: %d" % sum(len(piece.data) for piece in answer.pieces))
    if answer.streams:
        lines.append(b"cache-control: no-cache")
    if scene.retry_after is not None:
        lines.append(b"retry-after: " + scene.retry_after.encode("latin-1", "replace"))
    if answer.recording is not None:
        lines.append(b"x-sim-recording: " + answer.recording.encode())
    lines += [name + b": " + value for name, value in answer.headers]
    lines += [line.strip().encode("latin-1", "replace") for line in scene.header.splitlines() if ":" in line]
    return _INTERIM * scene.interim + b"\r\n".join(lines) + b"\r\n"
