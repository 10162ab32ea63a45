"""A choice that refuses the request does not stand between a client and the model that it asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy.test_routed import PRICES
from tests.stand import CHAT, Process, Stand

ROUTE = (
    """
[[routes]]
match = { model = "gpt-4o" }
candidates = ["sim/gpt-4o-mini"]
policy = "pinned"
mode = "on"
control_share = 0
"""
    + PRICES
)


class Refusing(Stand):
    """The cheap model answers with *status*, the dear one well unless *both*."""

    def __init__(self, folder: Path, status: int, *, both: bool = False) -> None:
        super().__init__(folder, ROUTE)
        self._refuses, self._status = ("*" if both else "gpt-4o-mini"), status

    def start_simulator(self) -> None:
        script = self.folder / "script.toml"
        script.write_text(f'[[rule]]\nmatch = {{ model = "{self._refuses}" }}\nstatus = {self._status}\n')
        command = ["-m", "dd0c_route.upstream.simulator", "--port", str(self.sim_port), "--script", str(script)]
        self.simulator = Process(command, self.environ, self.folder / "simulator.log", self.folder)
        self.sim_port = int(self.simulator.line().rpartition(":")[2])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 404])
def test_the_model_asked_for_answers_in_its_place(tmp_path: Path, status: int, stream: bool) -> None:
    with Refusing(tmp_path, status) as stand:
        answer = stand.post("/v1/chat/completions", {**CHAT, "model": "gpt-4o", "stream": stream})
        assert (answer.status, answer.headers["x-dd0c-model"]) == (200, "gpt-4o")
        entry = stand.entry(answer.id)
        assert [one["error"] for one in entry["attempts"]] == [f"status_{status}", None]
        assert (entry["end_state"], entry["saved_picodollars"]) == ("complete", 0)


def test_where_both_refuse_the_word_of_the_model_asked_for_counts(tmp_path: Path) -> None:
    with Refusing(tmp_path, 404, both=True) as stand:
        answer = stand.post("/v1/chat/completions", {**CHAT, "model": "gpt-4o"})
        assert (answer.status, answer.headers["x-dd0c-model"]) == (404, "gpt-4o")
        assert len(stand.entry(answer.id)["attempts"]) == 2
