"""What `route` decides offline is what `serve` did: made-up requests, and every policy that has no memory."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.brain.test_request import CALLED, RESULT, TOOL, user
from tests.cli.programs import ran
from tests.proxy.test_routed import IMAGE, PRICES
from tests.stand import Stand

POLICIES = ("cheapest-capable", "cascade", "risk-bound", "weighted", "pinned", "ordered")
ROUTES = (
    "[brain]\nbudget_us = 10000000\n"  # on a busy machine too the predictor is asked
    + "".join(
        f"""
[[routes]]
match = {{ tags = {{ policy = "{policy}" }} }}
candidates = ["sim/gpt-3.5-turbo", "sim/gpt-4o-mini", "sim/gpt-4o"]
policy = "{policy}"
mode = "{"canary" if policy == "ordered" else "on"}"
share = 0.5
floor = 0.6
control_share = 0.1
"""
        for policy in POLICIES
    )
    + PRICES
)
TEXTS = (
    "What is 12 * {n}?", "Prove that there are infinitely many primes above {n}.", "Write a poem of {n} lines.",
    "Which is right?\nA) {n}\nB) 7\nC) none", "Translate 'good morning {n}' into French.",
    "def f(x): return x + {n}  # fix",
)  # fmt: skip


def made_up(random_: random.Random, number: int) -> tuple[dict[str, Any], dict[str, str]]:
    text = random_.choice(TEXTS).format(n=number)
    content: Any = [{"type": "text", "text": text}, IMAGE] if random_.random() < 0.1 else text
    messages = [user(content)]
    body: dict[str, Any] = {"model": random_.choice(("gpt-4o", "gpt-4o-mini", "auto")), "messages": messages}
    if random_.random() < 0.2:
        body |= {"response_format": {"type": "json_object"}}
    if random_.random() < 0.2:
        body |= {"tools": [TOOL]}
        messages += [CALLED, RESULT] if random_.random() < 0.5 else []
    return body, {"x-dd0c-tags": f"policy={random_.choice(POLICIES)}", "x-dd0c-session": f"s{number}"}


def ruled_out(decision: dict[str, Any]) -> dict[str, str | None]:
    """Without costs: serving goes on learning what counts are off by."""
    return {one["target"]: one.get("ruled_out") for one in decision["candidates"]}


def learned(decision: dict[str, Any]) -> list[float | None]:
    return [one.get("learned") for one in decision["candidates"]]


def test_what_is_decided_offline_is_what_was_decided_for_the_call(tmp_path: Path) -> None:
    chosen = random.Random(7)
    asked = [made_up(chosen, number) for number in range(200)]
    with Stand(tmp_path, ROUTES) as stand:
        answers = [stand.post("/v1/chat/completions", body, headers) for body, headers in asked]
        served = [stand.entry(answer.id)["decision"] for answer in answers]
        lines = "".join(
            json.dumps({"id": answer.id, "request": body, "headers": headers}) + "\n"
            for answer, (body, headers) in zip(answers, asked, strict=True)
        )
        result = ran(tmp_path, "route", "--config", str(stand.config_path), stdin=lines, environ=stand.environ)
    offline = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(offline) == len(served)
    for one, other in zip(offline, served, strict=True):
        if learned(one) != learned(other):  # the forms of answers teach meanwhile, where that takes seconds
            continue
        for name in ("verdict", "reason", "policy", "route", "plan", "control", "checked"):
            assert one.get(name) == other.get(name), name
        assert ruled_out(one) == ruled_out(other)
    assert {one["policy"] for one in served} == set(POLICIES)
