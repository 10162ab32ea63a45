"""Logging in at the console of a real router: what opens it, for how long, and what does not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.access import new_key, stored_password
from dd0c_route.control.login import TRIES, target_of
from dd0c_route.types import Secret
from tests.control.browser import Browser
from tests.stand import Stand, until

KEY, STORED_KEY = new_key()
OTHER, STORED_OTHER = new_key()
WORDS = "synthetic words for a test"
STORED_WORDS = stored_password(Secret(WORDS))
SERVER = '\n[server]\naccess_keys = ["{}"]\nadmin_password = "{}"\n'
HEADERS_OF_TLS = {"x-forwarded-proto": "https"}


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with (
        tempfile.TemporaryDirectory(prefix="dd0c-") as folder,
        Stand(Path(folder), SERVER.format(STORED_KEY, STORED_WORDS)) as stand,
    ):
        until(lambda: stand.get("/ui").status == 401, "the console")
        yield stand


@pytest.fixture
def browser(stand: Stand) -> Browser:
    return Browser(stand)


def configure(stand: Stand, *keys: str, words: str = STORED_WORDS) -> None:
    """Write the configuration anew with these and have it read."""
    text = stand.config_path.read_text().partition("\n[server]")[0]
    listed = ", ".join(f'"{key}"' for key in keys)
    stand.config_path.write_text(f'{text}\n[server]\naccess_keys = [{listed}]\nadmin_password = "{words}"\n')
    answer = stand.request("POST", "/api/v1/reload", b"", {"x-dd0c-key": KEY})
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("secret", [KEY, WORDS], ids=["key", "password"])
def test_a_key_or_the_password_opens_the_console_and_the_api(browser: Browser, secret: str) -> None:
    assert b'name="secret"' in browser.get("/ui").body
    assert browser.get("/api/v1/requests").status == 401
    answer = browser.login(secret, "/ui/requests/dd_0")
    assert (answer.status, answer.headers["location"]) == (303, "/ui/requests/dd_0")
    assert browser.get("/ui").status == 200
    assert browser.get("/api/v1/requests").status == 200
    assert browser.get("/metrics").status == 200


def test_the_cookie_is_for_this_host_alone_and_for_no_script(browser: Browser, stand: Stand) -> None:
    browser.login(KEY)
    name, *attributes = browser.set_cookie.lower().split("; ")
    assert name.startswith("dd0c_session=")
    assert set(attributes) == {"httponly", "path=/", "samesite=strict"}
    over_tls = Browser(stand, HEADERS_OF_TLS)
    over_tls.login(KEY)
    name, *attributes = over_tls.set_cookie.lower().split("; ")
    assert name.startswith("__host-dd0c_session=")
    assert set(attributes) == {"httponly", "path=/", "samesite=strict", "secure"}
    assert over_tls.get("/ui").status == 200
    over_tls.cookies = {"dd0c_session": over_tls.cookies["__Host-dd0c_session"]}
    assert over_tls.get("/ui").status == 401  # another server of the host could have set that one


def test_each_login_has_a_session_of_its_own_and_ends_the_one_before(browser: Browser, stand: Stand) -> None:
    browser.login(KEY)
    before = Browser(stand)
    before.cookies = dict(browser.cookies)
    browser.login(KEY)
    assert browser.cookies != before.cookies
    assert browser.get("/ui").status == 200
    assert before.get("/ui").status == 401


def test_a_session_that_somebody_else_set_is_not_taken_over(browser: Browser) -> None:
    browser.cookies["dd0c_session"] = "A" * 43
    browser.login(KEY)
    assert browser.cookies["dd0c_session"] != "A" * 43


def test_logging_out_ends_it_on_this_side_too(browser: Browser, stand: Stand) -> None:
    browser.login(KEY)
    kept = Browser(stand)
    kept.cookies = dict(browser.cookies)
    assert browser.submit("/ui/logout", {"csrf": browser.csrf}).status == 303
    assert browser.cookies == {}
    assert kept.get("/ui").status == 401


def test_wrong_unknown_and_malformed_ones_get_one_answer(stand: Stand) -> None:
    answers = set()
    for secret in (KEY[:-1], OTHER, STORED_KEY, STORED_WORDS, "' OR 1=1 --", "x" * 5000, "\0", ""):
        browser = Browser(stand)
        answer = browser.login(secret)
        answers.add((answer.status, answer.body))
        assert browser.cookies == {}
        Browser(stand).login(KEY)  # so that the next one is not one too many
    ((status, body),) = answers
    assert status == 401
    assert KEY not in body.decode()


def test_the_sixth_try_of_a_minute_is_not_made(stand: Stand) -> None:
    Browser(stand).login(KEY)
    statuses = [Browser(stand).login("synthetic-wrong").status for _ in range(TRIES)]
    assert statuses == [401] * TRIES
    late = Browser(stand).login(KEY)  # the right one is not told from the wrong ones any more
    assert late.status == 429
    assert 0 < int(late.headers["retry-after"]) <= 60
    restart(stand)


def test_removing_the_key_or_changing_the_password_ends_the_sessions(stand: Stand) -> None:
    with_key, with_words = Browser(stand), Browser(stand)
    with_key.login(KEY)
    with_words.login(WORDS)
    other = Browser(stand)
    configure(stand, STORED_KEY, STORED_OTHER)
    other.login(OTHER)
    assert [one.get("/ui").status for one in (with_key, with_words, other)] == [200, 200, 200]
    configure(stand, STORED_KEY)
    assert [one.get("/ui").status for one in (with_key, with_words, other)] == [200, 200, 401]
    configure(stand, STORED_KEY, words=stored_password(Secret(WORDS)))
    assert [one.get("/ui").status for one in (with_key, with_words)] == [200, 401]
    configure(stand, STORED_KEY)


def restart(stand: Stand) -> None:
    """A new control process: it remembers no tries."""
    stand.router.stop()
    stand.start_router()
    until(lambda: stand.get("/ui").status == 401, "the console")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/ui//evil.example", "/ui/../v1/models",
        "/ui\r\nset-cookie: a=b", "/uix", "/api/v1/requests", "/ui/..", "/ui/%2e%2e/x", "/ui?next=//evil", "",
        "/ui/" + "x" * 999, "/ui/./x", "/ui/x\n", "javascript:0",
    ],
)  # fmt: skip
def test_the_way_on_never_leads_elsewhere(target: str) -> None:
    assert target_of(target) == "/ui"


@pytest.mark.parametrize("target", ["/ui", "/ui/requests/dd_01ABC", "/ui?before=dd_1", "/ui/requests/a~b.c-d"])
def test_the_way_on_leads_to_the_page_that_was_asked_for(target: str) -> None:
    assert target_of(target) == target


@pytest.mark.parametrize("key", [new_key()[0], "0123456789abcdef" * 2], ids=["no longer one", "another"])
def test_a_key_in_the_address_is_not_repeated_by_the_page_to_log_in_at(stand: Stand, key: str) -> None:
    page = stand.get(f"/ui/requests?key={key}")
    assert page.status == 401
    assert key.encode() not in page.body
    assert b'value="/ui"' in page.body
