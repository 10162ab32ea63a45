"""The forms in which packages carry vocabularies, each read into what a counter takes."""

from __future__ import annotations

import struct
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.bpe import Ranks, ranks_of


class _TekkenConfig(Struct):
    default_vocab_size: int
    default_num_special_tokens: int


class _TekkenToken(Struct):
    rank: int
    token_bytes: str


class _Tekken(Struct):
    config: _TekkenConfig
    vocab: list[_TekkenToken]


class _Model(Struct):
    vocab: dict[str, int]


class _Added(Struct):
    content: str


class _HuggingFace(Struct):
    model: _Model
    added_tokens: list[_Added]


def ranks_of_tekken(content: bytes) -> Ranks:
    """Mistral's JSON, of which a model uses the first tokens. Source: PyPI mistral-common 1.13.1, tekken.py."""
    document = msgspec.json.decode(content, type=_Tekken)
    size = document.config.default_vocab_size - document.config.default_num_special_tokens
    return {a2b_base64(token.token_bytes): token.rank for token in document.vocab[:size]}


def ranks_of_huggingface(content: bytes) -> Ranks:
    """A `tokenizer.json` over bytes: tokens are written with a letter for each byte, in the order of their merges."""
    document = msgspec.json.decode(content, type=_HuggingFace)
    special = {token.content for token in document.added_tokens}
    table = _bytes_by_letter()
    return {
        token.translate(table).encode("latin-1"): rank
        for token, rank in document.model.vocab.items()
        if token not in special
    }


def _bytes_by_letter() -> dict[int, int]:
    """GPT-2's letters for bytes: those that can be seen stand for themselves, the others follow from U+0100 on."""
    seen = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    unseen = [byte for byte in range(256) if byte not in seen]
    return {letter: letter for letter in seen} | {0x100 + place: byte for place, byte in enumerate(unseen)}


READERS: dict[str, Callable[[bytes], Ranks]] = {
    "tiktoken": ranks_of,
    "tekken": ranks_of_tekken,
    "huggingface": ranks_of_huggingface,
}

# GGUF's numbers by their type. Source: ggml-org/ggml, docs/gguf.md (version 3).
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
_NORMAL, _WHOLE = 1, 4  # types of a piece: made by merges; taken out of a text before anything is merged


class Pieces(Struct, frozen=True):
    """A SentencePiece vocabulary: pieces in the order of their merges, and those that are never split."""

    merged: list[str]
    whole: list[str]


def pieces_of_gguf(content: bytes) -> Pieces:
    """The pieces in the head of a GGUF file. *content* must reach to the end of `tokenizer.ggml.token_type`."""
    head = _Head(content)
    found: dict[str, Any] = {}
    while "tokenizer.ggml.token_type" not in found:
        name = head.text().decode()
        found[name] = head.value(head.number("I"))
    texts, kinds = found["tokenizer.ggml.tokens"], found["tokenizer.ggml.token_type"]
    scores = found["tokenizer.ggml.scores"]
    order = sorted((place for place, kind in enumerate(kinds) if kind == _NORMAL), key=lambda place: -scores[place])
    whole = [texts[place].decode() for place, kind in enumerate(kinds) if kind == _WHOLE]
    return Pieces([texts[place].decode() for place in order], whole)


class _Head:
    """Reads the typed values at the start of a GGUF file, one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = len(b"GGUF") + struct.calcsize("<IQQ")  # magic, version, number of tensors and of values

    def value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self.text()
        if kind != _ARRAY:
            return self.number(_NUMBERS[kind])
        inner, length = self.number("I"), self.number("Q")
        if inner in _NUMBERS:
            return self._numbers(f"{length}{_NUMBERS[inner]}")
        return [self.value(inner) for _ in range(length)]

    def text(self) -> bytes:
        length = self.number("Q")
        self._at += length
        return self._content[self._at - length : self._at]

    def number(self, form: str) -> Any:
        return self._numbers(form)[0]

    def _numbers(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self._content, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values
