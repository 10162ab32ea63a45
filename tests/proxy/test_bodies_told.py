"""Stored bodies from outside: what the router keeps of calls, who may read it, and what stands on the disk."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.redact.synthetic import credential
from tests.stand import CHAT, MESSAGES, Stand, until

KEY = credential("sk-ant-api03-{W93}AA", 77)
MINE, YOURS = "synthetic-access-key-one-000001", "synthetic-access-key-two-000002"


def keys() -> str:
    lines = ", ".join(f'"sha256:{hashlib.sha256(key.encode()).hexdigest()}"' for key in (MINE, YOURS))
    return f'\n[server]\naccess_keys = [{lines}]\n[ledger]\nbodies = "on"\n'


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    routes = '[[routes]]\nmatch = { model = "quiet" }\ncandidates = ["sim/quiet"]\nbodies = "off"\n'
    with Stand(tmp_path_factory.mktemp("bodies"), keys() + routes) as running:
        yield running


def shown(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def file_of(stand: Stand) -> Path:
    return stand.folder / "dd0c.db.bodies"


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "whole": ("/v1/chat/completions", CHAT),
    "streamed": ("/v1/chat/completions", {**CHAT, "stream": True}),
    "translated": ("/v1/messages", {**MESSAGES, "model": "sim/gpt-4o-mini"}),
    "translated stream": ("/v1/messages", {**MESSAGES, "model": "sim/gpt-4o-mini", "stream": True}),
    "counted": ("/v1/messages/count_tokens", {"model": "claude-haiku-4-5", "messages": CHAT["messages"]}),
    "passed through": ("/passthrough/sim/v1/chat/completions", CHAT),
    "refused by the provider": ("/v1/chat/completions", {**CHAT, "model": "fails"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_both_sides_of_a_call_are_kept_without_its_keys(stand: Stand, name: str) -> None:
    path, body = CALLS[name]
    said = {**body, "messages": [{"role": "user", "content": f"Remember {KEY} and {MINE}"}]}
    headers = {**shown(MINE), **({"x-sim": "status=400"} if name.startswith("refused") else {})}
    answer = stand.post(path, said, headers)

    def kept() -> bytes | None:
        found = stand.request("GET", f"/api/v1/requests/{answer.id}/bodies", headers=shown(MINE))
        return found.body if found.status == 200 else None

    told = json.loads(until(kept, f"the bodies of {answer.id}"))
    assert "[redacted:" in told["request"]["text"]
    assert told["answer"]["text"], told
    assert told["answer"]["form"] == ("output" if "stream" in name else "body")
    on_disk = b"".join(one.read_bytes() for one in stand.folder.rglob("dd0c.db*") if one.is_file())
    assert [key for key in (KEY, KEY[20:60], MINE) if key.encode() in on_disk] == []
    others = stand.request("GET", f"/api/v1/requests/{answer.id}/bodies", headers=shown(YOURS))
    assert others.status == 403
    assert stand.request("GET", f"/api/v1/requests/{answer.id}/bodies").status == 401


def test_a_route_may_keep_out_and_people_may_delete(stand: Stand) -> None:
    quiet = stand.post("/v1/chat/completions", {**CHAT, "model": "quiet"}, shown(MINE))
    loud = stand.post("/v1/chat/completions", CHAT, shown(MINE))

    def status(entry_id: str) -> int:
        return stand.request("GET", f"/api/v1/requests/{entry_id}/bodies", headers=shown(MINE)).status

    until(lambda: status(loud.id) == 200, "the bodies of the later call")
    assert status(quiet.id) == 404

    def command(*words: str) -> str:
        ran = [sys.executable, "-m", "dd0c_route", *words, "--config", str(stand.config_path)]
        return subprocess.run(ran, env=stand.environ, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "Say something." in command("explain", loud.id, "--bodies")
    assert "1 calls" in command("forget", loud.id)
    assert status(loud.id) == 404
    assert "not kept" in command("explain", loud.id, "--bodies")


def test_nothing_is_kept_unless_that_is_switched_on(tmp_path: Path) -> None:
    with Stand(tmp_path) as plain:
        answer = plain.post("/v1/chat/completions", CHAT)
        plain.entry(answer.id)
        assert plain.get(f"/api/v1/requests/{answer.id}/bodies").status == 404
    assert not file_of(plain).exists()
