"""Without access keys, no page in a browser of this machine may spend the stored keys; those that are listed may."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.access import new_key
from tests.stand import CHAT, Answer, Stand

LISTED = "https://app.example"
BODY = json.dumps(CHAT).encode()
KEY, STORED = new_key()


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="dd0c-") as folder, Stand(Path(folder)) as stand:
        stand.control("/api/v1/brain")
        yield stand


@pytest.fixture(scope="module")
def listing() -> Iterator[Stand]:
    with (
        tempfile.TemporaryDirectory(prefix="dd0c-") as folder,
        Stand(Path(folder), f'\n[server]\ncors_origins = ["{LISTED}"]\npublic_hosts = ["router.example"]\n') as stand,
    ):
        stand.control("/api/v1/brain")
        yield stand


def calls(stand: Stand) -> int:
    return len(stand.sim_stats()["calls"])


def chat(stand: Stand, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return stand.request("POST", "/v1/chat/completions", BODY, named)


EVIL = "https://evil.example"
WAYS = [
    ("fetch of JSON", {"origin": EVIL, "content-type": "application/json", "sec-fetch-site": "cross-site"}),
    ("no-cors as text", {"origin": EVIL, "content-type": "text/plain", "sec-fetch-mode": "no-cors"}),
    ("form", {"origin": EVIL, "content-type": "application/x-www-form-urlencoded", "sec-fetch-mode": "navigate"}),
    ("multipart form", {"origin": EVIL, "content-type": "multipart/form-data; boundary=x"}),
    ("beacon", {"origin": EVIL, "content-type": "text/plain;charset=UTF-8", "sec-fetch-site": "cross-site"}),
    ("sandboxed frame", {"origin": "null", "content-type": "text/plain"}),
    ("file", {"origin": "file://"}),
    ("without an origin", {"sec-fetch-site": "cross-site"}),
    ("another port of this machine", {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-site"}),
    ("a name made to point here", {"origin": "http://evil.example:4747", "host": "evil.example:4747"}),
    ("the same over TLS", {"origin": "https://evil.example", "host": "evil.example"}),
    ("two origins", {"origin": f"http://127.0.0.1, {EVIL}"}),
    ("with a key of its own", {"origin": EVIL, "authorization": "Bearer synthetic-0123456789"}),
]


@pytest.mark.parametrize("headers", [headers for _, headers in WAYS], ids=[name for name, _ in WAYS])
def test_no_way_of_a_page_leads_to_a_provider(stand: Stand, headers: dict[str, str]) -> None:
    before = calls(stand)
    for path in ("/v1/chat/completions", "/v1/messages", "/passthrough/sim/v1/chat/completions"):
        answer = stand.request("POST", path, BODY, headers)
        assert answer.status == 403, path
        assert "[server]" in answer.body.decode()
        assert not any(name.startswith("access-control-") for name in answer.headers)
    assert calls(stand) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"host": "evil.example:4747"},  # a page whose name was made to point here sends nothing else by GET
        {"origin": EVIL, "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"},
    ],
    ids=["image", "rebinding", "websocket"],
)
def test_reading_through_stored_keys_is_refused_too(stand: Stand, headers: dict[str, str]) -> None:
    before = calls(stand)
    for path in ("/passthrough/sim/v1/files", "/v1/models", "/v1/realtime"):
        assert stand.request("GET", path, b"", headers).status in (403, 404, 426), path
    assert calls(stand) == before


def test_a_preflight_is_answered_with_nothing_that_lets_a_page_go_on(stand: Stand) -> None:
    asks = {"origin": EVIL, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    for path in ("/v1/chat/completions", "/passthrough/sim/v1/x", "/api/v1/reload", "/ui", "/v1/models"):
        answer = stand.request("OPTIONS", path, b"", asks)
        assert answer.status in (403, 405), path
        assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-mode": "cors"},  # Node's fetch says so
        {"host": "localhost:4747"},
        {"host": "router:4747"},
        {"host": "host.docker.internal:4747"},
        {"host": "llm.example"},  # no browser: without Origin, a POST comes from no page
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin"},
    ],
)
def test_programs_and_own_pages_call_as_before(stand: Stand, headers: dict[str, str]) -> None:
    assert chat(stand, **headers).status == 200


def test_a_listed_page_may_call_and_read(listing: Stand) -> None:
    asks = {"origin": LISTED, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = listing.request("OPTIONS", "/v1/chat/completions", b"", asks)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == LISTED
    assert preflight.headers["access-control-allow-headers"] == "content-type"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in preflight.headers
    answer = chat(listing, origin=LISTED, sec_fetch_site="cross-site", content_type="application/json")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["vary"] == "Origin"
    assert "x-dd0c-request-id" in answer.headers["access-control-expose-headers"]
    refused = listing.request("POST", "/v1/chat/completions", b"{", {"origin": LISTED})
    assert refused.status == 400
    assert refused.headers["access-control-allow-origin"] == LISTED  # or the page could not read why


def test_no_other_page_may_because_one_is_listed(listing: Stand) -> None:
    for origin in (EVIL, "null", "https://app.example.evil.example", "http://app.example", "https://app.example:8443"):
        before = calls(listing)
        answer = chat(listing, origin=origin)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        asks = {"origin": origin, "access-control-request-method": "POST"}
        assert (
            "access-control-allow-origin" not in listing.request("OPTIONS", "/v1/chat/completions", b"", asks).headers
        )
        assert calls(listing) == before


def test_a_listed_page_does_not_come_to_the_console(listing: Stand) -> None:
    asks = {"origin": LISTED, "access-control-request-method": "POST"}
    for path in ("/api/v1/reload", "/api/v1/brain/off", "/ui", "/metrics"):
        assert "access-control-allow-origin" not in listing.request("OPTIONS", path, b"", asks).headers
    assert listing.request("POST", "/api/v1/brain/off", b"", {"origin": LISTED}).status == 403
    answer = listing.request("GET", "/api/v1/requests", b"", {"origin": LISTED, "sec-fetch-site": "cross-site"})
    assert answer.status == 403


def test_a_public_name_is_ours(listing: Stand) -> None:
    assert chat(listing, host="router.example", origin="https://router.example").status == 200
    assert listing.request("GET", "/ui", b"", {"host": "router.example"}).status == 200
    assert listing.request("GET", "/ui", b"", {"host": "other.example"}).status == 403


def test_with_access_keys_the_key_is_the_proof(tmp_path: Path) -> None:
    with Stand(tmp_path, f'\n[server]\naccess_keys = ["{STORED}"]\n') as stand:
        desktop = {"origin": "app://client", "host": "llm.example"}
        assert stand.request("POST", "/v1/chat/completions", BODY, desktop | {"x-dd0c-key": KEY}).status == 200
        assert stand.request("POST", "/v1/chat/completions", BODY, desktop).status == 401


def test_what_the_worker_says_of_a_caller_nobody_else_can_say(stand: Stand) -> None:
    forged = {"x-dd0c-caller": "local", "x-forwarded-host": "127.0.0.1:4747", "x-dd0c-peer": "127.0.0.1"}
    assert stand.request("GET", "/ui", b"", forged | {"host": "evil.example"}).status == 403
    assert stand.request("POST", "/api/v1/brain/off", b"", forged | {"origin": EVIL}).status == 403
