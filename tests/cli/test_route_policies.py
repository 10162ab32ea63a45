"""`route` with policies that promise and pace: what a configuration file alone makes them do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.brain.training.fit import fit
from tests.brain.examples import LAW, SUM, labels
from tests.cli.programs import ran

CONFIG = """
[providers.local]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"

[brain]
file = "small.brain"

[[routes]]
match = {{ model = "strong" }}
candidates = ["local/weak"]
mode = "on"
control_share = 0
{settings}

[[prices]]
provider = "local"
model = "strong"
input = 10
output = 20

[[prices]]
provider = "local"
model = "weak"
input = 1
output = 2
"""
PROMISED = 'policy = "risk-bound"\nepsilon = 0.1\ndelta = 0.1\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor that tells sums from law, and other labels to promise by."""
    made = tmp_path_factory.mktemp("policies")
    fit(labels(400), None).save(made / "small.brain")
    for name, count in (("labels.jsonl", 600), ("few.jsonl", 20)):
        others = labels(count, seed=5)
        lines = [
            json.dumps({"prompt": prompt, "model": model, "score": float(score)})
            for prompt, scores in zip(others.prompts, others.scores, strict=True)
            for model, score in zip(others.models, scores, strict=True)
        ]
        (made / name).write_text("\n".join(lines))
    return made


def configured(folder: Path, settings: str) -> str:
    return CONFIG.format(settings=settings).replace("small.brain", str(folder / "small.brain"))


def decisions(folder: Path, settings: str, *texts: str) -> list[dict[str, Any]]:
    config = folder / "dd0c.toml"
    config.write_text(configured(folder, settings))
    lines = [
        json.dumps({"id": number, "request": {"model": "strong", "messages": [{"role": "user", "content": text}]}})
        for number, text in enumerate(texts)
    ]
    result = ran(folder, "route", "--config", str(config), stdin="\n".join(lines))
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_promise_from_labels_routes_what_is_safe_and_says_what_it_rests_on(folder: Path) -> None:
    easy, hard = decisions(folder, PROMISED + 'calibration = "labels.jsonl"', SUM, LAW)

    assert (easy["target"], hard["target"]) == ("local/weak", "local/strong")
    assert easy["promise"]["given"] is True
    assert (easy["promise"]["labels"], easy["promise"]["epsilon"]) == (600, 0.1)
    assert easy["promise"]["upper"] <= 0.1
    assert easy["plan"] == ["local/weak", "local/strong"]


def test_too_few_labels_keep_the_model_asked_for(folder: Path) -> None:
    (kept,) = decisions(folder, PROMISED + 'calibration = "few.jsonl"', SUM)

    assert (kept["verdict"], kept["target"]) == ("kept", "local/strong")
    assert kept["reason"] == "no promise: 20 labels, and at least 22 are needed"
    assert kept["promise"]["given"] is False


def test_without_labels_nothing_is_promised(folder: Path) -> None:
    (kept,) = decisions(folder, PROMISED, SUM)
    assert (kept["target"], kept["reason"]) == ("local/strong", "no promise: no labels to show it by")


def test_a_budget_begins_with_nothing_and_the_cheapest_model(folder: Path) -> None:
    (first,) = decisions(folder, 'policy = "budget"\nusd_per_hour = 0.001', LAW)
    assert (first["target"], first["reason"]) == ("local/weak", "the budget is spent: the cheapest")


def test_labels_that_cannot_be_read_are_a_fault_of_the_configuration(folder: Path) -> None:
    (folder / "wrong.jsonl").write_text('{"prompt": "x", "model": "weak", "score": 7}\n')
    config = folder / "dd0c.toml"
    config.write_text(configured(folder, PROMISED + 'calibration = "wrong.jsonl"'))
    result = ran(folder, "route", "--config", str(config), stdin="{}")

    assert result.returncode == 1
    assert b"routes[0].calibration: line 1: score 7 is not within 0 and 1" in result.stderr
