"""What of a prompt is cached, and as what the rest is billed."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.cachecost import _rows, cached_tokens, kept_of, split, terms_of
from dd0c_route.brain.sessions import Warm
from dd0c_route.types import Usage

PREFIX = (1, 2, 3)
SECOND = 1_000_000_000
NOW = 10_000 * SECOND


def cached(prompt: int, warm_tokens: int, provider: str = "openai", model: str = "gpt-4o", age_s: int = 10,
           prefix: tuple[int, ...] = PREFIX, cache: str = "") -> int:  # fmt: skip
    warm = Warm(prefix, warm_tokens, NOW - age_s * SECOND, cache)
    return cached_tokens(prompt, PREFIX, warm, terms_of(provider, model), NOW)


def test_what_the_last_call_left_is_read_from_the_cache_in_whole_steps() -> None:
    assert cached(5000, 4000) == 31 * 128
    assert cached(5000, 4000, "anthropic", "claude-sonnet-4-5") == 4000


@pytest.mark.parametrize(
    "case",
    [
        {"warm_tokens": 1000},  # too short to be kept
        {"warm_tokens": 4000, "age_s": 301},  # gone
        {"warm_tokens": 4000, "age_s": -1},  # of the future
        {"warm_tokens": 4000, "prefix": (1, 2, 4)},  # of another prompt
        {"warm_tokens": 6000},  # the conversation was compacted
        {"warm_tokens": 4000, "provider": "nobody"},
    ],
)
def test_nothing_is_taken_to_be_cached_on_a_guess(case: dict[str, int]) -> None:
    assert cached(5000, **case) == 0  # type: ignore[arg-type]  # by name


def test_an_hour_that_was_asked_for_lasts_an_hour() -> None:
    assert cached(5000, 4000, "anthropic", "claude-sonnet-4-5", 3000, cache="1h") == 4000
    assert cached(5000, 4000, "anthropic", "claude-sonnet-4-5", 3000, cache="5m") == 0


@pytest.mark.parametrize(
    ("provider", "wanted", "usage"),
    [
        ("openai", "", Usage(input=1000, cache_read=4000)),
        ("anthropic", "", Usage(input=1000, cache_read=4000)),
        ("anthropic", "5m", Usage(cache_write_5m=1000, cache_read=4000)),
        ("anthropic", "1h", Usage(cache_write_1h=1000, cache_read=4000)),
        ("nobody", "5m", Usage(input=1000, cache_read=4000)),
    ],
)
def test_the_rest_is_read_fresh_or_written(provider: str, wanted: str, usage: Usage) -> None:
    assert split(5000, 4000, wanted, terms_of(provider, "claude-sonnet-4-5")) == usage


@pytest.mark.parametrize(
    ("provider", "model", "least", "ttl_s"),
    [
        ("anthropic", "claude-haiku-4-5", 4096, 300),
        ("anthropic", "claude-haiku-5-5", 512, 300),
        ("anthropic", "claude-opus-4-6", 4096, 300),
        ("anthropic", "claude-opus-4-7", 2048, 300),
        ("anthropic", "claude-opus-4-8", 1024, 300),
        ("anthropic", "claude-opus-5-5", 512, 300),
        ("anthropic", "claude-sonnet-4-5", 1024, 300),
        ("anthropic", "claude-sonnet-5", 1024, 300),
        ("anthropic", "claude-sonnet-5-5", 512, 300),
        ("openai", "gpt-5.5", 1024, 300),
        ("openai", "gpt-5.6-sol", 1024, 1800),
        ("openai", "gpt-6.1-terra", 1024, 1800),
        ("google", "gemini-2.5-flash", 2048, 180),
        ("google", "gemini-3.8-flash", 6144, 180),
        ("x-ai", "grok-4.7", 128, 180),
        ("aws", "us.amazon.nova-pro-v1:0", 1024, 300),
        ("groq", "openai/gpt-oss-120b", 1024, 3600),
    ],
)
def test_each_model_has_its_own_terms(provider: str, model: str, least: int, ttl_s: int) -> None:
    terms = terms_of(provider, model)
    assert terms is not None
    assert (terms.least, terms.ttl_s) == (least, ttl_s)


def test_every_row_names_a_provider_of_the_catalogue_its_source_and_its_day() -> None:
    known = json.loads(files("dd0c_route.pricing").joinpath("catalog.json").read_text())["providers"]
    for terms in _rows():
        assert terms.provider in known
        assert re.search(r"\w+\.\w+|\w+/\w+", terms.source)
        assert date(2026, 1, 1) <= terms.checked
        assert terms.least > 0
        assert terms.step > 0


def test_what_is_kept_unasked_is_billed_as_written_where_the_provider_says_so() -> None:
    assert split(5000, 4000, "", terms_of("openai", "gpt-5.6-sol")) == Usage(cache_write_5m=1000, cache_read=4000)
    assert split(500, 0, "", terms_of("openai", "gpt-5.6-sol")) == Usage(input=500)
    assert split(5000, 4000, "", terms_of("openai", "gpt-5.5")) == Usage(input=1000, cache_read=4000)


def test_a_prompt_that_is_too_short_is_not_written() -> None:
    assert split(500, 0, "5m", terms_of("anthropic", "claude-sonnet-4-5")) == Usage(input=500)


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.sampled_from(["", "5m", "1h"]),
    st.sampled_from(["openai", "anthropic", "x"]),
)
def test_no_token_is_lost_or_billed_twice(prompt: int, warm: int, wanted: str, provider: str) -> None:
    terms = terms_of(provider, "claude-sonnet-4-5")
    found = cached_tokens(prompt, PREFIX, Warm(PREFIX, warm, NOW), terms, NOW)
    assert split(prompt, found, wanted, terms).input_total == prompt
    assert 0 <= found <= prompt


def test_what_is_kept_is_all_where_caching_is_automatic_and_what_was_written_where_it_is_not() -> None:
    used = Usage(input=100, cache_read=4000, cache_write_5m=900)
    assert kept_of(used, terms_of("openai", "gpt-4o")) == 5000
    assert kept_of(used, terms_of("anthropic", "claude-sonnet-4-5")) == 4900
    assert kept_of(used, None) == 0
