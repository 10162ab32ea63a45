"""What the headers of other gateways say here."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dd0c_route.proxy.headers import Headers, names_of
from dd0c_route.proxy.peers import PEERS, heard, peer_of


@pytest.mark.parametrize(
    ("headers", "session", "tags"),
    [
        ([(b"x-litellm-tags", b"core, search")], None, {"core": "", "search": ""}),
        ([(b"x-litellm-session-id", b"s1"), (b"helicone-session-id", b"s2")], "s1", {}),
        ([(b"helicone-property-team", b"core"), (b"helicone-user-id", b"u1")], None, {"team": "core", "user": "u1"}),
        ([(b"x-portkey-metadata", b'{"_user":"u1","n":2,"deep":{}}')], None, {"user": "u1", "n": "2"}),
        ([(b"cf-aig-metadata", b"not json")], None, {}),
        ([(b"cf-aig-metadata", b"[1]")], None, {}),
        ([(b"http-referer", b"https://app.example"), (b"x-title", b"App")], None,
         {"app_url": "https://app.example", "app": "App"}),
        ([(b"x-portkey-trace-id", b"t1")], None, {"trace": "t1"}),
        ([(b"x-litellm-session-id", b"")], None, {}),
        ([(b"x-other", b"1")], None, {}),
        ([(b"helicone-auth", b"Bearer synthetic")], None, {}),
    ],
)  # fmt: skip
def test_sessions_and_tags_are_heard(headers: Headers, session: str | None, tags: dict[str, str]) -> None:
    said = heard(headers)
    assert (said.session, said.tags) == (session, tags)


def test_a_header_without_a_meaning_here_is_named_in_the_log_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        heard([(b"x-portkey-config", b"pc-synthetic")])
    assert capsys.readouterr().err.count("x-portkey-config") <= 1


def test_every_row_is_complete() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert urlsplit(peer.source).scheme == "https"
        assert (peer.means == "tag") == bool(peer.tag or peer.name.endswith("*"))
        assert peer.name == peer.name.lower()


def test_ordinary_headers_cost_nothing_more() -> None:
    names = names_of([(b"user-agent", b"x"), (b"x-stainless-lang", b"python"), (b"anthropic-beta", b"y")])
    assert not names.peers
    assert peer_of(b"x-stainless-lang") is None
