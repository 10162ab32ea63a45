from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dd0c_route.config import Match, Route
from dd0c_route.config.identity import route_id
from dd0c_route.ledger import journal_directory
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.taught import published
from dd0c_route.types import Delivery, Entry
from tests.control.place import ControlProcess
from tests.ledger.examples import an_entry, an_id
from tests.ledger.test_teaching import a_label, decided

CONFIG = """
[providers.acme]
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
[[routes]]
match = { model = "acme-large" }
candidates = ["acme/acme-large", "acme/acme-small"]
mode = "on"
epsilon = 0.05
"""
ROUTE = route_id(Route(candidates=("acme/acme-large", "acme/acme-small"), match=Match(model="acme-large")))


@pytest.fixture
def control() -> Iterator[ControlProcess]:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:  # short: it holds sockets
        control = ControlProcess(Path(path), config=CONFIG)
        yield control
        if control.process.poll() is None:
            control.stop(signal.SIGKILL)


def settled(journal: Journal, *entries: Entry) -> None:
    for entry in entries:
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))


def route(control: ControlProcess) -> dict[str, Any]:
    (found,) = control.get("/api/v1/routes").json()["routes"]
    return dict(found)


def rolled_back(control: ControlProcess) -> ControlProcess:
    """With so many bad comparisons that the route is rolled back."""
    with_bad_comparisons(control.journal())
    control.eventually(lambda: route(control)["state"] == "rolled_back")
    return control


def with_bad_comparisons(journal: Journal) -> None:
    for _ in range(60):
        entry = decided(route_id=ROUTE)
        settled(journal, entry)
        journal.label(a_label(entry, 0.0, "shadow", source="judge", target="acme/acme-small"))


def test_feedback_is_in_the_entry_when_the_answer_comes(control: ControlProcess) -> None:
    entry = an_entry()
    settled(control.journal(), entry)
    said = {"score": "bad", "source": "app", "comment": "no words are kept"}
    answer = control.post(f"/api/v1/requests/{entry.id}/feedback", said)
    assert answer.status == 200
    assert {name: answer.json()[name] for name in ("id", "score", "source")} == {
        "id": entry.id,
        "score": 0.0,
        "source": "app",
    }
    (label,) = control.get(f"/api/v1/requests/{entry.id}").json()["feedback"]
    assert (label["score"], label["source"]) == (0.0, "app")
    assert "words" not in str(label)


def test_the_same_source_may_say_it_again(control: ControlProcess) -> None:
    entry = an_entry()
    settled(control.journal(), entry)
    for score in ("bad", "good", "good"):
        assert control.post(f"/api/v1/requests/{entry.id}/feedback", {"score": score}).status == 200
    assert [one["score"] for one in control.get(f"/api/v1/requests/{entry.id}").json()["feedback"]] == [1.0]


def test_feedback_on_a_call_that_is_not_there_is_refused(control: ControlProcess) -> None:
    answer = control.post("/api/v1/requests/dd_nobody/feedback", {"score": 1})
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("body", [{"score": 2}, {"score": "fine"}, {}, [], {"score": 1, "stars": 5}])
def test_feedback_that_says_no_score_is_refused_with_what_is_expected(control: ControlProcess, body: object) -> None:
    entry = an_entry()
    settled(control.journal(), entry)
    answer = control.post(f"/api/v1/requests/{entry.id}/feedback", body)
    assert (answer.status, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert "good" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/api/v1/requests/dd_x/feedback", f"/api/v1/routes/{ROUTE}/reset"])
def test_a_page_of_another_site_changes_nothing(control: ControlProcess, path: str) -> None:
    assert control.post(path, {"score": 1}, {"origin": "http://evil.example"}).status == 403


def test_a_route_shows_its_promise_before_anything_is_known(control: ControlProcess) -> None:
    found = route(control)
    assert (found["id"], found["state"], found["rolled_back"]) == (ROUTE, "on", None)
    assert found["promise"] == {"epsilon": 0.05, "delta": 0.05}
    assert found["worse"]["shadow"] == {
        "labels": 0, "kept_labels": 0, "share": None, "low": None, "high": None, "evidence": None,
    }  # fmt: skip
    assert found["measured"]["saved_usd_per_call"] is None


def test_a_broken_promise_is_seen_everywhere_until_somebody_resets_it(control: ControlProcess) -> None:
    rolled_back(control)
    found = route(control)
    assert found["rolled_back"]["kind"] == "shadow"
    assert found["worse"]["shadow"]["low"] > 0.05
    control.eventually(lambda: b"dd0c_routes_rolled_back 1.0" in control.get("/metrics").body)
    assert f"route {ROUTE} was rolled back".encode() in control.get("/ui").body

    known = published(journal_directory(control.url))
    assert known is not None
    assert known.rolled_back == {ROUTE}

    assert control.post(f"/api/v1/routes/{ROUTE}/reset").json() == {"id": ROUTE, "reset": True}
    control.eventually(lambda: route(control)["state"] == "on")
    assert route(control)["resets"] == 1
    control.eventually(lambda: b"dd0c_routes_rolled_back 0.0" in control.get("/metrics").body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_roll_back_outlives_the_process(control: ControlProcess, number: int) -> None:
    rolled_back(control)
    control.stop(number)
    control.start()
    control.eventually(lambda: route(control)["state"] == "rolled_back")


def test_only_a_route_of_the_configuration_can_be_reset(control: ControlProcess) -> None:
    assert control.post("/api/v1/routes/nobody/reset").status == 404


def test_savings_of_the_control_group_are_shown(control: ControlProcess) -> None:
    journal = control.journal()
    kept, routed = decided(route_id=ROUTE, control=True, verdict="kept"), decided(route_id=ROUTE)
    for number in range(20):
        settled(journal, replace(kept, id=an_id(), cost_picodollars=10**9 + number))
        settled(journal, replace(routed, id=an_id(), cost_picodollars=10**8 + number))
    control.eventually(lambda: route(control)["measured"]["routed"]["calls"] == 20)
    measured = route(control)["measured"]
    assert measured["saved_share"] == pytest.approx(0.9, abs=0.01)
    assert measured["saved_usd_per_call"]["low"] <= 0.0009 <= measured["saved_usd_per_call"]["high"]
