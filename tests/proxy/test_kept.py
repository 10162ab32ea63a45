"""A conversation that a provider keeps goes on there, whichever worker gets the call."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.stand import Stand

OTHER = """
[providers.other]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[[routes]]
match = {{ model = "auto" }}
candidates = ["other/sim-small"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""
WORKERS = "[server]\nworkers = 2\n"


def ask(stand: Stand, **more: Any) -> tuple[str, Any]:
    """One call; the id of its answer, and its entry."""
    answer = stand.post("/v1/responses", {"model": "auto", "input": "Say something.", **more})
    assert answer.status == 200, answer.body
    found = re.search(rb'"id": ?"(resp[^"]+)"', answer.body)
    assert found is not None
    return found[1].decode(), stand.entry(answer.id)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_continued_where_it_is_kept(tmp_path: Path, stream: bool) -> None:
    with Stand(tmp_path, OTHER + WORKERS) as stand:
        name, first = ask(stand, stream=stream)
        assert first["provider"] == "other"
        for _ in range(6):  # each on a connection of its own, so that both workers are asked
            _, entry = ask(stand, previous_response_id=name, model="sim-large")
            assert (entry["provider"], entry["served_model"]) == ("other", "sim-small")
            assert entry["decision"]["verdict"] == "pinned"
        _, entry = ask(stand, previous_response_id="resp_of_somebody_else", model="sim-large")
        assert entry["provider"] == "sim"


def test_an_answer_that_is_not_stored_binds_nothing(tmp_path: Path) -> None:
    with Stand(tmp_path, OTHER) as stand:
        name, first = ask(stand, store=False)
        assert first["provider"] == "other"
        _, entry = ask(stand, previous_response_id=name, model="sim-large")
        assert entry["provider"] == "sim"
        assert json.dumps(entry).count(name) == 0


def test_a_call_that_names_an_uploaded_file_is_not_rerouted(tmp_path: Path) -> None:
    with Stand(tmp_path, OTHER) as stand:
        parts = [{"type": "input_file", "file_id": "file-synthetic"}]
        _, entry = ask(stand, input=[{"role": "user", "content": parts}])
        assert (entry["provider"], entry["decision"]["verdict"]) == ("sim", "kept")
