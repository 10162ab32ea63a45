from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.upstream.simulator.script import PLAIN, Scene, ScriptError, load_script, read_scene

from .conftest import CHAT, Running, chat


def test_a_header_becomes_a_scene() -> None:
    scene = read_scene("ttft_ms=1.5; chunks=3;junk; text=a%3Bb%20c; cut_how=rst;")
    assert scene == Scene(ttft_ms=1.5, chunks=3, junk=True, text="a;b c", cut_how="rst")
    assert read_scene("") == PLAIN


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("nonsense=1", "nonsense"),
        ("chunks=many", "chunks"),
        ("chunks=-1", "chunks"),
        ("ttft_ms=nan", "ttft_ms"),
        ("cut_how=politely", "cut_how"),
        ("usage={", "x-sim"),
        ("write_seed=1", "write_bytes"),
        ("status=100", "status"),
    ],
)
def test_a_wrong_setting_is_named(sim: Running, header: str, named: str) -> None:
    with pytest.raises(ScriptError, match=named):
        read_scene(header)
    reply = sim.ask(CHAT, chat(), header)
    assert reply.status == 400
    assert named in reply.json()["error"]["message"]


@given(st.text())
def test_no_header_makes_anything_but_a_scene_or_a_fault(header: str) -> None:
    with contextlib.suppress(ScriptError):
        assert isinstance(read_scene(header), Scene)


def test_the_text_is_said_as_given_a_token_a_word(sim: Running) -> None:
    text = "  Grüße,  世界 🙂\n"
    sent = "".join(f"%{byte:02X}" for byte in text.encode())
    body = sim.ask(CHAT, chat(), f"text={sent}").json()
    assert body["choices"][0]["message"]["content"] == text
    assert body["usage"]["completion_tokens"] == 4


def test_chunks_have_the_length_that_was_asked(sim: Running) -> None:
    events = sim.ask(CHAT, chat(True), "chunks=4; chunk_bytes=100").events()
    texts = [c["choices"][0]["delta"].get("content") for _, c in events[:-1]]
    assert [len(text) for text in texts if text] == [100] * 4


def test_usage_can_be_left_out_or_be_anything(sim: Running) -> None:
    assert "usage" not in sim.ask(CHAT, chat(), "usage=none").json()
    assert sim.ask(CHAT, chat(), 'usage={"prompt_tokens":-5}').json()["usage"] == {"prompt_tokens": -5}
    events = sim.ask("/v1/messages", chat(True), "usage=none").events()
    assert all("usage" not in data and "usage" not in data.get("message", {}) for _, data in events)


def test_the_model_that_served_can_be_another(sim: Running) -> None:
    assert sim.ask(CHAT, chat(), "model=gpt-x-2026-01-01").json()["model"] == "gpt-x-2026-01-01"


def test_an_echo_tells_what_crossed(sim: Running) -> None:
    body = json.dumps(chat()).encode()
    reply = sim.ask(f"{CHAT}?a=b", body, "echo=1", {"X-Odd": "1", "authorization": "Bearer synthetic"})
    seen = json.loads(reply.json()["choices"][0]["message"]["content"])
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", CHAT, "a=b")
    assert ["x-odd", "1"] in seen["headers"]
    assert ["authorization", "Bearer synthetic"] in seen["headers"]
    assert seen["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert sim.ask("/any/other", b"x", "echo=1", method="PUT").json()["method"] == "PUT"


def test_the_first_calls_of_a_key_fail_and_later_ones_do_not(sim: Running) -> None:
    def statuses(key: str, more: str = "") -> list[int]:
        return [sim.ask(CHAT, chat(), f"fail_first=2; key={key}{more}").status for _ in range(4)]

    assert statuses("one") == [503, 503, 200, 200]
    assert statuses("two", "; status=429") == [429, 429, 200, 200]
    sim.ask("/sim/reset")
    assert statuses("one") == [503, 503, 200, 200]


def test_more_headers_are_sent(sim: Running) -> None:
    reply = sim.ask(CHAT, chat(), "header=x-ratelimit-remaining: 5%0Aset-cookie: a=b")
    assert (reply.headers["x-ratelimit-remaining"], reply.headers["set-cookie"]) == ("5", "a=b")


def test_the_first_rule_that_matches_decides_as_often_as_it_says(
    launch: Callable[..., Running], tmp_path: Path
) -> None:
    script = tmp_path / "script.toml"
    script.write_text(
        """
        [[rule]]
        match = { model = "gpt-*", header = { X-Team = "red*" } }
        status = 418

        [[rule]]
        match = { path = "*/chat/completions", model = "gpt-*" }
        times = 2
        status = 503
        retry_after = 1

        [[rule]]
        match = { path = "*:generateContent", model = "gemini-y" }
        text = "ruled"
        """
    )
    sim = launch(script=script)
    assert [sim.ask(CHAT, chat()).status for _ in range(3)] == [503, 503, 200]
    assert sim.ask(CHAT, chat(), headers={"x-team": "redwood"}).status == 418
    assert sim.ask(CHAT, chat(), "status=402", {"x-team": "red"}).status == 402, "the request's own scene wins"
    assert b"ruled" in sim.ask("/v1/models/gemini-y:generateContent", {"contents": []}).body


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[rule]]\nstatus = 'x'", "rule 1"),
        ("[[rule]]\nmatch = { url = '*' }", "url"),
        ("[[rule]]\nnonsense = 1", "nonsense"),
        ("[[rule", "script.toml"),
        ("rule = 5", "script.toml"),
        ("[[rule]]\nmatch = { model = 5 }", "rule 1"),
        ("[[rule]]\ntimes = 'often'", "rule 1"),
    ],
)
def test_a_wrong_script_is_refused_with_its_rule(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "script.toml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=fault):
        load_script(path)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"gone\.toml"):
        load_script(tmp_path / "gone.toml")
