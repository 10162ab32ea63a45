"""Which Python `make` takes, with stand-ins for interpreters on the path."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "find-python.sh"


def stand_in(folder: Path, name: str, *, recent: bool = True, venv: bool = True, works: bool = True) -> None:
    """An interpreter that is asked two questions: its version, and whether it can make an environment."""
    answers = f'case "$2" in *version_info*) exit {int(not recent)};; *venv*) exit {int(not venv)};; esac'
    path = folder / name
    path.write_text(f"#!/bin/sh\n{answers if works else 'exit 127'}\n")
    path.chmod(0o755)


def find(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh")
    assert shell
    command = [shell, str(SCRIPT)]
    return subprocess.run(command, env={"PATH": str(folder)} | environment, capture_output=True, text=True, check=False)


def test_the_newest_that_works_is_taken(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3.14", works=False)  # a shim whose version is not installed
    stand_in(tmp_path, "python3.13")
    stand_in(tmp_path, "python3.11")
    assert find(tmp_path).stdout.strip() == str(tmp_path / "python3.13")


def test_one_that_cannot_make_an_environment_is_passed_over(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3.13", venv=False)
    stand_in(tmp_path, "python3")
    assert find(tmp_path).stdout.strip() == str(tmp_path / "python3")


def test_the_one_that_is_named_is_taken(tmp_path: Path) -> None:
    stand_in(tmp_path, "python3.13")
    stand_in(tmp_path, "mine")
    assert find(tmp_path, PYTHON="mine").stdout.strip() == str(tmp_path / "mine")


@pytest.mark.parametrize(
    ("recent", "venv", "message"), [(False, True, "no Python of version 3.11"), (True, False, "python3-venv")]
)
def test_what_is_missing_is_said(tmp_path: Path, recent: bool, venv: bool, message: str) -> None:
    stand_in(tmp_path, "python3", recent=recent, venv=venv)
    found = find(tmp_path)
    assert found.returncode == 1
    assert message in found.stderr
    assert not found.stdout
