from __future__ import annotations

import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.types import Delivery, Media, PriceLine, Repricing, ServerTools, Usage
from tests.control.place import ControlProcess
from tests.ledger.examples import an_entry


@pytest.fixture(scope="module")
def control() -> Iterator[ControlProcess]:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:
        control = ControlProcess(Path(path))
        yield control
        assert control.stop() == 0


class Seen(HTMLParser):
    """Collects what a browser would load, run or follow."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


def stored(control: ControlProcess, **changes: Any) -> str:
    """Journal an entry and wait until it is readable; its id."""
    entry = an_entry(**changes)
    journal = control.journal()
    journal.settle(entry)
    journal.deliver(Delivery(entry.id))
    journal.close()
    control.eventually(lambda: control.get(f"/api/v1/requests/{entry.id}").status == 200)
    return entry.id


def test_an_empty_ledger_shows_the_command_that_fills_it() -> None:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:
        control = ControlProcess(Path(path))  # of its own: the others' entries may be there already
        page = control.get("/ui")
        forwarded = control.get("/ui", headers={"x-forwarded-host": "127.0.0.1:4748"})
        fooled = control.get("/ui", headers={"x-forwarded-host": "$(touch x)", "x-dd0c-caller": "local"})
        assert control.stop() == 0
    assert page.status == 200
    assert "curl http://127.0.0.1:4747/v1/chat/completions" in Seen(page.body).text
    assert "curl http://127.0.0.1:4748/" in Seen(forwarded.body).text
    assert "touch" not in Seen(fooled.body).text


def test_the_list_shows_model_tokens_cost_and_ending(control: ControlProcess) -> None:
    entry_id = stored(control, end_state="client_gone")
    seen = Seen(control.get("/ui").body)
    assert ("href", f"/ui/requests/{entry_id}") in seen.attributes
    for text in ("acme-large", "acme-small", "1\u2009200", "320", "$0.000123", "client gone"):
        assert text in seen.text


def test_what_has_no_price_is_not_shown_as_free(control: ControlProcess) -> None:
    entry_id = stored(control, unpriced=True, cost_picodollars=None, cost_usd=None)
    overview = Seen(control.get("/ui").body)
    assert "unpriced" in overview.text
    assert "without a price: add it under [[prices]] in dd0c.toml, then run dd0c-route reprice --since" in overview.text
    assert ("class", "state bad") in overview.attributes
    page = Seen(control.get(f"/ui/requests/{entry_id}").body).text
    assert "add it under [[prices]] in dd0c.toml, then run dd0c-route reprice --since 2027-01-15" in page


def test_one_request_shows_bill_decision_and_attempts(control: ControlProcess) -> None:
    decision = {
        "verdict": "routed",
        "reason": "2 of 3 good enough",
        "policy": "cheapest-capable",
        "plan": ["acme/acme-small", "acme/acme-large"],
        "candidates": [{"target": "acme/acme-small", "p_good": 0.93, "expected_cost_picodollars": None}],
    }
    entry_id = stored(
        control,
        decision=decision,
        price={"id": "acme/acme-small@2026-11-20", "source": "acme.example/prices", "date": "2026-11-20"},
        error="upstream_cut",
        error_band=(300, 340),
        price_lines=(PriceLine("web_search", 2, "10000", 20_000_000_000, "call"),),
        billable_lines=(PriceLine("output", 4321, "15", 64_815_000_000),),
        billable_band=(320, 4096),
        cost_billable_picodollars=64_815_000_000,
        cost_provider_usd="0.07",
        usage_consistent=False,
        usage_media=Media(input_audio=17),
        server_tools=ServerTools(web_search=2, code_execution=1),
        not_priced=("code_execution",),
        repriced=(Repricing("2027-02-01T00:00:00Z", "corrected", 10**12, None, None, None, False, {"id": "old/row"}),),
        baseline_picodollars=10**12,
        saved_picodollars=-(10**12),
    )
    text = Seen(control.get(f"/ui/requests/{entry_id}").body).text
    for part in (
        "2 of 3 good enough", "93 %", "acme.example/prices", "between 300 and 340 tokens", "upstream_cut", "-$1.00",
        "web search call", "$0.020000", "4\u2009321", "$0.064815", "between 320 and 4\u2009096", "+8.0 % against ours",
        "do not make up its total", "input audio", "Without a rate", "2027-02-01 00:00:00", "$1.00 old/row corrected",
        "new:pooled", "cache read", "$0.000123456789", f"dd0c-route explain {entry_id}",
    ):  # fmt: skip
        assert part in text


def test_a_call_without_anything_still_has_a_page(control: ControlProcess) -> None:
    entry_id = stored(
        control, provider="", served_model="", requested_model="", status=0, attempts=(), usage=Usage(), decision=None,
        cost_picodollars=None, cost_usd=None, session=None, tags={}, ttft_ms=None, end_state="internal",
    )  # fmt: skip
    page = control.get(f"/ui/requests/{entry_id}")
    assert page.status == 200
    assert "No provider was called." in Seen(page.body).text


def test_nothing_that_a_client_sent_becomes_markup(control: ControlProcess) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    entry_id = stored(
        control, requested_model=evil, served_model=evil, session=evil, tags={evil: evil}, error=evil, key_id=evil,
        decision={"reason": evil, evil: [evil], "candidates": [{"target": evil, "p_good": None}]}, price={evil: evil},
        reported_usage={evil: evil},
    )  # fmt: skip
    for path in ("/ui", f"/ui/requests/{entry_id}", "/ui/requests/%3Cscript%3Ealert(1)", "/ui/%3Cimg%20src=x%3E"):
        seen = Seen(control.get(path).body)
        assert not {"script", "img", "style", "iframe"} & set(seen.tags)
        assert not any(name.startswith("on") or name == "style" for name, _ in seen.attributes)


@pytest.mark.parametrize("path", ["/ui", "/ui/requests/none", "/ui/static/console.css", "/api/v1/requests", "/metrics"])
def test_every_answer_forbids_what_the_page_does_not_need(control: ControlProcess, path: str) -> None:
    headers = control.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_everything_comes_from_the_package(control: ControlProcess) -> None:
    seen = Seen(control.get("/ui").body)
    loaded = [value for name, value in seen.attributes if name in {"src", "href"} and value]
    assert all(value.startswith("/") for value in loaded)
    for path in (value for value in loaded if value.startswith("/ui/static/")):
        assert control.get(path).status == 200


def test_a_page_that_is_not_there_says_so_as_a_page(control: ControlProcess) -> None:
    for path in ("/ui/nothing", "/ui/requests/none", "/ui/static/none"):
        answer = control.get(path)
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/html")
    assert control.get("/ui/").status == 308
