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


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=20))
def test_whole_lines_can_be_had_at_once_and_masked(sizes: list[int]) -> None:
    text = f"Authorization: Bearer {KEY}\n{FILLER}api_key={KEY}\n{FILLER}"
    redactor, said, at = StreamRedactor(), "", 0
    for size in sizes:
        said += redactor.feed(text[at : at + size]) + redactor.lines()
        at += size
        assert said.count("\n") == text[:at].count("\n")
    assert said + redactor.feed(text[at:]) + redactor.end() == redact_sensitive(text)
    assert redactor.masked == {"header": 1, "token": 1}


def test_a_private_key_that_has_begun_is_held_to_its_end() -> None:
    redactor = StreamRedactor()
    said = redactor.feed("before\n-----BEGIN PRIVATE KEY-----\n" + credential("{B64}", 1) + "\n") + redactor.lines()
    assert said == "before\n"
    said += redactor.feed(credential("{B64}", 2) + "\n-----END PRIVATE KEY-----\nafter\n") + redactor.lines()
    assert said == "before\n[redacted:private-key]\nafter\n"


def test_the_second_half_of_a_broken_key_is_masked_after_the_first_went_out() -> None:
    redactor = StreamRedactor()
    said = redactor.feed(f"key {KEY[:60]}\n") + redactor.lines()
    said += redactor.feed(f"{KEY[60:]}\nafter\n") + redactor.lines()
    assert said == "key [redacted:anthropic]\nafter\n" or KEY[60:76] not in said
