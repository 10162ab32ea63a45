from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.features import features

any_text = st.text(st.characters(min_codepoint=1), min_size=1, max_size=300)  # lone surrogates included


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("the cat sat", "words", 2),
        ("camelCaseName", "humps", 2),
        ("a1 22 333", "digits", 6),
        ("x = (1, 2)", "punctuation", 4),
        ("a\n\n  b", "newlines", 2),
        ("naïve café", "accents", 2),
        ("привет", "cyrillic", 6),
        ("日本語", "cjk", 3),
        ("ひらがな", "kana_letters", 4),
        ("한국어", "hangul", 3),
        ("নমস্কার", "bengali", 7),
        ("👩‍💻🔥", "emoji", 3),
        ("👩‍💻🔥", "joiners", 1),
    ],
)
def test_a_feature_counts_what_its_name_says(text: str, name: str, count: int) -> None:
    assert features(text)[name] == count


def test_english_prose_is_told_from_other_text() -> None:
    assert features("the dog and the cat went to the end of the road")["english"] == 1
    assert features("der Hund und die Katze gingen zum Ende der Straße")["english"] == 0


@given(any_text)
def test_any_text_has_features_and_none_is_negative(text: str) -> None:
    assert min(features(text).values()) >= 0


@given(any_text)
def test_each_character_that_is_not_latin_belongs_to_one_script(text: str) -> None:
    found = features(text)
    assert found["not_latin"] == sum(ord(char) > 0xFF for char in text)
