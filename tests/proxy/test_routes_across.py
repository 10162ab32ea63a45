"""Routes whose candidates speak different dialects: what rules one out, what binds them, who may drop fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dd0c_route.brain.training.fit import fit
from dd0c_route.brain.training.labels import Labels
from tests.brain.examples import labels
from tests.cli.programs import ran
from tests.proxy.test_shadow_calls import asides
from tests.stand import PROVIDERS, Answer, Process, Stand, until

POLICIES = ("cheapest-capable", "cascade", "risk-bound", "budget", "weighted", "pinned", "ordered")
CANDIDATES = '["sim-anthropic/claude-haiku-4-5", "sim/gpt-4o-mini"]'
CLAUDE, GPT = "sim-anthropic/claude-haiku-4-5", "sim/gpt-4o-mini"
ROUTE = """
[[routes]]
match = {{ tags = {{ case = "{case}" }} }}
candidates = {candidates}
policy = "{policy}"
mode = "{mode}"
floor = {floor}
usd_per_hour = 100
weights = {weights}
control_share = 0
{more}
"""
PRICES = "".join(
    f'\n[[prices]]\nprovider = "{provider}"\nmodel = "{model}"\ninput = {rate}\noutput = {rate}\n'
    for provider, model, rate in (
        ("sim", "gpt-4o", 5), ("sim", "gpt-4o-mini", 2), ("sim-anthropic", "*", 1), ("sim-lax", "*", 1),
    )
)  # fmt: skip
LAX = """
[providers.sim-lax]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"
drop = true
"""
SCRIPT = """
[[rule]]
match = { model = "claude-haiku-4-5", header = { x-case = "bad" } }
text = "I'm sorry, but I can't help with that."

[[rule]]
match = { model = "gpt-4o*", header = { x-case = "bad" } }
text = '{"a": 2}'

