"""Counting beside the worker."""

from __future__ import annotations

import signal
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from dd0c_route.proxy.counter import Counter
from dd0c_route.tokens import count_request, count_text, count_text_exactly
from dd0c_route.types import Count

WORDS = "The quick brown fox jumps over the lazy dog. " * 500


def test_a_text_is_counted_exactly_whatever_its_length() -> None:
    counter = Counter()
    try:
        count = counter.text(WORDS, "gpt-4o")
        assert (count.exactness, count.tokens) == ("exact", count_text_exactly(WORDS, "gpt-4o").tokens)
        fields = {"messages": Raw(b'[{"role":"user","content":"Say hello."}]')}
        assert counter.request("openai.chat", fields, "gpt-4o").exactness == "exact"
    finally:
        counter.close()


def test_without_its_process_the_estimate_stands() -> None:
    counter = Counter()
    counter.close()
    assert counter.text(WORDS, "gpt-4o") == count_text(WORDS, "gpt-4o")
    assert counter.request("openai.chat", {}, "gpt-4o") == count_request("openai.chat", {}, "gpt-4o")


def test_a_process_that_was_killed_is_started_again() -> None:
    counter = Counter()
    try:
        counter.text(WORDS, "gpt-4o")
        assert counter._process is not None
        counter._process.kill()
        counter._process.wait()
        assert counter.text(WORDS, "gpt-4o").exactness == "exact"
    finally:
        counter.close()


def test_a_process_that_hangs_is_replaced() -> None:
    counter = Counter(answer_s=5.0)
    try:
        counter.text(WORDS, "gpt-4o")
        assert counter._process is not None
        counter._process.send_signal(signal.SIGSTOP)
        assert counter.text(WORDS, "gpt-4o") == count_text(WORDS, "gpt-4o")
        assert counter.text(WORDS, "gpt-4o").exactness == "exact"
    finally:
        counter.close()


def test_a_body_on_many_lines_is_one_question() -> None:
    counter = Counter()
    fields = {"messages": Raw(b'[\n  {\n    "role": "user",\n    "content": "Say hello."\n  }\n]')}
    try:
        first = counter.request("openai.chat", fields, "gpt-4o")
        assert first.exactness == "exact"
        assert counter.text("Say hello.", "gpt-4o").tokens < first.tokens, "the answers stay in step"
    finally:
        counter.close()


def test_the_count_of_a_request_is_corrected_by_what_is_known_of_such_counts() -> None:
    asked = ("openai.chat", {"messages": Raw(b'[{"role":"user","content":"Say hello."}]')}, "acme-1", "acme")
    seen = []

    def correct(count: Count, api: str, fields: Mapping[str, Raw], model: str, provider: str) -> Count:
        seen.append((api, fields, model, provider))
        return msgspec.structs.replace(count, tokens=77)

    counter = Counter(correct)
    counter.close()
    assert counter.request(*asked).tokens == 77
    assert seen == [asked]
