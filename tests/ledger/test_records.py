from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.ledger.records import DELIVER, INTENT, SETTLE, frame_into, scan
from dd0c_route.types import Delivery
from tests.ledger.examples import an_entry, an_intent


def framed(kind: bytes, value: object) -> bytes:
    frame = bytearray()
    frame_into(frame, kind, value)  # type: ignore[arg-type]  # anything JSON
    return bytes(frame)


ENTRY = an_entry()
PARTS = [framed(INTENT, an_intent(ENTRY.id)), framed(SETTLE, ENTRY), framed(DELIVER, Delivery(ENTRY.id))]
DATA = b"".join(PARTS)


@pytest.mark.parametrize("cut", range(len(DATA) + 1))
def test_records_do_not_depend_on_where_the_file_ends_for_now(cut: int) -> None:
    first = scan(DATA[:cut], complete=False)
    assert first.skipped == 0
    assert first.end + first.wanted > cut or first.end == cut
    rest = scan(DATA[first.end :], complete=True)
    assert [record.kind for record in first.records + rest.records] == [INTENT, SETTLE, DELIVER]


@pytest.mark.parametrize("cut", range(len(DATA)))
def test_a_torn_tail_costs_only_the_record_that_it_cut(cut: int) -> None:
    found = scan(DATA[:cut], complete=True)
    whole = [i for i in range(3) if sum(map(len, PARTS[: i + 1])) <= cut]
    assert len(found.records) == len(whole)
    assert found.end == cut
    assert found.skipped == cut - sum(len(PARTS[i]) for i in whole)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_damaged_byte_costs_only_its_own_record(position: int, flip: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= flip
    found = scan(bytes(damaged), complete=True)
    assert len(found.records) == 2
    assert found.end == len(DATA)
    assert found.skipped in [len(part) for part in PARTS]


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_stumble(noise: bytes) -> None:
    assert scan(noise + DATA, complete=True).end == len(noise) + len(DATA)
    assert scan(noise, complete=False).end == 0


def test_a_file_full_of_zeros_is_passed_over_at_once() -> None:
    zeros = bytes(4 << 20)
    assert scan(zeros, complete=True).skipped == len(zeros)
    assert scan(random.Random(1).randbytes(1 << 20), complete=True).skipped == 1 << 20
