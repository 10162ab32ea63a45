from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dd0c_route.tokens import count_text
from dd0c_route.tokens.estimate import Estimator
from dd0c_route.tokens.features import Features, features
from dd0c_route.types import Count
from tests.tokens.corpus import recordings

pytestmark = pytest.mark.usefixtures("nothing_loaded")

MODELS = ("gpt-4o", "gpt-4", "claude-sonnet-4-5", "claude-opus-5", "gemini-2.5-pro", "mistral-large-latest")
any_text = st.text(st.characters(min_codepoint=1), min_size=1, max_size=200)


@given(any_text, st.sampled_from(MODELS))
def test_no_text_but_the_empty_one_counts_nothing(text: str, model: str) -> None:
    count = count_text(text, model)
    low, high = count.band
    assert 1 <= low <= count.tokens <= high
    assert count.exactness == "estimated"
    assert count_text("", model).tokens == 0


@given(any_text)
@example("\u0a80")  # assigned to no character: the rate of its script is that of rare ones
def test_a_count_is_of_the_order_of_the_text(text: str) -> None:
    assert count_text(text, "gpt-4o").tokens <= 4 * len(text.encode("utf-8", "surrogatepass")) + 4


@pytest.mark.parametrize(
    ("text", "o200k"),
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("Die Würde des Menschen ist unantastbar.", 10),
        ("人人生而自由,在尊严和权利上一律平等。", 15),
        ("すべての人間は、生まれながらにして自由であり", 14),
        ("すべての人間は、生まれながらにして自由であり、「平等」である。", 23),
        ("人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。" * 5, 125),
        ("모든 인간은 태어날 때부터 자유로우며", 13),
        ("પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.", 28),
        ("ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును", 30),
        ("ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ ಹಾಗೂ ಘನತೆ ಮತ್ತು", 19),
        ("Все люди рождаются свободными и равными", 9),  # noqa: RUF001 - Cyrillic on purpose
        ("def area(radius):\n    return 3.14159 * radius ** 2\n", 19),
    ],
)
def test_ordinary_texts_are_counted_within_the_band(text: str, o200k: int) -> None:
    low, high = count_text(text, "gpt-4o").band
    assert low <= o200k <= high


def test_scripts_cost_what_they_cost_and_not_a_quarter_of_their_length() -> None:
    chinese = "人人生而自由,在尊严和权利上一律平等。" * 20
    assert count_text(chinese, "gpt-4o").tokens > len(chinese) / 2
    assert count_text(chinese, "claude-sonnet-4-5").tokens > count_text(chinese, "gpt-4o").tokens


