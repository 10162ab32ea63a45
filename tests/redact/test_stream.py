from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.redact import StreamRedactor, redact_sensitive, registered
from dd0c_route.redact.stream import OVERLAP_CHARS
from dd0c_route.types import Secret
from tests.redact.synthetic import credential

KEY = credential("sk-ant-api03-{W93}AA", 1)
FILLER = "GET /v1/models 502 upstream_cut after 20 of 31 events\n"
LONG = FILLER * 400
KNOWN = "quite ordinary words, but a password"


def in_pieces(text: str, sizes: list[int]) -> str:
    redactor, said, at = StreamRedactor(), [], 0
    for size in sizes:
        said.append(redactor.feed(text[at : at + size]))
        at += size
    return "".join([*said, redactor.feed(text[at:]), redactor.end()])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9000)), st.integers(0, 3 * OVERLAP_CHARS))
def test_where_the_text_is_cut_does_not_matter(sizes: list[int], place: int) -> None:
    text = f"{LONG[:place]} {KEY} {LONG[place:]}"
    assert in_pieces(text, sizes) == redact_sensitive(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=800))
def test_a_key_cut_into_small_pieces_is_masked(sizes: list[int]) -> None:
    text = f"Authorization: Bearer {KEY}\n{FILLER * 30}api_key={KEY}\n"
    assert in_pieces(text, sizes) == redact_sensitive(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9000)), st.integers(0, 3 * OVERLAP_CHARS))
def test_a_known_secret_is_masked_wherever_it_is_cut(sizes: list[int], place: int) -> None:
    with registered(Secret(KNOWN)):
        clean = in_pieces(LONG[:place] + KNOWN + LONG[place:], sizes)
    assert clean == LONG[:place] + "[redacted:known]" + LONG[place:]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9000)))
def test_a_private_key_longer_than_the_overlap_is_masked_whole(sizes: list[int]) -> None:
    body = "\n".join(credential("{B64}", seed) for seed in range(200))
    text = f"{FILLER}-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n{FILLER}"
    assert in_pieces(text, sizes) == f"{FILLER}[redacted:private-key]\n{FILLER}"


def test_what_is_held_is_bounded() -> None:
    redactor = StreamRedactor()
    for _ in range(50):
        redactor.feed(LONG)
        assert len(redactor._text) <= len(LONG) + 3 * OVERLAP_CHARS
