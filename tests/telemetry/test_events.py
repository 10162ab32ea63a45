"""Every event of the log, with a planted key in each of its texts: the line has none."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dd0c_route.redact import log as module
from dd0c_route.redact.log import FIELDS, log, set_up
from tests.telemetry.events import said_in_the_source
from tests.telemetry.planted import SCAN, TEXT

EVENTS = said_in_the_source()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line_of(event: str, fields: dict[str, Any], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(module, "_log", module._Log())
    set_up("worker", stream)
    log(event, "error", **fields)
    return stream.getvalue()


def planted(fields: set[str]) -> dict[str, Any]:
    return {name: TEXT if FIELDS[name] is str else 1 for name in fields}


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_no_event_shows_a_key_that_stands_in_one_of_its_fields(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (io.StringIO(), Terminal()):
        line = line_of(event, planted(EVENTS[event]), stream, monkeypatch)
        assert not SCAN.find(line.encode())
        assert event in line or event.replace("_", " ") in line
        if not stream.isatty():
            assert json.loads(line).keys() == {"time", "level", "role", "event", *EVENTS[event]}


def test_without_the_redactor_the_same_lines_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control: each event that has a text field is one in which a key could stand."""
    monkeypatch.setattr(module, "redact_sensitive", lambda text: text)
    with_text = {event: fields for event, fields in EVENTS.items() if any(FIELDS[name] is str for name in fields)}
    for event, fields in with_text.items():
        assert SCAN.find(line_of(event, planted(fields), io.StringIO(), monkeypatch).encode()), event
    print(f"\nevents of the log: {len(EVENTS)}, {len(with_text)} of them with a text")


def test_every_event_is_found() -> None:
    """The list is not a part of them only: it has what each process is known to say."""
    assert {"worker_failed", "process_ended", "uncaught_exception", "loop_error", "library_log"} <= EVENTS.keys()
    assert len(EVENTS) > 40


@pytest.mark.parametrize(
    "name", ["header", "headers", "url", "body", "request", "response", "detail", "extra", "error"]
)
def test_a_field_in_which_anything_could_stand_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with pytest.raises(TypeError, match=name):
        line_of("worker_failed", {name: "x"}, stream, monkeypatch)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("value", [{"key": "x"}, ["x"], ValueError("x"), b"x", object()])
def test_a_field_takes_no_object_that_would_be_written_out(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError):
        line_of("worker_failed", {"reason": value}, io.StringIO(), monkeypatch)
