from __future__ import annotations

import re

import genai_prices.data
import pytest

from dd0c_route.tokens import count_text


@pytest.mark.parametrize(
    ("model", "tokenizer"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-5.4", "o200k_base"),
        ("gpt-7-imaginary", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("openai/gpt-4o", "o200k_base"),
        ("openai.gpt-oss-20b-1:0", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("ft:gpt-4:acme::abc", "cl100k_base"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("davinci-002", "cl100k_base"),
        ("text-davinci-003", "p50k_base"),
        ("gpt-oss-120b", "o200k_base"),
        ("gpt-6-mini", "o200k_base"),
        ("claude-3-5-sonnet-latest", "claude_3"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude_3"),
        ("claude-sonnet-4-5", "claude_3"),
        ("claude-sonnet-4-20250514", "claude_3"),
        ("claude-opus-4-6", "claude_3"),
        ("claude-opus-4-7", "claude_4_7"),
        ("claude-opus-4.8", "claude_4_8"),
        ("claude-opus-5", "claude_4_8"),
        ("us.anthropic.claude-sonnet-5-20260101-v1:0", "claude_4_8"),
        ("claude-fable-5-1", "claude_4_8"),
        ("claude-sonnet-5", "claude_4_8"),
        ("claude-opus-5-5", "claude_4_8"),
        ("claude-5-5-sonnet", "claude_4_8"),
        ("us.anthropic.claude-mythos-preview-v1:0", "claude_4_8"),
        ("claude-sonnet", "claude_4_8"),
        ("claude-opus-10", "claude_4_8"),
        ("claude-3-7-sonnet-20250219", "claude_3"),
        ("claude-4-7-opus", "claude_4_7"),
        ("anthropic/claude-4.6-sonnet", "claude_3"),
        ("claude-2.1", "claude_2"),
        ("gemini-2.5-flash", "gemma_3"),
        ("google/gemini-3.5-flash", "gemma_3"),
        ("gemma3:1b", "gemma_3"),
        ("gemma-2-9b-it", "gemma"),
        ("openai.gpt-5.6-luna", "o200k_base"),
        ("azure/gpt-4o", "o200k_base"),
        ("gpt-neox-20b", "unknown"),
        ("~anthropic/claude-sonnet-latest", "claude_4_8"),
        ("llama-3.3-70b", "llama_3"),
        ("accounts/fireworks/models/llama-v3p3-70b-instruct", "llama_3"),
        ("@cf/meta/llama-3.3-70b-instruct-fp8-fast", "llama_3"),
        ("us.meta.llama3-3-70b-instruct-v1:0", "llama_3"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama_4"),
        ("codellama-34b", "unknown"),
        ("llama2", "unknown"),
        ("deepseek-chat", "deepseek"),
        ("deepseek-r1-distill-llama-70b", "llama_3"),
        ("deepseek-r1-distill-qwen-7b", "qwen"),
        ("Qwen/Qwen3-8B", "qwen"),
        ("qwen-72b-chat", "qwen"),
        ("Qwen/Qwen3.6-35B-A3B-FP8", "qwen_3_5"),
        ("mistral-small-latest", "tekken"),
        ("mistral.ministral-3-8b-instruct", "tekken"),
        ("codestral-2508", "tekken"),
        ("mixtral-8x7b-32768", "mistral_v3"),
        ("mistral-large-2407", "mistral_v3"),
        ("grok-4.3", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_model_is_counted_by_its_own_vocabulary(model: str, tokenizer: str) -> None:
    assert count_text("hello", model).tokenizer.removeprefix("estimate:") == tokenizer


@pytest.mark.usefixtures("nothing_loaded")
def test_what_is_measured_nowhere_gets_a_wider_band() -> None:
    text = "the answer to the question of the day and the reason for it " * 10
    known, unknown = count_text(text, "gpt-4o").band, count_text(text, "grok-4.3").band
    assert unknown[1] - unknown[0] > 1.5 * (known[1] - known[0])


CATALOGUE = {model.id for provider in genai_prices.data.providers for model in provider.models}
GENERATIONS = (((4, 8), "claude_4_8"), ((4, 7), "claude_4_7"), ((3, 0), "claude_3"), ((0, 0), "claude_2"))
OF_MAKERS = {
    r"claude": r"claude_",
    r"gemini|gemma": r"gemma",
    r"(?:^|[/.])gpt-[4-9]|gpt-oss|chatgpt|(?:^|/)o[134](?:-|$)": r"o200k_base|cl100k_base",
    r"deepseek": r"deepseek|llama_3|qwen|unknown$",
    r"qwen|qwq": r"qwen|unknown$",
    r"ministral|codestral|devstral|magistral": r"tekken|mistral_v3",
    r"grok|nova|command|kimi|glm|titan": r"unknown",
}


def test_every_claude_of_the_price_catalogue_is_of_the_generation_that_its_number_says() -> None:
    wrong = {}
    for name in CATALOGUE:
        if found := re.search(r"claude-(?:[a-z]+-)?(\d)(?:[-.](\d)(?!\d))?", name):
            version = (int(found[1]), int(found[2] or 0))
            wanted = next(tokenizer for least, tokenizer in GENERATIONS if version >= least)
            if (tokenizer := count_text("", name).tokenizer.removeprefix("estimate:")) != wanted:
                wrong[name] = tokenizer
    assert wrong == {}


@pytest.mark.parametrize("names", OF_MAKERS)
def test_no_name_in_the_price_catalogue_is_counted_by_the_vocabulary_of_another_maker(names: str) -> None:
    surprising = {
        name: tokenizer
        for name in CATALOGUE
        if re.search(names, name.lower())
        and not re.match(OF_MAKERS[names], tokenizer := count_text("", name).tokenizer.removeprefix("estimate:"))
    }
    assert surprising == {}
