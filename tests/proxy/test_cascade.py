"""A cheap answer is checked before the client sees it: real processes, one answer, both calls on the bill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dd0c_route.brain.training.fit import fit
from dd0c_route.brain.training.labels import Labels
from tests.brain.examples import labels
from tests.stand import Process, Stand

SCRIPT = """
[[rule]]
match = { model = "cheap", header = { x-case = "good" } }
text = '{"a": 1}'

[[rule]]
match = { model = "cheap", header = { x-case = "long" } }
chunks = 3000
chunk_bytes = 500

[[rule]]
match = { model = "cheap", header = { x-case = "tool" } }
tool = true

[[rule]]
match = { model = "cheap", header = { x-case = "refused" } }
text = "I'm sorry, but I can't help with that."

[[rule]]
match = { model = "cheap", header = { x-case = "differ" } }
times = 1
text = '{"a": 1}'

[[rule]]
match = { model = "cheap", header = { x-case = "differ" } }
text = '{"a": 9}'

[[rule]]
match = { model = "cheap", header = { x-case = "once" } }
times = 1
text = '{"a": 1}'

[[rule]]
match = { model = "cheap", header = { x-case = "once" } }
status = 503

[[rule]]
match = { model = "cheap" }
text = "no JSON at all"

[[rule]]
match = { model = "dear", header = { x-case = "busy" } }
status = 503

[[rule]]
match = { model = "dear", header = { x-case = "away" } }
cut_head = 0

[[rule]]
match = { model = "dear" }
text = '{"a": 2}'
"""
CONFIG = """
[brain]
file = "cheap.brain"

[[routes]]
match = { model = "dear", tags = { care = "great" } }
candidates = ["sim/cheap", "sim/dear"]
policy = "cascade"
floor = 0.95
mode = "on"
control_share = 0

[[routes]]
match = { model = "dear" }
candidates = ["sim/cheap", "sim/dear"]
policy = "cascade"
floor = 0.87
mode = "on"
control_share = 0

[[models]]
model = "*"
can = ["schema", "json", "tools"]
context = 100000
output = 10000

[[prices]]
provider = "sim"
model = "cheap"
input = 1
output = 2

