"""Every address with every way to ask: who may, who may not, and which page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.routing import Route

from dd0c_route.access import Sessions, new_key, stored_password
from dd0c_route.clock import SystemClock
from dd0c_route.config import Server
from dd0c_route.console.addresses import Address
from dd0c_route.control.app import Control, addresses
from dd0c_route.control.door import BODY_BYTES, Door, is_open
from dd0c_route.types import Secret
from tests.control.browser import FORM, Browser
from tests.stand import Answer, Stand, until

KEY, STORED_KEY = new_key()
WRONG, _ = new_key()
STORED_WORDS = stored_password(Secret("synthetic words for a test"))


def all_addresses() -> list[Address]:
    """Those of the real table; nothing of what they would act on is touched by making it."""
    nothing = cast(Any, None)
    control = Control(nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing)
    return addresses(control, nothing, Sessions(), SystemClock())


ADDRESSES = [(route.who, method, route.path) for route in all_addresses() for method in sorted(route.methods or ())]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with (
        tempfile.TemporaryDirectory(prefix="dd0c-") as folder,
        Stand(Path(folder), f'\n[server]\naccess_keys = ["{STORED_KEY}"]\n') as stand,
    ):
        until(lambda: stand.get("/ui").status == 401, "the console")
        yield stand


@pytest.fixture(scope="module")
def logged_in(stand: Stand) -> Browser:
    browser = Browser(stand)
    assert browser.login(KEY).status == 303
    return browser


def asked(path: str) -> str:
    """An address of the pattern *path* at which nothing is."""
    names = {"{entry_id}": "dd_0", "{route_id}": "none", "{session:path}": "none", "{name}": "none"}
    for pattern, value in names.items():
        path = path.replace(pattern, value)
    return path


def test_there_are_as_many_addresses_as_were_looked_at() -> None:
    """Whoever adds one says here how many there are, and with that has seen who may use it."""
    assert {who: sum(one == who for one, _, _ in ADDRESSES) for who in ("anybody", "reader", "writer")} == {
        "anybody": 5,
        "reader": 26,
        "writer": 6,
    }


def test_what_does_not_say_who_may_use_it_does_not_start() -> None:
    async def endpoint(request: Any) -> Any:
        return None

    with pytest.raises(TypeError, match="do not say who"):
        Door(cast(Any, None), [Route("/x", endpoint)], Server, Sessions(), SystemClock())


@pytest.mark.parametrize(("who", "method", "path"), ADDRESSES)
def test_each_address_asks_for_what_it_says(stand: Stand, logged_in: Browser, who: str, method: str, path: str) -> None:
    if path == "/ui/logout":
        pytest.skip("it would end the session that the others need: tests/control/test_login.py")
    target = asked(path)

    def ask(**headers: str) -> int:
        return stand.request(method, target, b"", {k.replace("_", "-"): v for k, v in headers.items()}).status

    cookie = "; ".join(f"{name}={value}" for name, value in logged_in.cookies.items())
    own = f"http://127.0.0.1:{stand.port}"
    denied = {401} if who != "anybody" else {200, 303, 401, 404}  # a login without a secret is refused, too
    assert ask() in denied
    assert ask(authorization=f"Bearer {WRONG}") in denied
    assert ask(cookie="dd0c_session=" + "A" * 43) in denied
    assert (
        ask(cookie="dd0c_session=; dd0c_session=é; =;;", x_dd0c_caller="key=00000000", x_dd0c_peer="127.0.0.1")
        in denied
    )
    if who == "anybody":
        return
    assert ask(authorization=f"Bearer {KEY}") not in (401, 403)
    assert ask(authorization=f"Bearer {KEY}", origin="https://evil.example") not in (401, 403)
    if who == "reader":
        assert ask(cookie=cookie) not in (401, 403)
        assert ask(cookie=cookie, sec_fetch_site="cross-site", sec_fetch_mode="no-cors") == 403
        assert ask(cookie=cookie, host="evil.example") == 403
        return
    token = logged_in.csrf
    assert ask(cookie=cookie, origin=own) == 403
    assert ask(cookie=cookie, origin=own, x_csrf_token="0" * 64) == 403
    assert ask(cookie=cookie, origin=own, x_csrf_token=token) not in (401, 403)
    assert ask(cookie=cookie, origin="https://evil.example", x_csrf_token=token) == 403
    assert ask(cookie=cookie, origin="null", x_csrf_token=token) == 403
    assert ask(cookie=cookie, sec_fetch_site="same-site", x_csrf_token=token) == 403
    assert ask(cookie=cookie, origin="http://evil.example", host="evil.example", x_csrf_token=token) == 403


def test_what_is_no_address_tells_nothing_to_nobody(stand: Stand, logged_in: Browser) -> None:
    for path in ("/api/v1/nothing", "/ui/nothing", "/api/", "/metrics/x", "/uix", "/api/v1/requests/../../x"):
        assert stand.get(path).status == 401, path
        assert logged_in.get(path).status == 404, path


def test_no_other_method_gets_through(stand: Stand, logged_in: Browser) -> None:
    before = logged_in.get("/api/v1/brain").json()
    override = {"x-http-method-override": "POST", "x-method-override": "POST", "x-csrf-token": logged_in.csrf}
    assert logged_in.get("/api/v1/brain/off", override).status == 405
    assert logged_in.get("/api/v1/brain/off?_method=POST").status == 405
    cookie = "; ".join(f"{name}={value}" for name, value in logged_in.cookies.items())
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/api/v1/requests", "/ui", "/metrics", "/api/v1/brain/off"):
            assert stand.request(method, path, b"", {"cookie": cookie}).status in (403, 405)
            answer = stand.request(
                method, path, b"", {"authorization": f"Bearer {KEY}", "origin": "https://evil.example"}
            )
            assert answer.status == 405
            assert not any(name.startswith("access-control-") for name in answer.headers)
    assert logged_in.get("/api/v1/brain").json() == before


def test_a_form_of_our_page_may_carry_the_token(stand: Stand) -> None:
    browser = Browser(stand)
    browser.login(KEY)
    assert browser.submit("/ui/logout", {"csrf": "0" * 64}).status == 403
    assert browser.submit("/ui/logout", {"csrf": browser.csrf}, {"origin": "https://evil.example"}).status == 403
    assert browser.submit("/ui/logout", {"csrf": browser.csrf}).status == 303


def test_a_login_of_somebody_else_s_page_is_not_made(stand: Stand) -> None:
    browser = Browser(stand)
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"host": "evil.example"}):
        assert browser.submit("/ui/login", {"secret": KEY}, headers).status == 403
    assert browser.cookies == {}


def test_bodies_are_bounded_before_they_are_read(stand: Stand) -> None:
    body = b"secret=" + b"x" * BODY_BYTES
    assert stand.request("POST", "/ui/login", body, {"content-type": FORM}).status == 413
    assert stand.request("POST", "/api/v1/requests/x/feedback", body, {"x-dd0c-key": KEY}).status == 413


def test_a_wrong_key_is_not_made_good_by_a_session(logged_in: Browser) -> None:
    assert logged_in.get("/api/v1/requests", {"authorization": f"Bearer {WRONG}"}).status == 401


def test_a_session_opens_no_call(stand: Stand, logged_in: Browser) -> None:
    answer = logged_in.post("/v1/chat/completions", b'{"model": "gpt-4o", "messages": []}')
    assert answer.status == 401


@pytest.mark.parametrize(
    ("server", "peer", "expected"),
    [
        (Server(), "127.0.0.1", True),
        (Server(), "", True),  # bound to this machine: nobody else comes
        (Server(host="0.0.0.0"), "127.0.0.1", True),  # noqa: S104 - nothing is bound
        (Server(host="0.0.0.0"), "::ffff:127.0.0.1", True),  # noqa: S104
        (Server(host="0.0.0.0"), "192.168.1.7", False),  # noqa: S104
        (Server(host="::"), "fe80::1", False),
        (Server(host="0.0.0.0"), "", False),  # noqa: S104
        (Server(host="0.0.0.0", trust_network=True), "192.168.1.7", True),  # noqa: S104
        (Server(admin_password=STORED_WORDS), "127.0.0.1", False),
        (Server(admin_password=STORED_WORDS, trust_network=True), "127.0.0.1", False),
    ],
)
def test_without_any_login_only_this_machine_comes_in(server: Server, peer: str, expected: bool) -> None:
    assert is_open(server, peer) is expected


def test_every_answer_has_the_headers_that_keep_a_browser_safe(stand: Stand, logged_in: Browser) -> None:
    answers: list[Answer] = [stand.get("/ui"), stand.get("/ui/static/console.css"), stand.get("/ui/login")]
    answers += [logged_in.get(path) for path in ("/ui", "/ui/x", "/api/v1/requests", "/api/v1/x", "/metrics")]
    answers += [logged_in.post("/api/v1/brain/off"), logged_in.submit("/ui/login", {"secret": "synthetic"})]
    for answer in answers:
        headers = answer.headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
        assert policy == {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
            "connect-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'self'",
            "require-trusted-types-for": "'script'",
        }  # fmt: skip
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-store" if "css" not in headers["content-type"] else "max-age=86400")
        assert not any(name.startswith("access-control-") for name in headers)
