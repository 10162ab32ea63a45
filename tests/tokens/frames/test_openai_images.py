from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.frames.openai_images import image_tokens
from dd0c_route.tokens.frames.reading import Unknown
from tests.tokens.frames.openai_requests import HI_TOKENS, chat, responses


def image(width: int, height: int) -> str:
    return f'data:image/png;base64,__OMITTED__{{"w": {width}, "h": {height}}}'


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("gpt-4o", 1, 1, 255),
        ("gpt-4o", 640, 480, 425),
        ("gpt-4.1", 1024, 1024, 765),
        ("gpt-4o", 3008, 2000, 1105),
        ("gpt-4-turbo", 4096, 8192, 1105),
        ("gpt-4o-mini", 640, 480, 2833 + 2 * 5667),
        ("gpt-5", 640, 480, 350),
        ("o1", 640, 480, 375),
        ("gpt-4.1-mini", 640, 480, 488),
        ("gpt-4.1-nano", 540, 360, 503),
        ("o4-mini", 640, 480, 517),
        ("gpt-5-mini", 640, 480, 361),
        ("gpt-5-nano", 640, 480, 451),
        ("gpt-5.4", 60, 30, 4),
        ("o4-mini", 1800, 2400, 2499),  # 1,452 patches, of OpenAI's own example
    ],
)
def test_an_image_costs_by_its_size(model: str, width: int, height: int, tokens: int) -> None:
    assert image_tokens(image(width, height), None, model)[0] == tokens


def test_tiles_are_exact_and_low_detail_is_the_base() -> None:
    assert image_tokens(image(640, 480), "high", "gpt-4o") == (425, 0, 0)
    assert image_tokens(image(640, 480), "low", "gpt-4o") == (85, 0, 0)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5.4", "o4-mini"])
@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_an_image_of_unknown_size_costs_what_one_of_some_size_does(model: str, width: int, height: int) -> None:
    usual, below, above = image_tokens("https://example.org/x.png", None, model)
    assert usual - below <= image_tokens(image(width, height), None, model)[0] <= usual + above


def test_images_are_added_to_their_message() -> None:
    parts: list[dict[str, Any]] = [{"type": "text", "text": "hi"}]
    parts.append({"type": "image_url", "image_url": {"url": image(640, 480), "detail": "auto"}})
    count = chat({"messages": [{"role": "user", "content": parts}]})
    assert (count.tokens, count.exactness) == (HI_TOKENS + 425, "exact")
    inputs = [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": image(640, 480)}]
    assert responses({"input": [{"role": "user", "content": inputs}]}).tokens == HI_TOKENS + 425


def test_a_model_without_a_row_has_no_count() -> None:
    with pytest.raises(Unknown):
        image_tokens(image(1, 1), None, "gpt-3.5-turbo")
