from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.tokens.frames.openai_requests import HI_TOKENS, chat, responses, tokens


def message(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


HI = {"type": "text", "text": "hi"}


def test_the_texts_of_a_message_are_joined() -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert chat({"messages": [message(*parts)]}).tokens == 3 + 4 + tokens("hello")


def test_a_file_of_plain_text_is_read() -> None:
    data = "data:text/csv;base64," + base64.b64encode(b"a,b\n1,2\n").decode()
    file = {"type": "file", "file": {"filename": "a.csv", "file_data": data}}
    count = chat({"messages": [message(HI, file)]})
    around = HI_TOKENS + tokens("a,b\n1,2\n")
    assert (count.tokens, count.band) == (around + 27, (around, around + 54))


@pytest.mark.parametrize(
    "file",
    [
        {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"},
        {"file_id": "file-1"},
        {"file_url": "https://example.org/a.pdf"},
    ],
)
def test_the_tokens_of_another_file_are_not_known(file: dict[str, Any]) -> None:
    count = responses({"input": [message({"type": "input_text", "text": "hi"}, {"type": "input_file"} | file)]})
    assert (count.tokens, count.band) == (HI_TOKENS + 750, (HI_TOKENS, HI_TOKENS + 60_000))


def test_sound_is_estimated() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    assert chat({"messages": [message(HI, sound)]}, "gpt-4o-audio-preview").band == (HI_TOKENS, HI_TOKENS + 20_060)
