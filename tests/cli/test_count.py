"""`count`: any line is answered, in step, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.cli.count import counted
from dd0c_route.ledger.counting import publish
from dd0c_route.ledger.learning import Learning
from dd0c_route.types import Audit, Count
from tests.cli.programs import environment
from tests.cli.test_lines import run
from tests.tokens.corpus import recordings

HELLO = {"model": "gpt-4o", "text": "hello world"}
CHAT = {"api": "openai.chat", "model": "gpt-4o", "request": {"messages": [{"role": "user", "content": "Say hello."}]}}
APIS = (
    *("openai.chat", "openai.responses", "openai.completions", "embeddings", "ollama", "cohere.chat"),
    *("anthropic.messages", "anthropic.count_tokens", "gemini.generate", "gemini.count_tokens"),
    *("bedrock.converse", "bedrock.invoke"),
)


def counts(line: Any) -> dict[str, Any]:
    _, (answer,) = run(["count"], line)
    return answer


def test_a_text_and_a_request_are_counted() -> None:
    assert counts(HELLO) == {
        "input_tokens": 2, "exactness": "exact", "band": [2, 2], "tokenizer": "o200k_base",
    }  # fmt: skip
    assert counts(CHAT)["input_tokens"] == 3 + 4 + 3


def test_an_output_is_counted_beside_it() -> None:
    answer = counts(CHAT | {"output_text": "Hello."})
    assert answer["output_band"][0] <= answer["output_tokens"] <= answer["output_band"][1]


@pytest.mark.parametrize("name", ["provider", "output_text"])
def test_what_is_null_is_not_there(name: str) -> None:
    assert counts(CHAT | {name: None}) == counts(CHAT)


def test_the_model_may_stand_in_the_request() -> None:
    line = {"api": "openai.chat", "request": {"model": "gpt-4o", **CHAT["request"]}}  # type: ignore[dict-item]
    assert counts(line) == counts(line | {"model": None}) == counts(CHAT)


def test_what_else_a_request_holds_does_not_matter() -> None:
    more = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0.5, "x": None, "n": 10**30}
    line = CHAT | {"request": CHAT["request"] | more}  # type: ignore[operator]
    assert counts(line) == counts(CHAT)


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "null", "7", '"x"', "{}", '{"model": 3}', '{"model": "gpt-4o"}', '{"model": "gpt-4o", "text": null}'],
)
def test_a_line_at_fault_is_answered_and_the_next_one_too(line: str) -> None:
    result, (first, second) = run(["count"], line, HELLO)
    assert (first["error"], first["line"]) == ("invalid_line", 1)
    assert second["input_tokens"] == 2
    assert result.return_value == 1


def test_half_a_surrogate_pair_costs_a_character() -> None:
    assert counts('{"model": "gpt-4o", "text": "hello \\ud83d world"}')["input_tokens"] in range(3, 7)
    line = json.dumps(CHAT).replace("Say hello.", "Say \\ud83d hello.")
    assert counts(line)["input_tokens"] > counts(CHAT)["input_tokens"]


def test_bytes_that_are_not_utf_8_cost_a_character() -> None:
    line = b'{"model": "gpt-4o", "text": "hello \xff world"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "dd0c_route", "count"], input=line, env=environment(), capture_output=True, check=True
    )
    assert json.loads(done.stdout)["input_tokens"] in range(3, 7)


@pytest.mark.parametrize("api", [*APIS, "nobody.knows"])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5", "gemini-2.5-pro", "llama-3.3", "nobody-knows", "ü"])
def test_every_api_and_model_is_counted(api: str, model: str) -> None:
    answer = counts({"api": api, "model": model, "request": {"messages": [{"role": "user", "content": "hello"}]}})
    assert answer["band"][0] <= answer["input_tokens"] <= answer["band"][1]


def test_a_bug_on_one_line_does_not_cost_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dd0c_route.tokens.count_request_exactly", broken)
    _, (first, second) = run(["count"], CHAT, HELLO)
    assert (first["error"], first["line"]) == ("internal_error", 1)
    assert second["input_tokens"] == 2


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "content", "type"]), inner),
    max_leaves=12,
)
NAMES = ("messages", "tools", "input", "contents", "system", "tool_choice", "response_format", "text", "instructions")


@given(st.sampled_from(APIS), st.sampled_from(["gpt-4o", "claude-opus-5", "gemini-2.5-pro"]),
       st.dictionaries(st.sampled_from(NAMES), values))  # fmt: skip
def test_any_request_is_counted(api: str, model: str, request_body: dict[str, Any]) -> None:
    answer = counted({"api": api, "model": model, "request": request_body})
    assert answer["band"][0] <= answer["input_tokens"] <= answer["band"][1]


def test_answers_come_line_by_line_and_a_thousand_short_ones_a_second() -> None:
    lines = 2000
    process = subprocess.Popen(
        [sys.executable, "-m", "dd0c_route", "count"], env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    line = json.dumps(CHAT).encode() + b"\n"
    with process:
        process.stdin.write(line)
        process.stdin.flush()
        process.stdout.readline()  # by now the vocabulary is there
        before = _processor_s(process.pid)
        for _ in range(lines):
            process.stdin.write(line)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["input_tokens"] == 10
        used = _processor_s(process.pid) - before
    assert used < 2 * lines / 1000, f"{used:.2f} s of processor time for {lines} lines"


def _processor_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / 100


def test_an_answer_is_no_longer_than_its_request_allows() -> None:
    line = {"api": "anthropic.messages", "model": "claude-sonnet-4-5", "output_text": "one two three four"}
    whole = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 100}
    assert counted(line | {"request": whole})["output_tokens"] == 4 + 3
    cut = counted(line | {"request": whole | {"max_tokens": 5}})
    assert (cut["output_tokens"], cut["output_exactness"], cut["output_band"]) == (5, "exact", (5, 5))
    assert counted(line | {"request": whole | {"max_tokens": 7}})["output_band"] == (6, 7)


@pytest.mark.parametrize("api", APIS)
def test_every_recording_is_counted(api: str) -> None:
    start = time.process_time()
    seen = 0
    for record in recordings(api):
        if not isinstance(record["request"], dict):
            continue
        seen += 1
        line = {"api": api, "provider": record["provider"], "model": record["model"] or "unnamed"}
        answer = counted({**line, "request": record["request"], "output_text": "Hello."})
        assert 0 <= answer["band"][0] <= answer["input_tokens"] <= answer["band"][1], record["id"]
    assert seen
    assert time.process_time() - start < 0.05 * seen + 10


def test_with_a_configuration_its_router_has_taught_what_to_correct(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text('[ledger]\nurl = "sqlite:///here.db"\n')
    line = {"api": "openai.chat", "provider": "acme", "model": "acme-1", "request": CHAT["request"]}
    before = counts(line)
    learning = Learning()
    count = Count(before["input_tokens"], "estimated", tuple(before["band"]), before["tokenizer"])
    for number in range(5):
        learning.add(Audit(str(number), "acme", "acme-1", "openai.chat", count, count.tokens + 500))
    (tmp_path / "here.db.journal").mkdir()
    publish(tmp_path / "here.db.journal", learning)
    _, (corrected,) = run(["count", "--config", str(tmp_path / "dd0c.toml")], line)
    assert corrected["input_tokens"] == before["input_tokens"] + 500
    assert counts(line) == before