[[rule]]
match = { header = { x-case = "good" } }
text = '{"a": 1}'
"""
TOOL = {"name": "look", "parameters": {"type": "object"}}
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is 2 + 3?"}]}


def route(case: str, policy: str = "ordered", candidates: str = CANDIDATES, mode: str = "on", more: str = "") -> str:
    weights = "[1, 0]" if policy == "weighted" else "[]"
    floor = 0.87 if policy == "cascade" else 0.5
    return ROUTE.format(
        case=case, policy=policy, candidates=candidates, mode=mode, weights=weights, floor=floor, more=more
    )


CONFIG = (
    "".join(route(policy, policy) for policy in POLICIES)
    + route("lax-route", more="drop = true")
    + route("lax-provider", candidates='["sim-lax/claude-haiku-4-5", "sim/gpt-4o-mini"]')
    + route("shadow", mode="shadow", more="shadow_share = 1.0\nshadow_usd_per_day = 1000.0")
    + PRICES
)


class Scripted(Stand):
    """The stand with a simulator that plays `SCRIPT`."""

    def start_simulator(self) -> None:
        script = self.folder / "script.toml"
        script.write_text(SCRIPT)
        command = ["-m", "dd0c_route.upstream.simulator", "--port", str(self.sim_port), "--script", str(script)]
        self.simulator = Process(command, self.environ, self.folder / "simulator.log", self.folder)
        self.sim_port = int(self.simulator.line().rpartition(":")[2])


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("across")
    brain = folder / "sure.brain"
    some = labels(200)
    scores = np.full((200, 2), 0.85, np.float32)
    models = ["claude-haiku-4-5", "gpt-4o-mini"]
    fit(Labels(some.prompts, models, scores, np.ones((200, 2), np.bool_)), None).save(brain)
    config = f'\n[brain]\nfile = "{brain}"\nbudget_us = 10000000\n{CONFIG}'
    with Scripted(folder, config, providers=PROVIDERS + LAX) as running:
        yield running


def ask(stand: Stand, case: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    answer = stand.post("/v1/chat/completions", body, {"x-dd0c-tags": f"case={case}", **(headers or {})})
    assert answer.status == 200, answer.body
    return answer


def ruled_out(decision: dict[str, Any]) -> dict[str, str | None]:
    return {one["target"]: one.get("ruled_out") for one in decision["candidates"]}


# --- what a dialect cannot be told ------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_a_candidate_that_cannot_be_told_all_is_ruled_out_by_the_name_of_the_field(stand: Stand, policy: str) -> None:
    body = {**ASKED, "seed": 7, "n": 1}
    answer = ask(stand, policy, body)
    decision = stand.entry(answer.id)["decision"]

    assert answer.headers["x-dd0c-model"] != "claude-haiku-4-5"
    assert ruled_out(decision)[CLAUDE] == "cannot be given seed"
    assert not ruled_out(decision)[GPT]
    assert "cannot be given seed" in ran(stand.folder, "explain", answer.id, environ=stand.environ).stdout.decode()
    line = json.dumps({"id": answer.id, "request": body, "headers": {"x-dd0c-tags": f"case={policy}"}})
    result = ran(
        stand.folder, "route", "--config", str(stand.config_path), stdin=line + "\n", environ=stand.environ
    )  # fmt: skip
    offline = json.loads(result.stdout)
    assert ruled_out(offline) == ruled_out(decision)
    assert offline["plan"] == decision["plan"] or policy == "budget"  # which remembers what was spent


@pytest.mark.parametrize("policy", ["cheapest-capable", "weighted", "pinned", "ordered"])
def test_one_that_can_be_told_all_answers_in_the_callers_dialect(stand: Stand, policy: str) -> None:
    answer = ask(stand, policy, ASKED, {"x-case": "good"})
    entry = stand.entry(answer.id)

    assert answer.headers["x-dd0c-model"] == "claude-haiku-4-5", entry["decision"]
    assert answer.json()["choices"][0]["message"]["content"] == '{"a": 1}'
    assert entry["saved_picodollars"] > 0


@pytest.mark.parametrize(
    ("case", "headers"), [("lax-route", {}), ("lax-provider", {}), ("ordered", {"x-dd0c-drop": "on"})]
)
def test_where_somebody_allows_it_the_field_is_left_out_and_named(
    stand: Stand, case: str, headers: dict[str, str]
) -> None:
    answer = ask(stand, case, {**ASKED, "seed": 7}, headers)
    decision = stand.entry(answer.id)["decision"]

    assert answer.headers["x-dd0c-model"] == "claude-haiku-4-5"
    assert answer.headers["x-dd0c-dropped"] == "seed"
    assert decision["dropped"] == ["seed"]
    assert "seed" in ran(stand.folder, "explain", answer.id, environ=stand.environ).stdout.decode()


@pytest.mark.parametrize(("headers", "model"), [({}, "gpt-4o"), ({"x-dd0c-drop": "on"}, "claude-haiku-4-5")])
def test_tools_of_a_providers_own_rule_others_out_unless_they_may_be_dropped(
    stand: Stand, headers: dict[str, str], model: str
) -> None:
    body = {"model": "gpt-4o", "input": "What is 2 + 3?", "tools": [{"type": "web_search"}]}
    answer = stand.post("/v1/responses", body, {"x-dd0c-tags": "case=ordered", **headers})

    assert answer.headers["x-dd0c-model"] == model
    assert stand.entry(answer.id)["decision"].get("dropped") == (["tools: web_search"] if headers else None)


# --- what binds a conversation ----------------------------------------------------------------------------------------


def test_a_tool_loop_stays_with_who_began_it_across_dialects(stand: Stand) -> None:
    headers = {"x-dd0c-session": "loop"}
    body = {**ASKED, "tools": [{"type": "function", "function": TOOL}]}
    first = ask(stand, "ordered", body, {**headers, "x-sim": "tool=1"})
    said = first.json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "5"}
    again = {**body, "messages": [*body["messages"], said, result], "seed": 7}  # the first candidate cannot have that
    bound = ask(stand, "ordered", again, {**headers, "x-dd0c-drop": "on"})

    assert first.headers["x-dd0c-model"] == bound.headers["x-dd0c-model"] == "claude-haiku-4-5"
    assert "in a tool loop of claude-haiku-4-5" in bound.headers["x-dd0c-decision"]


def test_thoughts_that_came_from_another_dialect_stay_with_who_had_them(stand: Stand) -> None:
    """To a Messages client they are signed in our name, and its next request brings them back."""
    asked = {"model": GPT, "max_tokens": 3000, "messages": ASKED["messages"]}
    headers = {"x-dd0c-session": "thoughts", "x-sim": "reasoning=5"}
    first = stand.post("/v1/messages", asked, headers)
    content = first.json()["content"]
    assert content[0]["type"] == "thinking"
    again = [*ASKED["messages"], {"role": "assistant", "content": content}, *ASKED["messages"]]
    second = stand.post("/v1/messages", {**asked, "messages": again}, {**headers, "x-sim": "echo=1"})

    assert second.status == 200, second.body
    assert second.headers["x-dd0c-model"] == "gpt-4o-mini"


# --- policies that ask twice ------------------------------------------------------------------------------------------

FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "required": ["a"]}}}


@pytest.mark.parametrize(("case", "said", "served"), [("good", {"a": 1}, CLAUDE), ("bad", {"a": 2}, "sim/gpt-4o")])
def test_a_cascade_checks_the_answer_of_another_dialect_and_goes_on_where_it_fails(
    stand: Stand, case: str, said: dict[str, int], served: str
) -> None:
    answer = ask(stand, "cascade", {**ASKED, "response_format": FORM}, {"x-case": case})
    entry = stand.entry(answer.id)

    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == said
    assert f"{entry['provider']}/{entry['served_model']}" == served
    assert entry["attempts"][0]["target"] == CLAUDE
    if case == "bad":
        assert entry["attempts"][0]["error"].startswith("check_failed")
        assert entry["attempts"][0]["cost_picodollars"] > 0


def test_a_candidate_of_another_dialect_is_asked_in_the_shadow(stand: Stand) -> None:
    answer = ask(stand, "shadow", ASKED, {"x-case": "good"})
    (aside, *_) = asides(stand, answer.id, 1)

    assert answer.headers["x-dd0c-model"] == "gpt-4o"
    assert (aside["provider"], aside["end_state"]) == ("sim-anthropic", "complete")
    assert aside["usage_source"] == "provider_final"
    until(lambda: stand.entry(answer.id)["feedback"], "what the comparison came to")
