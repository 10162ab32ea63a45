"""`run` gives way to the command: environment, signals and exit code are its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.cli.run import pointed
from dd0c_route.connect import variables
from tests.cli.programs import environment, ran
from tests.stand import Stand

SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand")) as running:
        yield running


def address(stand: Stand) -> str:
    return f"http://127.0.0.1:{stand.port}"


def test_the_command_is_pointed_to_the_router_and_prints_alone(stand: Stand, tmp_path: Path) -> None:
    url = address(stand)
    done = ran(tmp_path, "run", "--url", url, "--", sys.executable, "-c", SHOW, "--url", "mine", "-h")
    assert done.stderr == b""
    environ, words = json.loads(done.stdout)
    assert words == ["--url", "mine", "-h"]
    assert {name: environ[name] for name in variables(url)} == variables(url)
    assert environ["NO_PROXY"] == environ["no_proxy"] == "127.0.0.1"


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_commands(stand: Stand, tmp_path: Path, code: int) -> None:
    exits = [sys.executable, "-c", f"raise SystemExit({code})"]
    assert ran(tmp_path, "run", "--url", address(stand), "--", *exits).returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_command(stand: Stand, tmp_path: Path, number: signal.Signals) -> None:
    code = f"import signal; signal.signal({number}, lambda *_: exit(42)); print('ready', flush=True); signal.pause()"
    command = [sys.executable, "-m", "dd0c_route", "run", "--url", address(stand), "--", sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(30) == 42


def test_codex_is_pointed_by_its_arguments(stand: Stand, tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text(f"#!{sys.executable}\n{SHOW}\n")
    program.chmod(0o755)
    for key, shown in (("synthetic", 'env_key="OPENAI_API_KEY"'), ("", "requires_openai_auth=true")):
        command = ("run", "--url", address(stand), "--", str(program), "exec", "hi")
        _, words = json.loads(ran(tmp_path, *command, environ={"OPENAI_API_KEY": key}).stdout)
        assert words[-2:] == ["exec", "hi"]
        assert f'model_providers.dd0c.base_url="{address(stand)}/v1"' in words
        assert f"model_providers.dd0c.{shown}" in words


def test_without_a_router_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = ran(tmp_path, "run", "--url", "http://127.0.0.1:1", "--", "true")
    assert done.returncode == 1
    assert b"start it (dd0c-route up)" in done.stderr


def test_a_command_that_is_not_there_is_127(stand: Stand, tmp_path: Path) -> None:
    done = ran(tmp_path, "run", "--url", address(stand), "--", "no-such-program-here")
    assert (done.returncode, done.stdout) == (127, b"")
    assert done.stderr.startswith(b"error: no-such-program-here: ")
    assert ran(tmp_path, "run").returncode == 2


def test_what_the_user_set_for_opencode_stays() -> None:
    assert pointed({"OPENCODE_CONFIG_CONTENT": "{}"}, "http://r:1")["OPENCODE_CONFIG_CONTENT"] == "{}"
    assert json.loads(pointed({}, "http://r:1")["OPENCODE_CONFIG_CONTENT"])["provider"]["openai"]
    assert pointed({"NO_PROXY": "a,*"}, "http://r:1")["NO_PROXY"] == "a,*"
