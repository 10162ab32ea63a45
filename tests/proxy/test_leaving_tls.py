"""A provider whose certificate does not hold gets nothing, on whichever path the router comes to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.proxy.recorder import JSON, Recorder
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand, until
from tests.upstream.certificates import BAD, HOST, Issued, issue, server_side

KEY = "synthetic-stored-0123456789abcdef"
FAULTS = ["expired", "another host", "an unknown authority", "for clients", "plain"]
PROVIDER = """
[providers.{name}]
dialect = "openai"
base_url = "https://localhost:{at}/v1"
api_key = {{ env = "STORED" }}
ca_file = "root.pem"
warm_connections = 2

[[routes]]
match = {{ model = "{name}-first" }}
candidates = ["{name}/first", "sim/second"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = {{ model = "{name}-shadow" }}
candidates = ["{name}/other", "sim/{name}-shadow"]
policy = "pinned"
mode = "shadow"
control_share = 0.0
shadow_share = 1.0
shadow_usd_per_day = 1000.0

[[prices]]
provider = "{name}"
model = "*"
input = 1.0
output = 2.0
"""
SIM_PRICE = '[[prices]]\nprovider = "sim"\nmodel = "*"\ninput = 1.0\noutput = 2.0\n'


def name_of(fault: str) -> str:
    return fault.replace(" ", "-")


class Scene:
    """A router before one good server and one for each fault."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        root: Issued = issue("root", is_ca=True)
        (folder / "root.pem").write_bytes(root.pem)
        contexts = {fault: server_side(BAD[fault](root)) for fault in FAULTS if fault != "plain"}
        self.bad = {
            fault: stack.enter_context(Recorder(tls=contexts.get(fault), greeting=b"" if fault in contexts else JSON))
            for fault in FAULTS
        }
        self.good = stack.enter_context(Recorder(tls=server_side(issue(HOST, root, names=(HOST,)))))
        config = SIM_PRICE + "".join(
            PROVIDER.replace("{name}", name_of(fault)).replace("{at}", str(one.port))
            for fault, one in [*self.bad.items(), ("good", self.good)]
        )
        config += "[retries]\nbudget_share = 1.0\n"
        config += '[brain]\nbudget_us = 10000000\n[judge]\nmodel = "good/judge"\n'
        environ = {"STORED": KEY, "NO_PROXY": "*"}
        self.stand = stack.enter_context(Stand(folder, config, providers=PROVIDERS, environ=environ))

    def nothing_left(self, fault: str) -> None:
        bad = self.bad[fault]
        assert bad.connections > 0
        assert bad.requests == []
        assert KEY.encode() not in bad.raw
        assert b"HTTP/1.1" not in bad.raw


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(tmp_path_factory.mktemp("tls"), stack)


def test_the_good_one_is_called(scene: Scene) -> None:
    scene.good.answer = JSON
    assert scene.stand.post("/v1/chat/completions", {**CHAT, "model": "good/m"}).status == 200
    assert scene.good.requests[-1].all("authorization") == [f"Bearer {KEY}"]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_call_of_any_kind_is_made(scene: Scene, fault: str) -> None:
    name, stand = name_of(fault), scene.stand
    chat = {**CHAT, "model": f"{name}/m"}
    answers: list[Answer] = [
        stand.post("/v1/chat/completions", chat),
        stand.post("/v1/chat/completions", {**chat, "stream": True}),
        stand.post("/v1/responses", {"model": f"{name}/m", "input": "Say something."}),
        stand.post("/v1/embeddings", {"model": f"{name}/m", "input": "Say something."}),
        stand.post("/v1/messages", {**MESSAGES, "model": f"{name}/m"}),
        stand.post("/v1beta/models/" + f"{name}%2Fm:generateContent", {"contents": [{"parts": [{"text": "Say."}]}]}),
        stand.get(f"/passthrough/{name}/files"),
        stand.post(f"/passthrough/{name}/chat/completions", chat),
    ]
    for answer in answers:
        said = answer.body.decode()
        assert answer.status == 502, said
        assert f"localhost:{scene.bad[fault].port}" in said
        assert ("certificate is not trusted" if fault != "plain" else "TLS handshake failed") in said
    scene.nothing_left(fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_it_counts_as_unreachable_and_the_next_target_answers(scene: Scene, fault: str) -> None:
    answer = scene.stand.post("/v1/chat/completions", {**CHAT, "model": f"{name_of(fault)}-first"})
    assert answer.status == 200, answer.body
    assert answer.headers["x-dd0c-provider"] == "sim"
    first, second = scene.stand.entry(answer.id)["attempts"]
    assert (first["error"], first["status"], second["status"]) == ("upstream_unreachable", None, 200)
    scene.nothing_left(fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_nor_are_shadow_calls_made(scene: Scene, fault: str) -> None:
    answer = scene.stand.post("/v1/chat/completions", {**CHAT, "model": f"{name_of(fault)}-shadow"})
    assert answer.status == 200

    def aside() -> dict[str, object] | None:
        entries = scene.stand.control("/api/v1/requests").json()["requests"]
        return next((one for one in entries if one["shadow_of"] == answer.id), None)

    entry = until(aside, "the shadow call's entry")
    assert entry["attempts"][0]["error"] == "upstream_unreachable"
    scene.nothing_left(fault)


def _was_tried(one: Recorder, before: int) -> bool:
    return one.connections > before


def test_nor_lists_of_models_fetched(scene: Scene) -> None:
    before = {fault: one.connections for fault, one in scene.bad.items()}
    assert scene.stand.get("/v1/models").status == 200
    for fault, one in scene.bad.items():
        until(partial(_was_tried, one, before[fault]), f"the try to reach {fault}")
        scene.nothing_left(fault)
    until(lambda: any(one.target.endswith("/models") for one in scene.good.requests), "the good one's list")
