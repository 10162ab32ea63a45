"""Each way in which a process writes on its own, with a planted key: without the hooks it leaks, with them not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.canary.search import Canary, Scan
from tests.redact.synthetic import credential
from tests.redact.test_hooks import GUARDED_PRELUDE, PLAIN_PRELUDE
from tests.telemetry.panics import CRASHES, ENDING, GOING_ON, MODES

SOURCE = Path(__file__).parents[2] / "src"
KEY = credential("{a40}", 2027)  # no shape: known only because it was registered
SCAN = Scan([Canary.of("planted", KEY)])
_MARK = "----- {} -----"
_PARTS = """
import sys, gc
for name, program in {programs!r}.items():
    sys.stderr.write('----- ' + name + ' -----\\n')
    sys.stderr.flush()
    try: exec(program)
    except BaseException: sys.excepthook(*sys.exc_info())
    gc.collect()
"""


def written(program: str, mode: dict[str, str]) -> str:
    """Everything that *program* wrote, in a process of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "PLANTED": KEY, **mode}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


@cache
def parts(prelude: str, mode: str) -> dict[str, str]:
    """What each of `GOING_ON` wrote."""
    text = written(prelude + _PARTS.format(programs=GOING_ON), MODES[mode])
    pieces = re.split(r"^----- (.*) -----$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def leaks(text: str) -> bool:
    return bool(SCAN.find(text.encode()))


@pytest.mark.parametrize("name", GOING_ON)
def test_it_leaks_without_the_hooks(name: str) -> None:
    assert leaks(parts(PLAIN_PRELUDE, "as it is")[name])


@pytest.mark.parametrize("mode", MODES)
def test_it_does_not_with_them_in_any_mode(mode: str) -> None:
    said = parts(GUARDED_PRELUDE, mode)
    assert said.keys() == GOING_ON.keys()
    leaking = [name for name, text in said.items() if leaks(text)]
    assert not leaking, said[leaking[0]]
    silent = [name for name, text in said.items() if not text.strip()]
    assert not silent, "the hooks must still say that something happened"


@pytest.mark.parametrize("name", ENDING)
def test_the_end_of_a_process_leaks_without_the_hooks_and_does_not_with_them(name: str) -> None:
    assert leaks(written(PLAIN_PRELUDE + ENDING[name], {}))
    said = written(GUARDED_PRELUDE + ENDING[name], {"PYTHONDEVMODE": "1"})
    assert not leaks(said), said
    assert said.strip()


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_names_file_and_line_and_nothing_else(name: str) -> None:
    said = written(GUARDED_PRELUDE + CRASHES[name], {})
    assert "in crash" in said
    assert not leaks(said), said
