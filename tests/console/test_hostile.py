"""What somebody puts into addresses of the console and the API: an answer that says so, and never a fault of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dd0c_route.types import Delivery
from tests.control.place import ControlProcess
from tests.ledger.examples import an_entry

SQL = (
    "' OR '1'='1", "'; DROP TABLE entries; --", "\" OR 1=1 --", "%", "_", "%%%", "a%' ESCAPE '", "0x27",
    "') UNION SELECT 1 --",
    "1; PRAGMA writable_schema=1", "\\'", "*", "[a-z]", "NULL", "dd_%", "dd_' OR 1 --",
)  # fmt: skip
ODD = (
    "\0",
    "\r\nset-cookie: a=b",
    '\n{"level":"error"}',
    "\ud7ff",
    "\U0010ffff",
    "../../etc/passwd",
    "..%2f",
    "\\..\\",
)
PARAMETERS = ("provider", "model", "session", "tag", "before", "since")


@pytest.fixture(scope="module")
def control() -> Iterator[ControlProcess]:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:
        control = ControlProcess(Path(path))
        journal, entry = control.journal(), an_entry()
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))
        journal.close()
        control.eventually(lambda: len(control.get("/api/v1/requests").json()["requests"]) == 1)
        yield control
        assert control.stop() == 0


@pytest.mark.parametrize("text", SQL)
def test_sql_and_its_wildcards_are_only_words(control: ControlProcess, text: str) -> None:
    said = quote(text, safe="")
    for name in ("provider", "model", "session", "tag"):
        assert control.get(f"/api/v1/requests?{name}={said}").json()["requests"] == [], name
    assert control.get(f"/api/v1/sessions/{said}").json()["calls"] == 0
    assert control.get(f"/api/v1/requests/{said}").status == 404
    assert len(control.get("/api/v1/requests").json()["requests"]) == 1


@pytest.mark.parametrize("text", [*SQL, *ODD, "9" * 10_000, "-1", "1e9", "dd_" + "Z" * 5000, "x" * 20_000])
def test_nothing_in_an_address_is_a_fault_of_ours(control: ControlProcess, text: str) -> None:
    said = quote(text, safe="")
    paths = [f"/api/v1/requests?{name}={said}" for name in (*PARAMETERS, "limit", said[:50])]
    paths += [f"/ui?before={said}", f"/ui/requests/{said}", f"/ui/static/{said}", f"/api/v1/requests/{said}"]
    paths += [f"/api/v1/sessions/{said}", f"/ui/{said}", f"/ui?before=1&before={said}", f"/ui/login?next={said}"]
    for path in paths:
        answer = control.get(path)
        assert answer.status in (200, 303, 400, 404), (path[:80], answer.status)
        assert "set-cookie" not in answer.headers
        assert b"root:" not in answer.body
        assert len(answer.body) < 100_000


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1e3", "0x10", " 5", "5 ", "+5", "\u0665", "9" * 5000, "", "NaN"])
def test_a_limit_is_a_number_up_to_a_thousand(control: ControlProcess, limit: str) -> None:
    assert control.get(f"/api/v1/requests?limit={quote(limit)}").status == 400


def test_a_cursor_that_somebody_made_up_leads_nowhere_else(control: ControlProcess) -> None:
    for cursor in ("dd_", "dd_0", "dd_zzzz", "dd_%00", "dd_" + "Z" * 26):
        answer = control.get(f"/api/v1/requests?before={cursor}")
        assert answer.status == 200
        assert set(answer.json()) == {"requests", "next"}


def test_files_beside_the_static_ones_are_not_served(control: ControlProcess) -> None:
    for name in (
        "../pages.py",
        "..%2fpages.py",
        "%2e%2e/templates/base.html",
        "....//x",
        "console.css%00.html",
        "/etc/passwd",
    ):
        assert control.get(f"/ui/static/{name}").status == 404, name


def test_a_question_without_its_body_is_answered_alike(control: ControlProcess) -> None:
    for path in ("/ui", "/api/v1/requests", "/metrics", "/ui/static/console.css", "/ui/nothing"):
        whole, head = control.get(path), control.get(path, "HEAD")
        assert head.status == whole.status
        assert head.body == b""
