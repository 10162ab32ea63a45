from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from dd0c_route.tokens.extras.formats import Pieces, pieces_of_gguf, ranks_of_huggingface, ranks_of_tekken


def test_tekken_holds_more_tokens_than_a_model_has() -> None:
    tokens = [b"a", b"b", b"ab", b"abc"]
    vocab = [{"rank": rank, "token_bytes": base64.b64encode(one).decode()} for rank, one in enumerate(tokens)]
    config = {"default_vocab_size": 5, "default_num_special_tokens": 2, "pattern": "."}
    content = json.dumps({"config": config, "vocab": vocab}).encode()
    assert ranks_of_tekken(content) == {b"a": 0, b"b": 1, b"ab": 2}


def test_letters_stand_for_bytes_in_a_tokenizer_json() -> None:
    vocab = {"<|end|>": 0, "!": 1, "\u0120": 2, "\u010a": 3, "\u00c3\u00a9": 4, "\u0100": 5, "\u0143": 6}
    content = json.dumps({"model": {"vocab": vocab}, "added_tokens": [{"content": "<|end|>"}]}).encode()
    assert ranks_of_huggingface(content) == {b"!": 1, b" ": 2, b"\n": 3, "é".encode(): 4, b"\0": 5, b"\xad": 6}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(**values: tuple[str, Any]) -> bytes:
    """A file of format 3 without tensors."""
    content = b"GGUF" + struct.pack("<IQQ", 3, 0, len(values))
    for name, (kind, value) in values.items():
        content += text(name.replace("__", "."))
        match kind:
            case "text":
                content += struct.pack("<I", 8) + text(value)
            case "texts":
                content += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
            case "floats":
                content += struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
            case "ints":
                content += struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
            case "bool":
                content += struct.pack("<I?", 7, value)
    return content


def test_pieces_are_read_in_the_order_of_their_merges() -> None:
    content = gguf(
        general__name=("text", "a model"),
        general__odd=("bool", True),
        tokenizer__ggml__tokens=("texts", ["<bos>", "<b>", "b", "a", "ab", "<0x00>"]),
        tokenizer__ggml__scores=("floats", [-1000.0, -1000.0, -2.0, -3.0, -1.0, 0.0]),
        tokenizer__ggml__token_type=("ints", [3, 4, 1, 1, 1, 6]),
    )
    assert pieces_of_gguf(content + b"weights") == Pieces(["ab", "b", "a"], ["<b>"])


def test_a_file_without_pieces_is_no_vocabulary() -> None:
    with pytest.raises(struct.error):
        pieces_of_gguf(gguf(general__name=("text", "a model")))
