from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.upstream.simulator.answer import Answer, Piece
from dd0c_route.upstream.simulator.plan import Framing, payload, plan
from dd0c_route.upstream.simulator.script import Scene

PIECES = st.lists(
    st.builds(Piece, st.binary(min_size=1, max_size=40), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=12
)
FRAMINGS = st.sampled_from(["length", "chunked", "eof"])


@given(PIECES, FRAMINGS, st.integers(1, 50), st.integers(0, 99))
def test_the_writes_carry_the_whole_body_whatever_the_cuts(
    pieces: list[Piece], framing: Framing, write_bytes: int, seed: int
) -> None:
    answer = Answer(200, b"text/plain", tuple(pieces), streams=True)
    laid = plan(answer, Scene(framing=framing, write_bytes=write_bytes, write_seed=seed))
    body = b"".join(piece.data for piece in pieces)
    wire = b"".join(write.wire for write in laid.writes)
    assert (_dechunked(wire) if framing == "chunked" else wire) == body
    assert sum(sum(write.frames) for write in laid.writes) == laid.body_bytes == len(body)
    assert laid.total == (len(pieces), sum(p.chars for p in pieces), sum(p.tokens for p in pieces))


@given(PIECES, FRAMINGS, st.booleans())
def test_the_body_in_a_part_of_a_write_is_counted_to_the_byte(
    pieces: list[Piece], framing: Framing, apart: bool
) -> None:
    answer = Answer(200, b"text/plain", tuple(pieces), streams=True)
    for write in plan(answer, Scene(framing=framing, chunk_ms=1.0 if apart else 0.0)).writes:
        counts = [payload(write, framing, sent) for sent in range(len(write.wire) + 1)]
        assert counts[0] == 0
        assert counts[-1] == sum(write.frames)
        assert all(0 <= after - before <= 1 for before, after in pairwise(counts))


@given(PIECES, st.integers(0, 600))
def test_a_piece_counts_when_all_of_it_is_out(pieces: list[Piece], sent: int) -> None:
    answer = Answer(200, b"text/plain", tuple(pieces))
    whole, chars, tokens = answer.through(sent)
    assert sum(len(p.data) for p in pieces[:whole]) <= sent
    assert whole == len(pieces) or sum(len(p.data) for p in pieces[: whole + 1]) > sent
    assert (chars, tokens) == (sum(p.chars for p in pieces[:whole]), sum(p.tokens for p in pieces[:whole]))


def _dechunked(wire: bytes) -> bytes:
    body = b""
    while True:
        size, _, rest = wire.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            assert rest == b"\r\n"
            return body
        assert rest[length : length + 2] == b"\r\n"
        body, wire = body + rest[:length], rest[length + 2 :]
