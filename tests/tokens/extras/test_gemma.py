from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.extras import load_content, vocabularies
from dd0c_route.tokens.extras.formats import Pieces, pieces_of_gguf
from dd0c_route.tokens.extras.gemma import GemmaCounter
from tests.tokens.extras.installed import counter_or_skip

# Merges in this order; `\u2581` is a space. `é` and `人` are characters of two and three bytes.
MERGED = ["ab", "\u2581a", "bc", "</", "\u2581</", ">\u2581</", "é人", *"abc<>/é人", "\u2581"]
WHOLE = [
    "<b>",
    "</b>",
    *("\n" * n for n in range(1, 32)),
    *("\u2581" * n for n in range(2, 32)),
    *("\t" * n for n in range(1, 32)),
]
COUNTER = GemmaCounter(Pieces(MERGED, WHOLE))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("ab", 1),
        ("abc", 2),  # ab c: the better piece first
        (" ab", 2),  # ▁ ab, for the same reason
        (" ac", 2),
        ("é人", 1),  # characters are put together before they merge
        ("x", 1),  # not in the vocabulary: a token for each byte
        ("語", 3),
        ("é語人", 5),
        ("\u8a9e\u8a9e", 6),
        ("\n" * 33, 2),  # whole pieces, the longest first
        ("   a", 2),
        ("<b>a</b>", 3),
        ("<c>", 3),
        ("> </", 1),  # the one piece with a space inside
        ("> </b>", 3),
        ("\u2581a", 1),  # the letter that stands for a space is one
        ("\0", 1),
    ],
)
def test_pieces(text: str, tokens: int) -> None:
    assert COUNTER.count(text) == (tokens, 0)


def reference(text: str) -> int:
    """SentencePiece's rule as written: whole pieces are taken out, then the best pair merges until none is left."""
    text = text.replace(" ", "\u2581")
    order = {piece: rank for rank, piece in enumerate(MERGED)}
    symbols: list[str] = []
    fixed: set[int] = set()
    at = 0
    while at < len(text):
        whole = max((piece for piece in WHOLE if text.startswith(piece, at)), key=len, default="")
        if whole:
            fixed.add(len(symbols))
        symbols.append(whole or text[at])
        at += len(symbols[-1])
    parts = [(symbol, place in fixed) for place, symbol in enumerate(symbols)]
    while True:
        pairs = [
            (order[parts[i][0] + parts[i + 1][0]], i)
            for i in range(len(parts) - 1)
            if not parts[i][1] and not parts[i + 1][1] and parts[i][0] + parts[i + 1][0] in order
        ]
        if not pairs:
            break
        _, i = min(pairs)
        parts[i : i + 2] = [(parts[i][0] + parts[i + 1][0], False)]
    return sum(1 if whole or part in order else len(part.encode()) for part, whole in parts)


@given(
    st.lists(st.sampled_from([*"abc<>/é人x語\t", " ", "\n", "  ", "<b>", "</b>", "> </", "🔥"]), max_size=40).map(
        "".join
    )
)
def test_counts_are_those_of_the_rule(text: str) -> None:
    assert COUNTER.count(text) == (reference(text), 0)


def test_gemma_has_the_pieces_that_the_split_relies_on() -> None:
    counter_or_skip("gemma_3")
    content = load_content(vocabularies()["gemma_3"])
    assert content
    pieces = pieces_of_gguf(content)
    assert len(pieces.merged) == 255_474
    assert [piece for piece in pieces.merged if "\u2581" in piece[1:]] == [">\u2581</"]
    assert not [piece for piece in pieces.merged if set(piece) & set("\n\t\0")]
    runs = {piece for piece in pieces.whole if not piece.strip()}
    assert runs == {char * n for char in "\n\t" for n in range(1, 32)} | {" " * n for n in range(2, 32)}
