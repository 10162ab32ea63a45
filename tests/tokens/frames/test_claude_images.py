from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.frames.claude_images import patches
from tests.tokens.frames.claude_counts import ASK, OPUS_5, SONNET, count


def image(width: int, height: int) -> dict[str, Any]:
    data = f'__OMITTED__{{"w": {width}, "h": {height}}}'
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def with_image(block: dict[str, Any], model: str = SONNET) -> int:
    text = {"type": "text", "text": "hi"}
    body = {"messages": [{"role": "user", "content": [text, block]}]}
    return count(body, model).tokens - count({"messages": [ASK]}, model).tokens


@pytest.mark.parametrize(("width", "height", "tokens"), [(1, 1, 1), (28, 28, 1), (29, 28, 2), (800, 440, 29 * 16)])
def test_an_image_is_counted_in_patches_of_28_pixels(width: int, height: int, tokens: int) -> None:
    assert with_image(image(width, height)) == tokens + 3


def test_a_large_image_is_made_smaller_before_4_7() -> None:
    assert patches(3136, 28, shrinks=True) == 56
    assert patches(1191, 1128, shrinks=True) == 41 * 38
    assert patches(1800, 1200, shrinks=False) == 65 * 43
    assert with_image(image(3136, 28), OPUS_5) == 112 + 3


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_image_has_more_patches_than_the_bound(width: int, height: int) -> None:
    assert 1 <= patches(width, height, shrinks=True) <= min(1568, patches(width, height, shrinks=False))


def test_an_image_of_unknown_size_is_a_guess() -> None:
    address = {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}
    counted = count({"messages": [{"role": "user", "content": [address]}]})
    assert counted.band[1] - counted.band[0] > 4_000
