"""`price`, `count` and `route`: a line in, a line out, in step, whatever a line holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.cli.commands import commands
from tests.cli.programs import ran

PRICES = """\
[providers.openai]
api_key = { env = "UNSET_BECAUSE_NOT_NEEDED" }

[[prices]]
provider = "acme"
model = "small"
input = 2
output = "0.5"
source = "a contract"
"""


def run(command: list[str], *lines: Any) -> tuple[Result, list[dict[str, Any]]]:
    """Feed *lines* (texts as they are, all else as JSON) to a command; its result and its answers."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    result = CliRunner().invoke(commands, command, input=text, standalone_mode=False)
    return result, [json.loads(line) for line in result.stdout.splitlines()]


def openai(**usage: Any) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o", "api": "openai.chat", "usage": usage}


def test_usage_as_the_provider_sent_it_is_priced_exactly() -> None:
    line = openai(prompt_tokens=1000, completion_tokens=100, prompt_tokens_details={"cached_tokens": 400})
    _, (answer,) = run(["price"], line | {"at": "2026-06-01T00:00:00Z"})
    assert answer["cost_picodollars"] == sum(one["amount_picodollars"] for one in answer["lines"]) == 3_000_000_000
    assert answer["cost_usd"] == "0.003"
    assert answer["lines"][1] == {
        "class": "cache_read",
        "tokens": 400,
        "rate_usd_per_mtok": "1.25",
        "amount_picodollars": 500_000_000,
    }
    assert answer["source"]
    assert answer["price_date"]


@pytest.mark.parametrize(
    ("provider", "model", "api", "usage"),
    [
        ("openai", "gpt-4o", "openai.responses", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}),
        ("anthropic", "claude-sonnet-4-5", "anthropic.messages", {"input_tokens": 10, "output_tokens": 5}),
        (
            "anthropic",
            "claude-sonnet-4-5",
            "anthropic.messages",
            {"message_start": {"input_tokens": 10, "output_tokens": 1}, "message_delta": {"output_tokens": 5}},
        ),
        ("google", "gemini-2.5-flash", "gemini.generate", {"promptTokenCount": 10, "candidatesTokenCount": 5}),
        (
            "bedrock",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "bedrock.converse",
            {"inputTokens": 10, "outputTokens": 5},
        ),
        ("openai", "gpt-4o", None, {"input": 10, "output": 5}),
    ],
)
def test_every_dialects_usage_is_read(provider: str, model: str, api: str | None, usage: dict[str, Any]) -> None:
    line = {"provider": provider, "model": model, "usage": usage} | ({"api": api} if api else {})
    result, (answer,) = run(["price"], line)
    assert {one["class"]: one["tokens"] for one in answer["lines"]} == {"input": 10, "output": 5}, result.output


def test_a_model_without_a_price_is_never_free() -> None:
    result, (answer,) = run(["price"], openai(input=1) | {"model": "no-such-model"})
    assert (answer["error"], answer["model"]) == ("unpriced", "no-such-model")
    assert result.return_value == 0


def test_own_prices_come_from_the_configuration_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(PRICES)
    line = {"provider": "acme", "model": "small", "usage": {"input": 3, "output": 2}}
    _, (answer,) = run(["price", "--config", str(tmp_path / "dd0c.toml")], line)
    assert (answer["cost_picodollars"], answer["source"]) == (7_000_000, "a contract")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "not JSON"),
        ("[1]", "expected an object"),
        ("null", "expected an object"),
        ({"model": "x", "usage": {}}, "the field 'provider' is missing"),
        ({"provider": "x", "model": 1, "usage": {}}, "the field 'model' is missing or no text"),
        ({"provider": "x", "model": "y", "usage": 1}, "the field 'usage' is missing or no object"),
        (openai(input=-1), "a whole number, 0 or more"),
        (openai(input=1.5), "a whole number, 0 or more"),
        (openai(input=True), "a whole number, 0 or more"),
        (openai(input=1) | {"at": "yesterday"}, "'at' is no time"),
        (openai(input=1) | {"at": 17}, "'at' is no time"),
    ],
)
def test_a_line_at_fault_is_named_and_the_others_are_answered(line: Any, expected: str) -> None:
    result, answers = run(["price"], openai(input=1), line, openai(input=1))
    assert result.return_value == 1
    assert [answer.get("error") for answer in answers] == [None, "invalid_line", None]
    assert answers[1]["line"] == 2
    assert expected in answers[1]["message"]


