"""`brain`: labels in, a predictor out; prompts in, odds out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.brain.examples import LAW, SUM, labels
from tests.cli.test_lines import run


@pytest.fixture
def labels_file(tmp_path: Path) -> Path:
    known = labels(200)
    lines = [
        json.dumps({"prompt": prompt, "model": model, "score": float(score)})
        for prompt, row in zip(known.prompts, known.scores, strict=True)
        for model, score in zip(known.models, row, strict=True)
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_what_was_fitted_is_asked(labels_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.brain"
    result, (done,) = run(["brain", "fit", "--no-prior", "--json", "--labels", str(labels_file), "--out", str(out)])
    assert result.exit_code == 0
    assert (done["prompts"], done["labels"], done["models_known"]) == (200, 400, 2)

    _, answers = run(["brain", "predict", "--brain", str(out)], {"id": 1, "prompt": SUM}, {"id": "b", "prompt": LAW})
    assert [answer["id"] for answer in answers] == [1, "b"]
    assert answers[0]["p_good"]["weak"] > answers[1]["p_good"]["weak"] + 0.2
    assert all(0 <= answer["support"] <= 1 and answer["decide_us"] > 0 for answer in answers)


def test_a_prompt_may_be_anything_but_no_text(labels_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.brain"
    run(["brain", "fit", "--no-prior", "--json", "--labels", str(labels_file), "--out", str(out)])
    lines: list[Any] = [{"id": 1, "prompt": ""}, {"id": 2, "prompt": 3}, {"id": 3, "prompt": "x" * 500_000}]
    _, answers = run(["brain", "predict", "--brain", str(out)], *lines)
    assert "p_good" in answers[0]
    assert answers[1]["error"] == "invalid_line"
    assert "p_good" in answers[2]
