from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from dd0c_route.tokens.prompt import ALL_BYTES, Prompt, is_simple, read

BOUND = 8 << 10
PROSE = "the quick brown fox jumps over the lazy dog and goes to sleep. "
IMAGE = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 2_000


def found(most_bytes: int = BOUND, /, **fields: Any) -> Prompt:
    return read({name: Raw(json.dumps(value).encode()) for name, value in fields.items()}, most_bytes)


def message(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def letters(prompt: Prompt) -> float:
    sample = len(prompt.sample.text) * prompt.sample.times if prompt.sample else 0
    return sample + sum(map(len, prompt.texts))


def test_a_short_prompt_is_read_whole() -> None:
    prompt = found(system="Be brief.", messages=[message("Hello"), message([{"type": "text", "text": "you"}])])
    assert (prompt.texts, prompt.messages, prompt.sample) == (["Be brief.", "Hello", "you"], 2, None)


@pytest.mark.parametrize("times", [200, 20_000])
def test_a_long_one_is_judged_by_slices(times: int) -> None:
    prompt = found(messages=[message(PROSE * times)])
    assert prompt.texts == []
    assert prompt.sample is not None
    assert len(prompt.sample.text) < 2_000
    assert letters(prompt) == pytest.approx(len(PROSE) * times, rel=0.05)


@pytest.mark.parametrize(
    "text", ["人人生而自由,在尊严和权利上一律平等。", "👩🏽\u200d🚀", "e\u0301", "Жили-были ", 'C:\\"人" ']
)
def test_text_in_escapes_is_judged_as_text(text: str) -> None:
    prompt = found(messages=[message(text * 3_000)])
    assert prompt.sample is not None
    assert set(prompt.sample.text) & set(text)
    assert letters(prompt) == pytest.approx(3_000 * len(text), rel=0.1)


def test_messages_and_calls_are_judged_too() -> None:
    turn = [message(PROSE), {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "f"}}]}]
    prompt = found(messages=turn * 300)
    assert 300 < prompt.messages < 1_200
    assert 100 < prompt.calls < 600


def test_without_a_bound_everything_is_read() -> None:
    prompt = found(ALL_BYTES, messages=[message(PROSE)] * 5_000)
    assert (len(prompt.texts), prompt.messages, prompt.sample) == (5_000, 5_000, None)


@pytest.mark.parametrize("images", [1, 2, 3])
def test_files_are_cut_out_before_the_rest_is_judged(images: int) -> None:
    parts = [{"type": "image_url", "image_url": {"url": IMAGE}}, {"type": "text", "text": PROSE * 40}]
    prompt = found(messages=[message(parts * images)])
    assert prompt.images == images
    assert letters(prompt) == pytest.approx(len(PROSE) * 40 * images, rel=0.25)


def test_of_many_files_most_are_judged() -> None:
    parts = [{"type": "image_url", "image_url": {"url": IMAGE}}, {"type": "text", "text": PROSE * 40}]
    prompt = found(messages=[message(parts * 40)])
    assert prompt.images == pytest.approx(40, rel=0.3)
    assert letters(prompt) < len(PROSE) * 40 * 40 * 3  # what stands in a file is not taken for text


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        ('{"type":"thinking","signature":"', "sealed"),
        ('{"type":"reasoning","encrypted_content":"', "sealed"),
        ('{"inlineData":{"mimeType":"application/pdf","data":"', "files"),
        ('{"type":"input_audio","input_audio":{"data":"', "files"),
        ('{"type":"image","source":{"data":"', "images"),
        ('{"image":{"format":"png","source":{"bytes":"', "images"),
        ('{"images":["', "images"),
        ('{"type":"redacted_thinking","data":"', "sealed"),
        (
            '{"type":"input_file","filename":"a.docx","file_data":"data:application/vnd.openxmlformats-officedocument.'
            "wordprocessingml.document;base64,",
            "files",
        ),
    ],
)
def test_what_stands_before_a_file_tells_what_it_is(before: str, kind: str) -> None:
    raw = f'[{{"role":"user","content":"{PROSE}"}},{before}{"iVBORw0KGgoA" * 5_000}"'.encode()
    prompt = read({"messages": Raw(raw)}, BOUND)
    kinds = {"sealed": prompt.sealed, "files": prompt.files, "images": prompt.images}
    assert kinds.pop(kind)
    assert not any(kinds.values())


