"""The filter as a user runs it: behind `tail -f`, before `head`, on what is no text."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

from tests.cli.programs import environment, ran
from tests.redact.synthetic import credential

KEY = credential("sk-ant-api03-{W93}AA", 7)


def _started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dd0c_route", "redact", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )


def test_a_line_is_there_before_the_next_one_is_written() -> None:
    with _started() as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for number in range(3):
            program.stdin.write(f"{number} {KEY}\n".encode())
            program.stdin.flush()
            assert program.stdout.readline() == f"{number} [redacted:anthropic]\n".encode()
        program.stdin.close()
        assert program.wait(30) == 0


def test_a_reader_that_leaves_is_no_traceback() -> None:
    with _started() as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        try:
            program.stdin.write(b"x\n" * (1 << 20))
            program.stdin.close()
        except BrokenPipeError:
            pass
        assert b"Traceback" not in program.stderr.read()


def test_bytes_that_are_no_text_pass_as_they_are(tmp_path: Path) -> None:
    junk = random.Random(3).randbytes(300_000)
    assert ran(tmp_path, "redact", stdin=junk).stdout == junk


def test_a_key_over_every_border_of_a_read_is_masked(tmp_path: Path) -> None:
    for before in range(65_536 - len(KEY), 65_536, 9):
        text = b"x" * (before - 1) + b" " + KEY.encode() + b" " + b"y" * 20_000
        assert ran(tmp_path, "redact", stdin=text).stdout == text.replace(KEY.encode(), b"[redacted:anthropic]")


def test_it_says_how_many_it_masked(tmp_path: Path) -> None:
    result = ran(tmp_path, "redact", "--count", "--json", stdin=f"{KEY} {KEY}\npassword=hunter22\n")
    assert json.loads(result.stderr) == {"masked": 3, "rules": {"anthropic": 2, "password": 1}}
    assert ran(tmp_path, "redact", "--count", stdin="nothing\n").stderr == b"0 masked\n"
