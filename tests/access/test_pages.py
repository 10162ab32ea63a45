"""Which names and pages are ours."""

from __future__ import annotations

import pytest

from dd0c_route.access import Pages
from dd0c_route.config import Server

PAGES = Pages.of(Server(public_hosts=("router.example",), cors_origins=("https://app.example", "app://obsidian.md")))
HERE = "127.0.0.1:4747"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4747", "127.0.0.1", "127.8.9.1:80", "[::1]:4747", "[::1]", "localhost:4747", "LOCALHOST",
        "localhost.", "127.0.0.1.", "x.localhost:4747", "192.168.1.5:4747", "[fd00::1]:4747", "router:4747",
        "router.example", "ROUTER.example:8443",
        "router.example.", "host.docker.internal:4747", "router.tools.svc.cluster.local:4747", "",
    ],
)  # fmt: skip
def test_names_that_can_only_be_ours_are_known(host: str) -> None:
    assert PAGES.know(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:4747", "127.0.0.1.evil.example", "localhost.evil.example", "xrouter.example",
        "router.example.evil.example", "router.local:4747", "evil.localhost.example", "0x7f.1", "127.1",
        "a.svc.cluster.local.evil.example",
    ],
)  # fmt: skip
def test_names_that_somebody_can_make_point_here_are_not(host: str) -> None:
    assert not PAGES.know(host)


@pytest.mark.parametrize(
    ("host", "origin", "site"),
    [
        (HERE, None, None),
        (HERE, "http://127.0.0.1:4747", "same-origin"),
        (HERE, "http://127.0.0.1:4747", None),
        (HERE, None, "none"),
        (HERE, "https://app.example", "cross-site"),
        (HERE, "app://obsidian.md", None),
        (HERE, "https://router.example", None),  # a server in front puts another name into Host
        ("router.example:4747", "http://router.example:4747", None),
    ],
)
def test_what_is_no_page_or_an_own_one_may_call(host: str, origin: str | None, site: str | None) -> None:
    assert PAGES.fault(host, origin, site) is None


@pytest.mark.parametrize(
    ("host", "origin", "site", "fix"),
    [
        (HERE, "https://evil.example", None, "cors_origins"),
        (HERE, "https://evil.example", "cross-site", "cors_origins"),
        (HERE, "null", None, "cors_origins"),
        (HERE, "null", "same-origin", "cors_origins"),
        (HERE, "", None, "cors_origins"),
        (HERE, "http://", None, "cors_origins"),
        (HERE, "http://127.0.0.1:3000", "same-site", "cors_origins"),  # another program on this machine
        (HERE, "https://app.example:444", None, "cors_origins"),
        (HERE, "https://app.example.evil.example", None, "cors_origins"),
        (HERE, "file://", None, "cors_origins"),
        (HERE, "ftp://127.0.0.1:4747", None, "cors_origins"),
        (HERE, None, "cross-site", "cors_origins"),
        (HERE, None, "same-site", "cors_origins"),
        ("evil.example:4747", "http://evil.example:4747", "same-origin", "public_hosts"),
        ("evil.example:4747", None, None, "public_hosts"),
        ("", "null", None, "cors_origins"),
    ],
)
def test_pages_of_somebody_else_may_not_and_the_fix_is_named(
    host: str, origin: str | None, site: str | None, fix: str
) -> None:
    fault = PAGES.fault(host, origin, site)
    assert fault is not None
    assert fix in fault


def test_a_page_on_this_machine_is_not_ours_because_we_listen_there() -> None:
    assert not PAGES.is_own("http://127.0.0.1:3000", HERE)
    assert not PAGES.is_own("http://127.0.0.1", HERE)