[[prices]]
provider = "sim"
model = "dear"
input = 10
output = 20
"""
FORM = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "required": ["a"]}}}
CALL: dict[str, Any] = {
    "model": "dear",
    "messages": [{"role": "user", "content": "What is the sum of 123 and 456? Write the number."}],
    "response_format": FORM,
}


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
    folder = tmp_path_factory.mktemp("cascade")
    brain = folder / "cheap.brain"
    mostly_good(brain)
    with Scripted(folder, CONFIG.replace("cheap.brain", str(brain))) as running:
        yield running


def mostly_good(path: Path) -> None:
    """A predictor that gives `cheap` 0.85 for anything and knows nothing of `dear`."""
    some = labels(200)
    scores = np.full((200, 1), 0.85, np.float32)
    fit(Labels(some.prompts, ["cheap"], scores, np.ones((200, 1), np.bool_)), None).save(path)


def asked(stand: Stand, case: str, tags: str = "care=little", **changes: Any) -> tuple[Any, dict[str, Any]]:
    answer = stand.post("/v1/chat/completions", CALL | changes, {"x-case": case, "x-dd0c-tags": tags})
    return answer, stand.entry(answer.id)


def tries(entry: dict[str, Any]) -> list[tuple[str, int | None, str | None]]:
    return [(one["target"], one["status"], one["error"]) for one in entry["attempts"]]


def adds_up(entry: dict[str, Any]) -> None:
    assert sum(line["amount_picodollars"] for line in entry["price_lines"]) == entry["cost_picodollars"]


def test_a_cheap_answer_that_keeps_the_form_is_the_answer(stand: Stand) -> None:
    answer, entry = asked(stand, "good")

    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"a": 1}
    assert answer.headers["x-dd0c-model"] == "cheap"
    assert tries(entry) == [("sim/cheap", 200, None)]
    assert entry["decision"]["policy"] == "cascade"
    assert entry["attempts"][0]["usage"] is None
    assert entry["usage_source"] == "provider_final"
    adds_up(entry)


def test_one_that_breaks_it_is_paid_and_the_client_sees_only_the_next(stand: Stand) -> None:
    answer, entry = asked(stand, "bad")

    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"a": 2}
    assert answer.headers["x-dd0c-model"] == "dear"
    assert tries(entry) == [("sim/cheap", 200, "check_failed:schema"), ("sim/dear", 200, None)]
    unused = entry["attempts"][0]
    paid = unused["usage"]["input"] * 1_000_000 + unused["usage"]["output"] * 2_000_000
    own = entry["usage"]["input"] * 10_000_000 + entry["usage"]["output"] * 20_000_000
    assert 0 < paid == unused["cost_picodollars"]
    assert entry["cost_picodollars"] == entry["cost_billable_picodollars"] == own + paid
    assert (entry["baseline_picodollars"], entry["saved_picodollars"]) == (own, -paid)
    assert entry["price_lines"][-1] == {
        "class": "unused_answer",
        "tokens": 1,
        "rate_usd_per_mtok": str(paid // 1_000_000),
        "amount_picodollars": paid,
        "unit": "answer",
    }
    assert answer.headers["x-dd0c-cost-usd"] == entry["cost_usd"]
    adds_up(entry)


def test_a_refusal_is_noticed(stand: Stand) -> None:
    _, entry = asked(stand, "refused")
    assert tries(entry)[0] == ("sim/cheap", 200, "check_failed:schema,unrefused")


def test_a_call_of_a_tool_is_checked_by_its_schema(stand: Stand) -> None:
    function = {"name": "look_up", "parameters": {"type": "object", "required": ["never given"]}}
    _, entry = asked(stand, "tool", tools=[{"type": "function", "function": function}], response_format=None)
    assert tries(entry)[0] == ("sim/cheap", 200, "check_failed:tool_call")


@pytest.mark.parametrize("case", ["busy", "away"])
def test_where_nothing_better_comes_the_client_gets_what_was_held_back(stand: Stand, case: str) -> None:
    answer, entry = asked(stand, case)

    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["content"] == "no JSON at all"
    assert answer.headers["x-dd0c-model"] == "cheap"
    assert (entry["end_state"], entry["status"], entry["served_model"]) == ("complete", 200, "cheap")
    assert tries(entry)[0] == ("sim/cheap", 200, "check_failed:schema")
    assert all(one["usage"] is None for one in entry["attempts"])
    assert entry["cost_picodollars"] == entry["usage"]["input"] * 1_000_000 + entry["usage"]["output"] * 2_000_000
    adds_up(entry)


def test_an_answer_that_is_too_long_to_be_held_is_handed_on_as_it_came(stand: Stand) -> None:
    answer, entry = asked(stand, "long")

    assert answer.headers["x-dd0c-model"] == "cheap"
    assert len(answer.json()["choices"][0]["message"]["content"]) == 3000 * 500
    assert tries(entry) == [("sim/cheap", 200, None)]
    assert entry["delivered_bytes"] == len(answer.body)


def test_where_checks_would_say_too_little_the_model_asked_for_answers(stand: Stand) -> None:
    _, entry = asked(stand, "bad", response_format={"type": "text"})
    assert tries(entry) == [("sim/dear", 200, None)]


def test_two_cheap_answers_that_agree_are_the_answer_and_both_are_paid(stand: Stand) -> None:
    answer, entry = asked(stand, "good", "care=great")

    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"a": 1}
    assert tries(entry) == [("sim/cheap", 200, "asked_again"), ("sim/cheap", 200, None)]
    assert entry["decision"]["reason"] == "cheap first, checked and asked twice (floor 0.95)"
    own = entry["usage"]["input"] * 1_000_000 + entry["usage"]["output"] * 2_000_000
    assert entry["cost_picodollars"] == own + entry["attempts"][0]["cost_picodollars"] == 2 * own
    adds_up(entry)


def test_where_they_differ_the_next_is_asked(stand: Stand) -> None:
    answer, entry = asked(stand, "differ", "care=great")

    assert answer.headers["x-dd0c-model"] == "dear"
    assert tries(entry) == [
        ("sim/cheap", 200, "asked_again"),
        ("sim/cheap", 200, "check_failed:agreement"),
        ("sim/dear", 200, None),
    ]
    adds_up(entry)


def test_where_the_second_one_does_not_come_the_first_is_handed_on(stand: Stand) -> None:
    answer, entry = asked(stand, "once", "care=great")

    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"a": 1}
    assert tries(entry) == [("sim/cheap", 200, "asked_again"), ("sim/cheap", 503, "status_503")]
    adds_up(entry)


def test_of_a_model_that_is_told_not_to_vary_nothing_is_asked_twice(stand: Stand) -> None:
    _, entry = asked(stand, "good", "care=great", temperature=0.0)
    assert tries(entry) == [("sim/dear", 200, None)]


def test_a_stream_is_not_held_back(stand: Stand) -> None:
    _, entry = asked(stand, "bad", stream=True)
    assert tries(entry) == [("sim/dear", 200, None)]
