"""Shadow calls, their judge and the roll-back: a real router before a real simulator that plays good and bad models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stand import CHAT, Process, Stand, until

REFUSAL = "I'm sorry, but I can't help with that."
CONFIG = """
[brain]
budget_us = 10000000
[[prices]]
provider = "sim"
model = "*"
input = 1.0
output = 2.0
[[routes]]
match = {{ model = "gpt-4o" }}
candidates = ["sim/gpt-4o-mini", "sim/gpt-4o"]
policy = "pinned"
mode = "MODE"
control_share = 0.0
shadow_share = 1.0
shadow_usd_per_day = 1000.0
"""
JUDGE = '[judge]\nmodel = "sim/gpt-4.1"\n'
ASKED = {**CHAT, "model": "gpt-4o"}


class ScriptedStand(Stand):
    """With rules of the simulator: what each model answers, and how often."""

    def __init__(self, folder: Path, config: str, *rules: tuple[str, str, int | None]) -> None:
        super().__init__(folder, config)
        self._rules = rules

    def start_simulator(self) -> None:
        script = self.folder / "script.toml"
        script.write_text("".join(
            f'[[rule]]\nmatch = {{ model = "{model}" }}\ntext = "{text}"\n' + (f"times = {times}\n" if times else "")
            for model, text, times in self._rules
        ))  # fmt: skip
        command = ["-m", "dd0c_route.upstream.simulator", "--port", str(self.sim_port), "--script", str(script)]
        self.simulator = Process(command, self.environ, self.folder / "simulator.log", self.folder)
        self.sim_port = int(self.simulator.line().rpartition(":")[2])

    def route(self) -> dict[str, Any]:
        (found,) = self.control("/api/v1/routes").json()["routes"]
        return dict(found)


def labels(stand: Stand, request_id: str, kind: str) -> list[dict[str, Any]]:
    """The labels of this kind, as soon as there is one."""

    def probe() -> list[dict[str, Any]]:
        return [one for one in stand.entry(request_id)["feedback"] if one.get("kind", "feedback") == kind]

    found: list[dict[str, Any]] = until(probe, f"a label of kind {kind}")
    return found


def asides(stand: Stand, request_id: str, count: int) -> list[dict[str, Any]]:
    """The router's own calls about one of a client's, oldest first."""

    def probe() -> list[dict[str, Any]] | None:
        found = [one for one in stand.control("/api/v1/requests").json()["requests"] if one["shadow_of"] == request_id]
        return found if len(found) >= count else None

    found: list[dict[str, Any]] = until(probe, f"{count} calls about {request_id}")
    return found[::-1]


@pytest.mark.parametrize("stream", [False, True])
def test_the_other_answer_is_asked_for_judged_in_both_orders_and_paid(tmp_path: Path, stream: bool) -> None:
    rules = [("gpt-4.1", "The first one.", 1), ("gpt-4.1", "SECOND", None), ("gpt-4o-mini", "A cheap answer.", None)]
    with ScriptedStand(tmp_path, CONFIG.replace("MODE", "shadow") + JUDGE, *rules) as stand:
        answer = stand.post("/v1/chat/completions", {**ASKED, "stream": stream})
        assert answer.headers["x-dd0c-model"] == "gpt-4o"
        (label,) = labels(stand, answer.id, "shadow")
        assert (label["score"], label["source"], label["target"]) == (0.0, "judge", "sim/gpt-4o-mini")
        shadow, *judged = asides(stand, answer.id, 3)
        assert (shadow["requested_model"], shadow["end_state"]) == ("gpt-4o-mini", "complete")
        assert [one["requested_model"] for one in judged] == ["gpt-4.1", "gpt-4.1"]
        for one in (shadow, *judged):
            assert one["cost_picodollars"] == sum(line["amount_picodollars"] for line in one["price_lines"]) > 0
            assert one["baseline_picodollars"] is None
        assert "cheap answer" not in str(stand.entries(4))


def test_what_a_provider_echoes_in_its_report_is_kept_of_no_call(tmp_path: Path) -> None:
    planted = "sk-proj-" + "a8Kd03mZq1Lp9Xc7Vb2N" * 2  # synthetic
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "echo": planted}
    config = CONFIG.replace("MODE", "shadow")
    with ScriptedStand(tmp_path, config, ("gpt-4o-mini", "A cheap answer.", None)) as stand:
        answer = stand.post("/v1/chat/completions", ASKED, headers={"x-sim": f"usage={json.dumps(usage)}"})
        (shadow,) = asides(stand, answer.id, 1)
        assert shadow["usage"]["output"] == 3
        assert planted not in str(stand.entries(2))


def test_the_form_of_every_answer_of_a_route_is_checked(tmp_path: Path) -> None:
    config = CONFIG.replace("MODE", "shadow").replace("shadow_share = 1.0", "shadow_share = 0.0")
    with ScriptedStand(tmp_path, config, ("gpt-4o", REFUSAL, 1)) as stand:
        refused, answered = (stand.post("/v1/chat/completions", ASKED).id for _ in range(2))
        (bad,), (good,) = labels(stand, refused, "check"), labels(stand, answered, "check")
        assert (bad["score"], bad["checks"]["unrefused"]) == (0.0, False)
        assert (good["score"], set(good["checks"].values())) == (1.0, {True})
        assert len(stand.entries(2)) == 2


def test_a_model_that_turns_bad_rolls_its_route_back_until_somebody_resets_it(tmp_path: Path) -> None:
    good = 10
    rules = [("gpt-4o-mini", "A good answer.", good), ("gpt-4o-mini", REFUSAL, None)]
    with ScriptedStand(tmp_path, CONFIG.replace("MODE", "on"), *rules) as stand:

        def call() -> str:
            answer = stand.post("/v1/chat/completions", ASKED)
            labels(stand, answer.id, "shadow")
            return answer.headers["x-dd0c-model"]

        assert [call() for _ in range(good)] == ["gpt-4o-mini"] * good
        assert stand.route()["state"] == "on"
        served = []
        for _ in range(25):
            served.append(call())
            if stand.route()["state"] == "rolled_back":
                break
        assert set(served) == {"gpt-4o-mini"}
        assert stand.route()["rolled_back"]["kind"] == "shadow"
        until(lambda: call() == "gpt-4o", "the roll-back in the worker")
        assert "rolled back" in stand.get("/api/v1/requests?limit=3").body.decode()

        route = stand.route()["id"]
        stand.router.stop()
        stand.start_router()
        assert call() == "gpt-4o"
        assert stand.post(f"/api/v1/routes/{route}/reset", {}).status == 200
        until(lambda: stand.route()["state"] == "on" and stand.gauge("dd0c_routes_rolled_back") == 0, "the reset")
        stand.router.stop()
        stand.start_router()
        assert call() == "gpt-4o-mini"


def test_nobody_is_asked_with_the_callers_own_key(tmp_path: Path) -> None:
    config = CONFIG.replace("MODE", "shadow")
    with ScriptedStand(tmp_path, config) as stand:
        text = stand.config_path.read_text().replace('api_key = { env = "SIM_KEY" }', "", 1)
        stand.config_path.write_text(text)
        until(lambda: stand.post("/api/v1/reload", {}).status == 200, "the reload")
        answer = stand.post("/v1/chat/completions", ASKED, {"authorization": "Bearer synthetic-caller-key"})
        labels(stand, answer.id, "check")
        assert len(stand.entries(1)) == 1


def test_no_more_is_spent_than_the_budget_whatever_is_started_again(tmp_path: Path) -> None:
    config = CONFIG.replace("MODE", "shadow").replace("usd_per_day = 1000.0", "usd_per_day = 0.004")
    calls = 0
    with ScriptedStand(tmp_path, config, ("gpt-4o-mini", "word " * 200, None)) as stand:
        for _ in range(3):
            for _ in range(8):
                asked = stand.post("/v1/chat/completions", ASKED)
            calls += 8
            labels(stand, asked.id, "check")
            assert stand.router.stop() == 0
            stand.start_router()
        about = [one for one in stand.entries(calls) if one["shadow_of"]]
    assert 0 < sum(one["cost_billable_picodollars"] for one in about) <= 0.004 * 1e12
    assert 0 < len(about) < calls


def test_a_budget_that_pays_for_no_comparison_says_so(tmp_path: Path) -> None:
    config = CONFIG.replace("MODE", "shadow").replace("usd_per_day = 1000.0", "usd_per_day = 0.0000001")
    with ScriptedStand(tmp_path, config, ("gpt-4o-mini", "yes", None)) as stand:
        for _ in range(2):
            labels(stand, stand.post("/v1/chat/completions", ASKED).id, "check")
        assert not [one for one in stand.entries(2) if one["shadow_of"]]
        (said,) = [line for line in stand.router.log.read_text().splitlines() if "shadow_unaffordable" in line]
        assert "shadow_usd_per_day" in said


def test_what_a_route_saves_is_measured_against_calls_that_chance_kept(tmp_path: Path) -> None:
    config = CONFIG.replace("MODE", "on").replace("control_share = 0.0", "control_share = 0.3")
    dear = '[[prices]]\nprovider = "sim"\nmodel = "gpt-4o"\ninput = 100.0\noutput = 200.0\n'
    config = config.replace("shadow_share = 1.0", "shadow_share = 0.0").replace("[[prices]]", dear + "[[prices]]", 1)
    with ScriptedStand(tmp_path, config) as stand:
        models = [stand.post("/v1/chat/completions", ASKED).headers["x-dd0c-model"] for _ in range(40)]
        kept = [one for one in stand.confirmed(40) if one["decision"].get("control")]
        assert len(kept) == models.count("gpt-4o") > 1
        measured = stand.route()["measured"]
        assert (measured["control"]["calls"], measured["routed"]["calls"]) == (len(kept), 40 - len(kept))
        assert measured["saved_share"] == pytest.approx(0.99)
        assert stand.post(f"/api/v1/requests/{kept[0]['id']}/feedback", {"score": "good"}).status == 200
        until(lambda: stand.route()["measured"]["control"]["feedback"] == 1, "the score of the control group")
