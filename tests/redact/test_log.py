from __future__ import annotations

import ast
import io
import json
import os
import re
import select
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dd0c_route.redact.hooks import NeverWaiting
from dd0c_route.redact.log import FIELDS, MAX_VALUE_CHARS, Role, Stream, log, set_up
from tests.redact.synthetic import credential

SOURCE = Path(__file__).parents[2] / "src" / "dd0c_route"
KEY = credential("gsk_{A52}", 1)
S = TypeVar("S", bound=Stream)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    return logging_to(io.StringIO(), monkeypatch)


def logging_to(stream: S, monkeypatch: pytest.MonkeyPatch, role: Role = "worker") -> S:
    from dd0c_route.redact import log as module

    monkeypatch.setattr(module, "_log", module._Log())
    set_up(role, stream)
    return stream


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    log("worker_died", "error", worker=1, exit_code=-9, reason="killed\nby the kernel")
    line = stream.getvalue()
    assert line.count("\n") == 1
    said = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said.pop("time"))
    assert said == {
        "level": "error",
        "role": "worker",
        "event": "worker_died",
        "worker": 1,
        "exit_code": -9,
        "reason": "killed\nby the kernel",
    }


def test_a_terminal_gets_a_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = logging_to(Terminal(), monkeypatch)
    log("worker_died", "error", message="it will be started again", worker=1, reason="out of memory")
    assert stream.getvalue() == "error: worker died - it will be started again worker=1 reason='out of memory'\n"


def test_a_traceback_follows_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = logging_to(Terminal(), monkeypatch)
    log("uncaught_exception", "error", traceback="Traceback:\n  x\nValueError: y\n")
    assert stream.getvalue() == "error: uncaught exception\nTraceback:\n  x\nValueError: y\n"


def test_what_is_said_is_redacted(stream: io.StringIO) -> None:
    log("upstream_failed", "warning", message=f"provider said: bad key {KEY}")
    assert json.loads(stream.getvalue())["message"] == "provider said: bad key [redacted:groq]"


def test_a_long_value_is_cut_after_it_was_redacted(stream: io.StringIO) -> None:
    log("upstream_failed", message="word " * (MAX_VALUE_CHARS // 5 - 2) + KEY + " and so on" * 100)
    assert "gsk_" not in stream.getvalue()
    assert len(stream.getvalue()) < MAX_VALUE_CHARS + 500


@pytest.mark.parametrize("fields", [{"headers": "x"}, {"body": "x"}, {"url": "x"}, {"count": "200"}, {"message": b"x"}])
def test_a_field_that_is_not_listed_or_has_another_type_is_refused(fields: dict[str, Any], stream: io.StringIO) -> None:
    with pytest.raises(TypeError):
        log("upstream_failed", **fields)
    assert stream.getvalue() == ""


def test_no_listed_field_could_hold_a_header_a_body_or_a_credential() -> None:
    assert not FIELDS.keys() & {"headers", "header", "body", "url", "query", "key", "token", "request", "response"}
    assert set(FIELDS.values()) <= {str, int}


def test_what_the_source_says_is_listed_and_nothing_else_is() -> None:
    said = {
        keyword.arg
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("log", "_safely")
        for keyword in node.keywords
    }
    assert said - {"level", None} == set(FIELDS)


def test_none_is_left_out(stream: io.StringIO) -> None:
    log("reload_refused", reason=None)
    assert "reason" not in json.loads(stream.getvalue())


def test_a_closed_stream_stops_nobody(stream: io.StringIO) -> None:
    stream.close()
    log("worker_died")


def test_lone_surrogates_do_not_break_the_line(stream: io.StringIO) -> None:
    log("reload_refused", reason="dd0c-\udcff.toml")
    assert json.loads(stream.getvalue())["event"] == "reload_refused"


def test_a_reader_that_sleeps_holds_up_nobody_and_learns_later_how_much_it_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "w") as stream:
        logging_to(NeverWaiting(stream), monkeypatch)
        for number in range(2000):  # far more than a pipe holds; without the guard this never returns
            log("reloaded", config_version="v" * 500, worker=number)
        got = b""
        while select.select([reader], [], [], 0)[0]:
            got += reader.read(1 << 16)
        taken = got.count(b"reloaded")
        log("journal_works_again")
        rest = reader.read(1 << 16)

    missed, said = [json.loads(line) for line in rest.splitlines() if line]
    assert 0 < taken < 2000
    assert (missed["event"], missed["count"]) == ("log_lines_dropped", 2000 - taken)
    assert said["event"] == "journal_works_again"