@pytest.mark.parametrize("bytes_more", [-1, 0, 1, 64, 65, 200])
def test_a_line_beyond_the_bound_is_answered_once(monkeypatch: pytest.MonkeyPatch, bytes_more: int) -> None:
    monkeypatch.setattr("dd0c_route.cli.lines.MAX_LINE_BYTES", 64)
    long = json.dumps({"model": "gpt-4o", "text": ""})
    long = long[:-2] + "x" * (63 + bytes_more - len(long)) + long[-2:]  # with its end of line, so many more than 64
    _, answers = run(["count"], {"model": "gpt-4o", "text": "Hi"}, long, {"model": "gpt-4o", "text": "Hi"})
    assert [answer.get("error") for answer in answers] == [None, "invalid_line" if bytes_more > 0 else None, None]


def test_blank_lines_are_passed_over_but_counted() -> None:
    _, (answer,) = run(["price"], "", " ", "x")
    assert answer["line"] == 3


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
@settings(max_examples=50, deadline=None)
def test_whatever_stands_in_usage_one_line_comes_out(usage: Any) -> None:
    result, answers = run(["price"], {"provider": "openai", "model": "gpt-4o", "api": "openai.chat", "usage": usage})
    assert result.exception is None
    assert len(answers) == 1
    assert answers[0].get("cost_usd") or answers[0]["error"]


def test_texts_and_requests_are_counted() -> None:
    request = {"messages": [{"role": "user", "content": "Say hello."}], "model": "gpt-4o"}
    result, answers = run(
        ["count"],
        {"model": "gpt-4o", "text": "Say hello."},
        {"api": "openai.chat", "provider": "openai", "model": "gpt-4o", "request": request},
        {"model": "gpt-4o", "text": "", "output_text": "Hello there."},
        {"model": "gpt-4o"},
        {"model": "gpt-4o", "request": {}},
    )
    text, counted, output, *bad = answers
    assert result.return_value == 1
    assert text["input_tokens"] > 0
    assert text["exactness"] in ("exact", "estimated")
    assert text["band"][0] <= text["input_tokens"] <= text["band"][1]
    assert text["tokenizer"]
    assert counted["input_tokens"] > 0
    assert output["output_tokens"] > 0
    assert [answer["error"] for answer in bad] == ["invalid_line"] * 2


ROUTES = """\
[providers.openai]
[providers.anthropic]
[[routes]]
match = { model = "gpt-4o" }
candidates = ["openai/gpt-4o", "openai/gpt-4o-mini"]
policy = "ordered"
mode = "on"
[[routes]]
match = { model = "o3", tags = { team = "core" } }
candidates = ["openai/gpt-4o-mini"]
policy = "ordered"
mode = "on"
"""


def chat(model: str, **line: Any) -> dict[str, Any]:
    return {"id": model, "request": {"model": model, "messages": [{"role": "user", "content": "hi"}]}, **line}


def test_route_makes_the_decision_of_serve_without_a_call(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(ROUTES)
    lines = [
        chat("gpt-4o"),
        chat("gpt-4o", headers={"X-dd0c-route": "off"}),
        chat("o3", headers={"x-dd0c-tags": "team=core"}),
        chat("o3"),
        chat("claude-sonnet-4-5", headers={"anthropic-version": "2023-06-01"}),
        chat("x", path="/nowhere"),
        {"id": 7, "request": {"messages": []}},
        {"id": 8},
        chat("x", headers=[]),
    ]
    result = ran(tmp_path, "route", stdin="".join(json.dumps(line) + "\n" for line in lines))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 1
    assert [(answer.get("verdict"), answer.get("target")) for answer in answers[:5]] == [
        ("kept", "openai/gpt-4o"),
        ("pinned", "openai/gpt-4o"),
        ("routed", "openai/gpt-4o-mini"),
        ("kept", "openai/o3"),
        ("kept", "anthropic/claude-sonnet-4-5"),
    ]
    assert answers[0]["route"] == 0
    assert [one["target"] for one in answers[0]["candidates"]] == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert all(one["expected_cost_picodollars"] > 0 for one in answers[0]["candidates"])
    assert [answer["error"] for answer in answers[5:]] == [
        "not_found",
        "invalid_request",
        "invalid_line",
        "invalid_line",
    ]
    assert answers[6]["id"] == 7
    assert [entry.name for entry in tmp_path.iterdir()] == ["dd0c.toml"]
