"""Exit codes, error lines and the speed of help, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from dd0c_route.cli.commands import COMMANDS, commands
from tests.cli.programs import environment, ran

RUNNER = CliRunner()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = RUNNER.invoke(commands, [name, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


def test_every_command_is_in_the_list_and_only_those() -> None:
    output = RUNNER.invoke(commands, ["--help"]).output
    listed = [line.split()[0] for line in output.split("Commands:\n")[1].splitlines() if line[2:3].strip()]
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--version"], 0, ""),
        (["--help"], 0, ""),
        ([], 2, "Usage"),
        (["serv"], 2, "error: No such command 'serv'"),
        (["serve", "--port", "x"], 2, "error: Invalid value for '--port'"),
        (["serve", "--port", "70000"], 2, "error: Invalid value for '--port'"),
        (["serve", "--nonsense"], 2, "error: No such option"),
        (["serve", "--config", "none.toml"], 1, "none.toml: no such file: 'dd0c-route init' writes one"),
        (["up", "--config", "none.toml"], 1, "none.toml: no such file"),
        (["check"], 1, "dd0c.toml: no such file"),
        (["route", "--config", "none.toml"], 1, "none.toml: no such file"),
        (["requests"], 1, "error: there is no ledger at"),
        (["requests", "--ledger", "mysql://h"], 1, "ledger.url"),
        (["explain"], 2, "error: Missing argument 'ID|last'"),
        (["explain", "last"], 1, "error: there is no ledger at"),
        (["price", "--config", "none.toml"], 1, "none.toml: no such file"),
        (["simulate", "--recordings", "none"], 2, "error: Invalid value for '--recordings'"),
    ],
)
def test_exit_codes_and_one_clear_error(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    result = ran(tmp_path, *arguments)
    stderr = result.stderr.decode()
    assert (result.returncode, said in stderr) == (code, True), stderr
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) <= 2 or said == "Usage"


def test_a_failure_leaves_stdout_clean(tmp_path: Path) -> None:
    assert ran(tmp_path, "check").stdout == b""


def test_help_costs_little_more_than_starting_python(tmp_path: Path) -> None:
    """The promise is 0.3 s; a ratio holds on slow machines, too: an interpreter alone takes 0.01 to 0.05 s."""

    def best(*command: str) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], env=environment(), cwd=tmp_path, capture_output=True, check=True)
            times.append(time.perf_counter() - started)
        return min(times)

    bare = best("-c", "import click, dataclasses, json, tempfile")
    for command in ([], ["serve"], ["price"], ["doctor"]):
        assert best("-m", "dd0c_route", *command, "--help") < 4 * bare


def test_help_imports_none_of_the_heavy_modules(tmp_path: Path) -> None:
    code = (
        "import sys; from dd0c_route.cli.commands import run; run(['serve', '--help']); "
        "heavy = {'uvloop', 'rich', 'starlette', 'numpy', 'sqlite3', 'asyncio', 'msgspec', 'dd0c_route.pricing'}; "
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "heavy: ['msgspec']" in result.stdout  # the settings' errors need it


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    line = b'{"provider": "openai", "model": "gpt-4o", "usage": {"input": 1}}\n'
    with subprocess.Popen(
        [sys.executable, "-m", "dd0c_route", "price"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(line * 5000)
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_an_error_that_repeats_a_secret_masks_it(tmp_path: Path) -> None:
    planted = "sk-" + "proj-" + "Syntheticplanted0" * 4
    result = ran(tmp_path, "check", "--config", f"{planted}.toml")
    assert result.returncode == 1
    assert planted.encode() not in result.stderr


def test_key_new_makes_a_key_and_its_hash(tmp_path: Path) -> None:
    made = json.loads(ran(tmp_path, "key", "new", "--json").stdout)
    (tmp_path / "dd0c.toml").write_text(f'[server]\nhost = "0.0.0.0"\naccess_keys = ["{made["stored"]}"]\n')
    assert ran(tmp_path, "check").returncode == 0
    assert made["key"].startswith("dd0c_sk_")


def test_redact_masks_and_passes_all_else(tmp_path: Path) -> None:
    planted = "sk-" + "proj-" + "Syntheticplanted0" * 4
    text = b"before " + planted.encode() + b" after \xff\xfe \xc3\xa9\r\n" + b"x" * 100_000
    result = ran(tmp_path, "redact", stdin=text)
    assert result.returncode == 0
    assert planted.encode() not in result.stdout
    assert result.stdout.startswith(b"before ")
    assert result.stdout.endswith(b" after \xff\xfe \xc3\xa9\r\n" + b"x" * 100_000)


ROUTED = """
[providers.openai]
api_key = { env = "KEY" }
[[routes]]
match = { model = "gpt-4o" }
"""


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ('candidates = ["openai/gpt-4o"]\n[brain]\nfile = "junk"', b"brain.file: "),
        (
            'candidates = ["openai/gpt-4o"]\npolicy = "risk-bound"\ncalibration = "junk"',
            b"routes[0].calibration: line 1",
        ),
        ('candidates = ["openai/gpt-4o", "gpt-4o"]', b"routes[0].candidates[1]: "),
    ],
)
def test_check_finds_what_only_the_start_would(tmp_path: Path, more: str, fault: bytes) -> None:
    (tmp_path / "junk").write_text("junk\n")
    (tmp_path / "dd0c.toml").write_text(ROUTED + more)
    result = ran(tmp_path, "check", environ={"KEY": "synthetic"})
    assert result.returncode == 1
    assert fault in result.stderr


def test_check_warns_of_a_candidate_that_nobody_has_a_price_for(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(ROUTED + 'candidates = ["openai/gpt-4o", "openai/gpt-4o-minni"]')
    result = ran(tmp_path, "check", environ={"KEY": "synthetic"})
    assert result.returncode == 0
    assert result.stderr.count(b"no price is known") == 1
    assert b"routes[0].candidates[1]: no price is known for 'openai/gpt-4o-minni'" in result.stderr


UNKNOWN = 'candidates = ["openai/gpt-4o", "openai/gpt-4o-mini", "openai/gpt-4o-minni"]\n'


def test_check_warns_of_a_candidate_that_the_brain_knows_nothing_of(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(ROUTED + UNKNOWN)
    result = ran(tmp_path, "check", environ={"KEY": "synthetic"})
    assert result.returncode == 0
    assert result.stderr.count(b"the brain knows nothing of") == 1
    assert b"routes[0].candidates[2]: the brain knows nothing of 'openai/gpt-4o-minni'" in result.stderr


@pytest.mark.parametrize("more", ['policy = "ordered"', 'mode = "off"'])
def test_check_does_not_ask_for_odds_that_nobody_needs(tmp_path: Path, more: str) -> None:
    (tmp_path / "dd0c.toml").write_text(ROUTED + UNKNOWN + more)
    assert b"the brain knows nothing of" not in ran(tmp_path, "check", environ={"KEY": "synthetic"}).stderr


def test_check_says_nothing_of_odds_of_the_model_asked_for(tmp_path: Path) -> None:
    routed = ROUTED.replace("gpt-4o", "gpt-unheard-of")
    (tmp_path / "dd0c.toml").write_text(routed + 'candidates = ["openai/gpt-unheard-of", "openai/gpt-4o-mini"]')
    assert b"the brain knows nothing of" not in ran(tmp_path, "check", environ={"KEY": "synthetic"}).stderr