@pytest.mark.parametrize("text", ["iVBORw0KGgoA", "0123456789abcdef", "a", "7", "data:image/png;base64,iVBORw0KGgoA"])
@pytest.mark.parametrize("times", [4_000, 400_000])
def test_text_without_spaces_is_no_file(text: str, times: int) -> None:
    for content in (text * times, [{"type": "text", "text": text * times}], f'<img src="data:x;base64,{text * times}'):
        prompt = found(messages=[message(content)])
        assert (prompt.images, prompt.files, prompt.sealed, prompt.ids) == (0, 0, 0, 0)
        assert letters(prompt) == pytest.approx(len(text) * times, rel=0.1)


def test_files_and_text_without_spaces_are_told_apart() -> None:
    parts = [{"type": "image_url", "image_url": {"url": IMAGE}}, {"type": "text", "text": "0a1b" * 5_000}]
    prompt = found(messages=[message(parts * 2)])
    assert prompt.images == 2
    assert letters(prompt) == pytest.approx(40_000, rel=0.25)


@pytest.mark.parametrize("written", ["a1" * 500, {"type": "file", "data": "a1" * 500}])
def test_of_arguments_only_files_are_left_out(written: Any) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"code": written}}
    text = "".join(found(messages=[{"role": "assistant", "content": [call]}]).texts)
    assert ("a1" * 500 in text) == isinstance(written, str)


def test_token_numbers_are_counted_and_not_read() -> None:
    prompt = found(prompt=[[1, 2, 3]])
    assert (prompt.ids, prompt.texts) == (3, [])
    prompt = found(prompt=list(range(100_000, 200_000)))
    assert prompt.ids == pytest.approx(100_000, rel=0.1)
    assert prompt.sample is None


@pytest.mark.parametrize(
    ("part", "images", "files"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": "x"}}, 1, 0),
        ({"inlineData": {"mimeType": "application/pdf", "data": "x"}}, 0, 1),
        ({"inline_data": {"mime_type": "audio/wav", "data": "x"}}, 0, 1),
        ({"functionResponse": {"name": "f", "response": {}, "parts": [{"inlineData": {"data": "x"}}]}}, 1, 0),
        ({"type": "image", "source": {"type": "url", "url": "x"}}, 1, 0),
    ],
)
def test_images_and_other_files_are_told_apart(part: dict[str, Any], images: int, files: int) -> None:
    prompt = found(contents=[{"parts": [part]}])
    assert (prompt.images, prompt.files) == (images, files)


def test_thoughts_are_not_read_again() -> None:
    parts = [{"text": "hm", "thought": True}, {"text": "yes", "thoughtSignature": "A" * 90}]
    prompt = found(contents=[{"parts": parts}])
    assert (prompt.texts, prompt.sealed) == (["yes"], 90)


@pytest.mark.parametrize("written", [b"[[[", b"nope", b"[" * 9000 + b"]" * 9000, b'{"role": "user"'])
def test_what_is_no_json_is_no_prompt(written: bytes) -> None:
    assert read({"messages": Raw(written)}, ALL_BYTES).texts == []


def test_few_and_short_values_are_simple() -> None:
    assert is_simple({"messages": Raw(b'[{"role": "user", "content": "hello, you"}]')}, 4096)
    assert not is_simple({"messages": Raw(b'"' + b"x" * 5000 + b'"')}, 4096)
    assert not is_simple({"messages": Raw(b"[" + b"[]," * 1000 + b"[]]")}, 4096)
    assert not is_simple({f"f{i}": Raw(b"1") for i in range(1000)}, 1 << 20)
