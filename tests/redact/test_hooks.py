from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.redact.programs import SINKS
from tests.redact.synthetic import credential

SOURCE = Path(__file__).parents[2] / "src"
WINDOW_CHARS = 12  # this much of a key in a row is a leak
KEY = credential("sk-ant-api03-{W93}AA", 2026)
BARE_KEY = credential("{a40}", 2026)  # no shape: known only because it was registered

PLAIN_PRELUDE = """
import asyncio, os
KEY = os.environ.pop('PLANTED')
run = asyncio.run
"""
GUARDED_PRELUDE = """
from dd0c_route.redact import hooks, register
from dd0c_route.types import Secret
hooks.install('worker')
import asyncio, os
KEY = os.environ.pop('PLANTED')
register(Secret(KEY))
def run(main):
    with asyncio.Runner() as runner:
        hooks.install_loop(runner.get_loop())
        runner.run(main)
"""


def written(program: str, key: str) -> str:
    """Everything that *program* wrote, in a process of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PLANTED": key}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def leaked(key: str, text: str) -> bool:
    decoded = b"".join(
        base64.b64decode(run + "==") for run in re.findall(r"[A-Za-z0-9+/]{16,}", text) if len(run) % 4 != 1
    )
    seen = text + unquote(text) + decoded.decode("latin-1")
    return any(key[i : i + WINDOW_CHARS] in seen for i in range(len(key) - WINDOW_CHARS + 1))


@pytest.fixture(scope="module")
def outputs() -> dict[tuple[str, str], tuple[str, str]]:
    """What each program writes without guard and with it."""
    jobs = {}
    with ThreadPoolExecutor(2) as pool:
        for name, program in SINKS.items():
            jobs[name, "without"] = BARE_KEY, pool.submit(written, PLAIN_PRELUDE + program, BARE_KEY)
            jobs[name, "guarded"] = BARE_KEY, pool.submit(written, GUARDED_PRELUDE + program, BARE_KEY)
    return {case: (key, job.result()) for case, (key, job) in jobs.items()}


@pytest.mark.parametrize("name", SINKS)
def test_a_planted_key_leaks_without_the_hooks(name: str, outputs: dict[tuple[str, str], tuple[str, str]]) -> None:
    """The positive control: a program that cannot leak proves nothing."""
    assert leaked(*outputs[name, "without"])


@pytest.mark.parametrize("name", SINKS)
def test_nothing_of_a_planted_key_is_written(name: str, outputs: dict[tuple[str, str], tuple[str, str]]) -> None:
    key, text = outputs[name, "guarded"]
    assert not leaked(key, text), text
    assert text, "the hooks must still say that something happened"


def test_a_native_crash_names_file_and_line_and_nothing_else() -> None:
    program = GUARDED_PRELUDE + "import ctypes\ndef crash(key): ctypes.string_at(0)\ncrash(KEY)"
    text = written(program, BARE_KEY)
    assert "Segmentation fault" in text
    assert "in crash" in text
    assert not leaked(BARE_KEY, text)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_no_core_is_left_and_no_other_process_of_the_user_may_look_into_memory() -> None:
    program = GUARDED_PRELUDE + (
        "import ctypes, resource\nlimits = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "print(limits, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    assert written(program, BARE_KEY).strip() == "(0, 0) 0"


def test_a_shape_is_enough_for_a_key_that_nobody_registered() -> None:
    assert not leaked(KEY, written(GUARDED_PRELUDE.replace("register(", "(") + SINKS["a chained cause"], KEY))


def test_an_exception_whose_own_text_fails_is_still_reported() -> None:
    program = "class Bad(Exception):\n    def __str__(self): raise ValueError(KEY)\nraise Bad(KEY)"
    text = written(GUARDED_PRELUDE + program, BARE_KEY)
    assert "Bad" in text
    assert not leaked(BARE_KEY, text)


def test_what_cannot_be_redacted_is_withheld() -> None:
    program = "from dd0c_route.redact import log\nlog.redact_sensitive = lambda text: 1 / 0\nraise ValueError(KEY)"
    text = written(GUARDED_PRELUDE + program, BARE_KEY)
    assert "withheld" in text
    assert not leaked(BARE_KEY, text)


def test_installing_twice_writes_once() -> None:
    program = "from dd0c_route.redact import hooks\nhooks.install('worker'); hooks.install('worker')\n1/0"
    assert written(program, "x").count("ZeroDivisionError") == 1


def test_a_process_without_stderr_still_runs() -> None:
    program = (
        "import sys; sys.stderr = None\nfrom dd0c_route.redact import hooks\nhooks.install('worker')\nprint('alive')"
    )
    assert written(program, "x") == "alive\n"


def test_click_and_rich_can_write_to_the_guarded_stderr() -> None:
    program = GUARDED_PRELUDE + (
        "import click, rich.console\nclick.echo(f'a {KEY}', err=True)\nclick.secho(f'b {KEY}', err=True, fg='red')\n"
        "rich.console.Console(stderr=True, width=200).print(f'c {KEY}')\n"
    )
    assert written(program, BARE_KEY).splitlines() == ["a [redacted:known]", "b [redacted:known]", "c [redacted:known]"]
