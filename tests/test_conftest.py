"""A test that misses the recordings is skipped, and fails where skipping is not allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
NEEDS_RECORDINGS = """
import pytest

def test_needs_recordings():
    pytest.skip("set DD0C_CORPUS to the folder with the recordings")

def test_needs_something_else():
    pytest.skip("no second machine")
"""
WHOLE_FILE = """
import pytest

pytest.skip("set DD0C_CORPUS to the folder with the recordings", allow_module_level=True)
"""


def outcome(folder: Path, text: str, no_skip: str) -> str:
    """The closing line of pytest over a file with *text*."""
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            str(folder),
            "-n",
            "0",
        ],
        cwd=folder,
        env=os.environ | {"DD0C_NO_SKIP": no_skip},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "no_skip", "closing"),
    [
        (NEEDS_RECORDINGS, "0", "2 skipped"),
        (NEEDS_RECORDINGS, "1", "1 failed, 1 skipped"),
        (WHOLE_FILE, "0", "1 skipped"),
        (WHOLE_FILE, "1", "1 error"),
    ],
)
def test_a_skip_for_want_of_recordings_fails_only_where_it_must_not_be(
    tmp_path: Path, text: str, no_skip: str, closing: str
) -> None:
    assert closing in outcome(tmp_path, text, no_skip)
