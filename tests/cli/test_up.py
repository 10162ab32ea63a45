"""`up` and `serve` as a newcomer meets them: real processes, a real first request."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.programs import environment, ran

READY_S = 30  # a bound for slow machines, not the promise


@contextmanager
def running(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, list[str]]]:
    """The command, ready; its address and what it said until then. It ends by SIGTERM, with exit code 0."""
    with (folder / "stderr").open("wb") as stderr, subprocess.Popen(
        [sys.executable, "-m", "dd0c_route", *arguments],
        cwd=folder, env=environment(environ), stdout=subprocess.PIPE, stderr=stderr, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            said: list[str] = []
            while not said or not said[-1].startswith("console"):
                line = process.stdout.readline()
                assert line, (said, (folder / "stderr").read_text())
                said.append(line.rstrip("\n"))
            address = next(line.split()[1] for line in said if line.startswith("router"))
            yield address, said
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(READY_S)
        assert code == 0


def post(address: str, path: str, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Any:
    """One call; status, headers, JSON."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=READY_S)
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def is_there(folder: Path, entry_id: str) -> bool:
    """Whether the entry is in the ledger within a few seconds."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        found = ran(folder, "requests", "--json").stdout.decode().splitlines()
        if any(json.loads(line)["id"] == entry_id for line in found):
            return True
    return False


def test_up_without_anything_answers_the_first_request_and_explains_it(tmp_path: Path) -> None:
    with running(tmp_path, "up", "--port", "0") as (address, said):
        assert "simulated" in said[0]
        assert [line.split()[0] for line in said[-3:]] == ["router", "try", "console"]
        messages = [{"role": "user", "content": "hi"}]
        status, headers, body = post(address, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": messages})
        assert (status, headers["x-dd0c-provider"], body["model"]) == (200, "simulated", "gpt-4o-mini")
        anthropic = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": messages}
        status, headers, _ = post(address, "/v1/messages", anthropic)
        assert (status, headers["x-dd0c-provider"]) == (200, "simulated")
        assert is_there(tmp_path, headers["x-dd0c-request-id"])
    text = ran(tmp_path, "explain", "last").stdout.decode()
    assert headers["x-dd0c-request-id"] in text
    assert "input" in text.split("cost  ")[1]  # price lines, although the simulated provider is in no configuration


def test_up_takes_the_keys_in_the_environment(tmp_path: Path) -> None:
    planted = "synthetic-planted-key"
    with running(tmp_path, "up", "--port", "0", environ={"OPENAI_API_KEY": planted}) as (_, said):
        assert said[0].startswith("providers from the keys in the environment: openai.")
    assert not any(planted in line for line in said)
    assert planted not in (tmp_path / "stderr").read_text()


def test_up_prefers_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text('[providers.local]\ndialect = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n')
    with running(tmp_path, "up", "--port", "0", environ={"OPENAI_API_KEY": "synthetic"}) as (_, said):
        assert said[0].startswith("router")


@pytest.mark.parametrize("option", [("--port", "0"), ("--port", "0", "--host", "localhost", "--workers", "2")])
def test_serve_never_simulates(tmp_path: Path, option: tuple[str, ...]) -> None:
    with running(tmp_path, "serve", *option) as (address, said):
        assert not any("simulat" in line for line in said)
        status, _, body = post(address, "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": []})
        assert status == 404
        assert "[providers]" in body["error"]["message"]


def test_serve_refuses_a_port_in_use_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0") as (address, _):
        result = ran(tmp_path, "serve", "--port", str(urlsplit(address).port))
    assert result.returncode == 1
    assert b"cannot listen on" in result.stderr
    assert b"Traceback" not in result.stderr


def test_simulate_names_a_fault_of_its_script_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text("x = [")
    result = ran(tmp_path, "simulate", "--script", "script.toml")
    assert result.returncode == 1
    assert result.stderr.startswith(b"error: script.toml: ")
    assert len(result.stderr.splitlines()) == 1


def test_doctor_knows_a_running_router(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0") as (address, _):
        port = str(urlsplit(address).port)
        result = ran(tmp_path, "doctor", environ={"DD0C_SERVER__PORT": port})
    assert result.returncode == 0, result.stdout
    assert b"a router is running there" in result.stdout


def test_simulate_says_where_it_is(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "dd0c_route", "simulate", "--port", "0"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        status, _, _ = post(line.removeprefix("simulator on "), "/v1/chat/completions", {"model": "x", "messages": []})
        process.send_signal(signal.SIGTERM)
        assert (status, process.wait(READY_S)) == (200, 0)
