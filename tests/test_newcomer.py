"""The first five minutes: `dd0c-route up` in an empty folder, the line that it says to try, and what may go wrong."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dd0c_route.access import new_key
from tests.cli.programs import environment, ran

DEADLINE_S = 30.0  # for what takes well below a second on a machine with nothing else to do
LEDGER_S = 5.0  # an entry is readable within one second of the answer's end
QUICKLY_S = 5.0  # from Ctrl-C to the prompt: nothing is running

WRONG = """
[server]
port = "high"
color = "blue"

[providers.openai]
api_key = { env = "A_VARIABLE_THAT_IS_NOT_SET" }

[[routes]]
candidates = ["nobody/some-model"]
floor = 3
"""
FAULTS = {  # the path of each fault, and what its line must say to be of help
    "server.port": ("high", "from 0 to 65535"),
    "server.color": ("unknown field", "port"),
    "providers.openai.api_key": ("A_VARIABLE_THAT_IS_NOT_SET", "export it"),
    "routes[0].floor": ("3", "from 0 to 1"),
    "routes[0].candidates[0]": ("nobody/some-model", "openai"),
}


class Terminal:
    """`dd0c-route up` as somebody types it: its own foreground group, its output on the screen."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self._errors = folder / "errors"
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dd0c_route", "up", "--port", "0"],
                cwd=folder, env=environment(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                bufsize=0, start_new_session=True,
            )  # fmt: skip

    def read(self) -> dict[str, str]:
        """What it says, as `first word: rest`, until it is ready."""
        said: dict[str, str] = {}
        output = self.process.stdout
        assert output is not None
        while "console" not in said:
            readable, _, _ = select.select([output], [], [], DEADLINE_S)
            line = output.readline().decode() if readable else ""
            assert line, (said, self.errors)
            word, _, rest = line.strip().partition(" ")
            said[word] = rest.strip()
        return said

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def ctrl_c(self) -> tuple[int, float]:
        """The exit code, and how many seconds it took."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        code = self.process.wait(DEADLINE_S)
        return code, time.monotonic() - started

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=DEADLINE_S)


@contextmanager
def terminal(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    opened = Terminal(folder, environ)
    try:
        yield opened
    finally:
        opened.close()


def in_ledger(folder: Path, request_id: str) -> dict[str, Any]:
    """The entry as `dd0c-route requests` prints it, as soon as it does."""
    deadline = time.monotonic() + LEDGER_S
    while time.monotonic() < deadline:
        for line in ran(folder, "requests", "--json").stdout.splitlines():
            entry: dict[str, Any] = json.loads(line)
            if entry["id"] == request_id:
                return entry
    raise AssertionError(f"no entry {request_id} within {LEDGER_S:g} s")


def call(address: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], Any]:
    parts = urlsplit(address)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)
    try:
        body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]})
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine: the line to try needs it")
def test_the_line_to_try_works_at_once_and_is_in_the_ledger(tmp_path: Path) -> None:
    with terminal(tmp_path) as up:
        said = up.read()
        assert list(said)[-3:] == ["router", "try", "console"]
        command = shlex.split(said["try"])
        assert command[0] == "curl"
        done = subprocess.run(
            [*command, "--silent", "--show-error", "--include", "--noproxy", "*"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=DEADLINE_S, check=True,
        )  # fmt: skip
        head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        assert head.splitlines()[0].split()[1] == "200"
        assert headers["x-dd0c-provider"] == "simulated"
        assert json.loads(body)["choices"][0]["message"]["content"]

        entry = in_ledger(tmp_path, headers["x-dd0c-request-id"])
        assert (entry["end_state"], entry["usage_source"]) == ("complete", "provider_final")
        assert entry["cost_usd"] == headers["x-dd0c-cost-usd"]
        explained = ran(tmp_path, "explain", "last").stdout.decode()
        assert headers["x-dd0c-request-id"] in explained
        assert entry["cost_usd"] in explained

        code, seconds = up.ctrl_c()
        assert code == 0
        assert seconds < QUICKLY_S
        assert "Traceback" not in up.errors


def test_ctrl_c_while_it_starts_is_no_error(tmp_path: Path) -> None:
    with terminal(tmp_path) as up:
        output = up.process.stdout
        assert output is not None
        assert output.readline()  # the first line comes before anything is started
        code, seconds = up.ctrl_c()
        assert "Traceback" not in up.errors
        assert code in (0, 130, -signal.SIGINT)
        assert seconds < 2 * QUICKLY_S


def test_a_wrong_key_is_told_what_a_right_one_is_and_how_to_send_it(tmp_path: Path) -> None:
    key, stored = new_key()
    with terminal(tmp_path, {"DD0C_SERVER__ACCESS_KEYS": stored}) as up:
        said = up.read()
        address = said["router"]
        assert "'authorization: Bearer YOUR-KEY'" in said["try"]
        for headers in ({}, {"authorization": "Bearer synthetic-wrong-key"}, {"x-api-key": key[:-1]}):
            status, answered, body = call(address, headers)
            assert status == 401
            assert answered["www-authenticate"] == "Bearer"
            assert all(
                word in body["error"]["message"] for word in ("access_keys", "Authorization: Bearer", "x-dd0c-key")
            )
            assert not any(value.split()[-1] in json.dumps(body) for value in headers.values())
        for headers in ({"authorization": f"Bearer {key}"}, {"x-api-key": key}, {"x-dd0c-key": key}):
            assert call(address, headers)[0] == 200
    assert key not in up.errors


@pytest.mark.parametrize("command", ["up", "serve", "check"])
def test_a_wrong_configuration_names_each_fault_with_its_path_and_the_fix(tmp_path: Path, command: str) -> None:
    (tmp_path / "dd0c.toml").write_text(WRONG)
    done = ran(tmp_path, command)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert not done.stdout
    assert len(lines) == 1 + len(FAULTS)
    for path, words in FAULTS.items():
        (line,) = [line.strip() for line in lines if line.strip().startswith(f"{path}: ")]
        assert all(word in line for word in words), line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dd0c.toml"]  # nothing was begun


@pytest.mark.parametrize(
    ("text", "says"), [("[server\n", "dd0c.toml: at line 1"), (b"\xff\xfe", "dd0c.toml: ")], ids=["syntax", "bytes"]
)
def test_a_file_that_is_no_toml_is_said_to_be_none(tmp_path: Path, text: str | bytes, says: str) -> None:
    (tmp_path / "dd0c.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    done = ran(tmp_path, "up")
    assert done.returncode == 1
    assert says in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_port_in_use_is_named_in_one_line_with_the_fix(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ran(tmp_path, "up", "--port", str(port))
    assert done.returncode == 1
    message = done.stderr.decode()
    assert f"cannot listen on 127.0.0.1:{port}" in message
    assert "--port" in message
    assert "Traceback" not in message


def test_a_wrong_option_is_wrong_usage(tmp_path: Path) -> None:
    for arguments in (("up", "--prot", "1"), ("up", "--port", "99999"), ("upp",)):
        done = ran(tmp_path, *arguments)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr
