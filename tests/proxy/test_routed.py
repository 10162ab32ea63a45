"""Routing end to end: a real router before a real simulated provider."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brain.test_request import CALLED, RESULT, TOOL, user
from tests.cli.programs import ran
from tests.stand import Stand, until

PRICES = "".join(
    f'\n[[prices]]\nprovider = "sim"\nmodel = "{model}"\ninput = {rate}\noutput = {rate}\n'
    for model, rate in (("half", 2.5), ("gpt-4o", 2.5), ("gpt-4o-mini", 0.15), ("gpt-3.5-turbo", 0.1))
)
ROUTES = (
    """
[[routes]]
match = { model = "gpt-4o", kind = "title" }
candidates = ["sim/gpt-3.5-turbo"]
policy = "pinned"
mode = "on"
control_share = 0

[[routes]]
match = { model = "gpt-4o" }
candidates = ["sim/unpriced", "sim/gpt-3.5-turbo", "sim/gpt-4o-mini", "sim/gpt-4o"]
policy = "ordered"
mode = "on"
control_share = 0

[[routes]]
match = { model = "sim/gpt-4o?*" }
candidates = ["sim/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0

[[routes]]
match = { model = "half" }
candidates = ["sim/gpt-4o-mini"]
policy = "ordered"
mode = "canary"
share = 0.5
control_share = 0.2
"""
    + PRICES
)
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("routed"), ROUTES, options=("--workers", "2")) as stand:
        stand.control("/api/v1/brain")
        yield stand


def served(stand: Stand, *messages: Any, model: str = "gpt-4o", headers: dict[str, str] | None = None,
           **more: Any) -> str:  # fmt: skip
    body = {"model": model, "messages": list(messages) or [user("Say something.")], **more}
    answer = stand.post("/v1/chat/completions", body, headers)
    assert answer.status == 200, answer.body
    return answer.headers["x-dd0c-model"]


def test_what_a_request_uses_decides_who_may_answer(stand: Stand) -> None:
    assert served(stand, user("Say one thing.")) == "gpt-3.5-turbo"
    assert served(stand, user([{"type": "text", "text": "What is it?"}, IMAGE])) == "gpt-4o-mini"
    assert served(stand, user("As JSON."), response_format={"type": "json_schema"}) == "gpt-4o-mini"
    assert served(stand, user("In sound."), modalities=["text", "audio"]) == "gpt-4o"


def test_a_kind_of_request_has_its_route(stand: Stand) -> None:
    assert served(stand, headers={"x-dd0c-kind": "title"}) == "gpt-3.5-turbo"
    answer = stand.post(
        "/v1/chat/completions",
        {"model": "gpt-4o", "messages": [user("Write a title for this chat")], "max_tokens": 20},
    )
    entry = stand.entry(answer.id)
    assert (entry["decision"]["kind"], entry["decision"]["route"]) == ("title", 0)


def test_a_tool_loop_stays_with_who_is_asked_or_who_began_it(stand: Stand) -> None:
    assert served(stand, user("a"), CALLED, RESULT, tools=[TOOL]) == "gpt-4o"
    # Behind one connection there is one worker, and that remembers.
    connection = http.client.HTTPConnection("127.0.0.1", stand.port, timeout=20)
    models = []
    for messages in ([user("b")], [user("b"), CALLED, RESULT]):
        body = json.dumps({"model": "gpt-4o", "messages": messages, "tools": [TOOL]})
        connection.request("POST", "/v1/chat/completions", body, {"x-dd0c-session": "loop"})
        response = connection.getresponse()
        response.read()
        models.append(response.headers["x-dd0c-model"])
    connection.close()
    assert models == ["gpt-3.5-turbo", "gpt-3.5-turbo"]


@pytest.mark.parametrize("stream", [False, True])
def test_conversations_with_one_opening_keep_their_tool_loops_apart(stand: Stand, *, stream: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", stand.port, timeout=20)  # one worker

    def asked(messages: list[Any]) -> tuple[str, str]:
        body = {"model": "half", "messages": messages, "tools": [TOOL], "stream": stream}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"x-sim": "tool"})
        response = connection.getresponse()
        id = re.search(r'"id": ?"(call_[^"]+)"', response.read().decode())
        assert id is not None
        return response.headers["x-dd0c-model"], id[1]

    openings = [[user("c"), {"role": "assistant", "content": "Well?"}, user(f"{stream} {i}")] for i in range(12)]
    begun = [asked(opening) for opening in openings]
    called: Any = CALLED["tool_calls"]
    calls = [({**called[0], "id": id}, id) for _, id in begun]
    ended = [
        asked([*opening, {"role": "assistant", "tool_calls": [one]}, {**RESULT, "tool_call_id": id}])
        for opening, (one, id) in zip(openings, calls, strict=True)
    ]
    connection.close()
    models = [model for model, _ in begun]
    assert set(models) == {"half", "gpt-4o-mini"}
    assert [model for model, _ in ended] == models


def test_no_name_of_a_model_becomes_a_header(stand: Stand) -> None:
    body = {"model": "sim/gpt-4o\r\nx-own: 1", "messages": [user("a"), CALLED, RESULT], "tools": [TOOL]}
    answer = stand.post("/v1/chat/completions", body)
    assert answer.status == 200
    assert answer.headers["x-dd0c-decision"] == "kept; reason=in a tool loop of gpt-4o??x-own: 1"
    assert "x-own" not in answer.headers


def test_the_header_wins_over_everything(stand: Stand) -> None:
    assert served(stand, headers={"x-dd0c-route": "off", "x-dd0c-kind": "title"}) == "gpt-4o"


def test_canary_and_control_group_fall_by_the_call_s_id_and_are_marked(stand: Stand, tmp_path: Path) -> None:
    answers = [stand.post("/v1/chat/completions", {"model": "half", "messages": [user(str(i))]}) for i in range(40)]
    entries = [stand.entry(answer.id) for answer in answers]
    decisions = [entry["decision"] for entry in entries]
    control = [one for one in decisions if one.get("control")]
    routed = [one for one in decisions if one["verdict"] == "routed"]
    assert control
    assert routed
    assert all(one["plan"][0] == "sim/half" and one["shadow"] == "sim/gpt-4o-mini" for one in control)
    assert all(not one.get("control") for one in routed)
    lines = "".join(
        json.dumps({"id": answer.id, "request": {"model": "half", "messages": [user(str(i))]}}) + "\n"
        for i, answer in enumerate(answers)
    )
    result = ran(tmp_path, "route", "--config", str(stand.config_path), stdin=lines, environ=stand.environ)
    offline = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["plan"] for one in offline] == [one["plan"] for one in decisions]
    assert [one.get("control") for one in offline] == [one.get("control") for one in decisions]


def test_an_entry_explains_itself(stand: Stand, tmp_path: Path) -> None:
    answer = stand.post("/v1/chat/completions", {"model": "gpt-4o", "messages": [user([IMAGE])]})
    decision = stand.entry(answer.id)["decision"]
    ruled_out = {one["target"]: one.get("ruled_out") for one in decision["candidates"]}
    assert ruled_out == {
        "sim/unpriced": "has no price",
        "sim/gpt-3.5-turbo": "lacks vision",
        "sim/gpt-4o-mini": None,
        "sim/gpt-4o": None,
    }
    assert all(one["expected_cost_picodollars"] > 0 for one in decision["candidates"])
    assert len(json.dumps(decision)) < 1500
    shown = ran(tmp_path, "explain", answer.id, "--config", str(stand.config_path), environ=stand.environ)
    assert b"ruled out: lacks vision" in shown.stdout


@pytest.mark.parametrize("how", ["api", "signal"])
def test_the_switch_reaches_every_worker_and_turns_back(stand: Stand, how: str) -> None:
    def turn(word: str) -> None:
        if how == "api":
            assert stand.request("POST", f"/api/v1/brain/{word}").json() == {"on": word == "on"}
        else:
            os.kill(stand.pid, signal.SIGUSR2)

    def all_serve(model: str) -> bool:
        return all(served(stand, user("Say it.")) == model for _ in range(12))  # connections spread over the workers

    turn("off")
    try:
        until(lambda: all_serve("gpt-4o"), "that the brain is off", 5.0)
        assert stand.get("/api/v1/brain").json() == {"on": False}
    finally:
        turn("on")
    until(lambda: all_serve("gpt-3.5-turbo"), "that the brain is on again", 5.0)


def test_a_page_of_somebody_else_cannot_switch(stand: Stand) -> None:
    answer = stand.request("POST", "/api/v1/brain/off", headers={"origin": "http://elsewhere.invalid"})
    assert answer.status == 403
    assert stand.get("/api/v1/brain").json() == {"on": True}