@pytest.mark.parametrize("text", ["a" * 1_000_000, " " * 1_000_000, "🌍🔥" * 300_000, "x1_Y-" * 200_000])
def test_of_a_long_text_a_thousand_characters_are_looked_at(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def seen(some: str) -> Features:
        looked_at.append(len(some))
        return features(some)

    monkeypatch.setattr("dd0c_route.tokens.estimate.features", seen)
    count_text(text, "gpt-4o")
    assert sum(looked_at) <= 1_024


def test_the_beginning_of_a_long_text_tells_of_the_rest() -> None:
    estimator = Estimator("o200k_base", name="estimate")
    text = "xq zv jk wq pf gh vb nm lk " * 1_000  # words of no language: no rate fits them
    true = Letters.count(text)[0]
    alone, on_a_beginning = estimator.count(text), estimator.count_on(text, Letters.count)
    assert abs(on_a_beginning.tokens - true) < 0.15 * true < abs(alone.tokens - true)
    assert on_a_beginning.band[0] <= true <= on_a_beginning.band[1]


def test_no_more_than_the_beginning_is_counted() -> None:
    counted: list[str] = []

    def exactly(text: str) -> tuple[int, int]:
        counted.append(text)
        return len(text) // 4, 0

    text = "some words and more " * 50_000
    Estimator("o200k_base", name="estimate").count_on(text, exactly)
    assert sum(map(len, counted)) <= 256


class Letters:
    """A tokenizer that needs a token for each character."""

    @staticmethod
    def count(text: str) -> tuple[int, int]:
        return len(text), 0


def test_a_long_text_is_counted_like_its_parts() -> None:
    rng = random.Random(7)
    words = ["the", "of", "and", "to", "in", "model", "router", "token", "answer", "request", "because", "cost"]
    part = " ".join(rng.choice(words) for _ in range(400))
    one = count_text(part, "gpt-4o").tokens
    assert count_text(part * 100, "gpt-4o").tokens == pytest.approx(100 * one, rel=0.05)


# --- against what providers reported -----------------------------------------------------------------


def share_inside(pairs: list[tuple[Count, int]]) -> float:
    return sum(count.band[0] <= true <= count.band[1] for count, true in pairs) / len(pairs)


def answers(name: str, text_of: Any, frame: int, models: tuple[str, ...]) -> Iterator[tuple[Count, int]]:
    """Recorded answers of nothing but text, ended by the model itself, with their reported output tokens."""
    seen = set()
    for record in recordings(name):
        usage = record.get("usage_norm") or {}
        text = text_of(record.get("response") or {})
        if not text or usage.get("reasoning") or not usage.get("output_total"):
            continue
        if not str(record["model"]).startswith(models) or (record["model"], text) in seen:
            continue
        seen.add((record["model"], text))
        yield count_text(text, record["model"]), usage["output_total"] - frame


def openai_text(response: dict[str, Any]) -> str | None:
    choices = response.get("choices") or [{}]
    message = choices[0].get("message") or {}
    whole = len(choices) == 1 and choices[0].get("finish_reason") == "stop" and not message.get("tool_calls")
    return message.get("content") if whole else None


def anthropic_text(response: dict[str, Any]) -> str | None:
    blocks = response.get("content") or []
    whole = response.get("stop_reason") == "end_turn" and [block.get("type") for block in blocks] == ["text"]
    return blocks[0]["text"] if whole else None


def gemini_text(response: dict[str, Any]) -> str | None:
    parts = ((response.get("candidates") or [{}])[0].get("content") or {}).get("parts") or []
    return parts[0].get("text") if len(parts) == 1 and not parts[0].get("thought") else None


@pytest.mark.parametrize(
    ("name", "text_of", "frame", "models"),
    [
        # The frame: what the provider counts for the end of an answer (measured with exact tokenizers).
        ("openai.chat", openai_text, 0, ("gpt-4o", "gpt-4.1", "gpt-4", "gpt-3.5")),
        ("anthropic.messages", anthropic_text, 3, ("claude-3", "claude-sonnet-4", "claude-haiku-4", "claude-opus-4")),
        ("gemini.generate", gemini_text, 0, ("gemini",)),
    ],
)
def test_the_band_holds_19_of_20_recorded_answers(
    name: str, text_of: Any, frame: int, models: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = list(answers(name, text_of, frame, models))
    errors = sorted(abs(count.tokens - true) / max(true, 10) for count, true in pairs)
    with capsys.disabled():
        median, p95 = errors[len(errors) // 2], errors[len(errors) * 95 // 100]
        print(f"\n{name}: {len(pairs)} answers, error {median:.1%} (median), {p95:.1%} (p95), ", end="")
        print(f"{share_inside(pairs):.1%} inside the band")
    assert len(pairs) > 50
    assert share_inside(pairs) >= 0.95
    assert errors[len(errors) // 2] < 0.08


@pytest.mark.parametrize(("generation", "model", "frame"), [("v3", "claude-opus-4-5", 7), ("v5", "claude-opus-5", 6)])
def test_the_band_holds_19_of_20_languages_of_the_declaration_of_human_rights(
    generation: str, model: str, frame: int
) -> None:
    texts = list(recordings("claude_count_tokens_udhr"))
    pairs = [(count_text(text["text"], model), text["count_tokens"][generation] - frame) for text in texts]
    assert len(pairs) == 288
    assert share_inside(pairs) >= 0.95
