"""Reloading while streams run: each goes on as it began, with its price; what cannot be used is refused."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endings.caller import Caller, post
from tests.endings.rest import Rest, said
from tests.endings.test_stops import write
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"
LONG = os.environ.get("DD0C_DISCONNECTS") is not None
STREAMS = 400 if LONG else 150
RELOADS = 100 if LONG else 8
MUTATIONS = 200 if LONG else 25
SEED = int(os.environ.get("DD0C_SEED", "2026"))

PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
price_as = "mine"
api_key = {{ file = "sim.key" }}
connections = 1000

[providers.mine]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"

[[prices]]
provider = "mine"
model = "gpt-4o-mini"
input = 1.0
output = 1.0
"""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    (tmp_path / "sim.key").write_text("synthetic-key-0-0123456789")
    (tmp_path / "sim.key").chmod(0o600)
    with Stand(tmp_path, providers=PROVIDERS) as running:
        running.connections()
        yield running


def test_streams_go_on_through_reloads_of_settings_keys_and_prices(stand: Stand) -> None:
    original, before = stand.config_path.read_text(), Rest.of(stand)
    request = post(PATH, {**CHAT, "stream": True}, {"x-sim": "chunks=60; chunk_ms=50"})
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(Caller(stand.port)) for _ in range(STREAMS)]
        for caller in callers:
            caller.send(request)
        until(lambda: stand.sim_stats()["totals"]["calls_running"] == STREAMS, "the arrival of all streams")
        versions = set()
        for number in range(1, RELOADS + 1):
            (stand.folder / "sim.key").write_text(f"synthetic-key-{number}-0123456789")
            write(
                stand,
                original.replace("output = 1.0", f"output = {number + 1}.0").replace("1000", str(1000 + number)),
            )
            answer = stand.request("POST", "/api/v1/reload")
            assert answer.status == 200, answer.body
            versions.add(answer.json()["version"])
        later = stand.post(PATH, CHAT)
        for caller in callers:
            caller.read_answer()

    broken = [caller for caller in callers if not caller.whole]
    print(f"\n{STREAMS} streams through {RELOADS} reloads: {len(broken)} broken")
    assert not broken
    assert len(versions) == RELOADS
    entries = {entry["id"]: entry for entry in stand.confirmed(STREAMS + 1)}
    rates = {caller.id: output_rate(entries[caller.id]) for caller in callers}
    assert set(rates.values()) == {1}, "each keeps the price that it began with"
    assert output_rate(entries[later.id]) == RELOADS + 1
    kept = sum(counts["open"] for counts in stand.connections().values())
    until(lambda: stand.sim_stats()["totals"]["connections_open"] <= kept, "the closing of the old pools")
    before.comes_back(stand)


def output_rate(entry: dict[str, Any]) -> float:
    """Dollars per million tokens that the answer was priced at."""
    (line,) = [line for line in entry["price_lines"] if line["class"] == "output"]
    return float(line["rate_usd_per_mtok"])


def mutated(text: bytes, draw: random.Random) -> bytes:
    """One change, as an editor, a script or a bad disk makes it."""
    at = draw.randrange(len(text))
    lines = text.splitlines(keepends=True)
    number = draw.randrange(len(lines))
    return draw.choice([
        text[:at],
        text[:at] + bytes([draw.randrange(256)]) + text[at + 1 :],
        text[:at] + text[at + draw.randrange(1, 9) :],
        text[:at] + draw.choice([b"=", b"[", b'"', b"\0", b"\xff", b"{", b"nan", b"-1"]) + text[at:],
        b"".join(lines[: number + 1] + lines[number:]),
        b"".join(lines[:number] + lines[number + 1 :]),
    ])  # fmt: skip


def test_whatever_becomes_of_the_file_a_reload_takes_it_or_leaves_the_old_one_in_force(stand: Stand) -> None:
    draw, original, refused, taken = random.Random(SEED), stand.config_path.read_bytes(), 0, 0
    known = stand.request("POST", "/api/v1/reload").json()["version"]
    for _ in range(MUTATIONS):
        stand.config_path.write_bytes(mutated(original, draw))
        answer = stand.request("POST", "/api/v1/reload")
        if answer.status == 400:
            refused += 1
            assert answer.json()["error"]["message"] == "the old configuration stays in force"
            assert "Traceback" not in answer.body.decode()
        else:
            assert answer.status == 200, answer.body
            taken += 1
            stand.config_path.write_bytes(original)
            assert stand.request("POST", "/api/v1/reload").json()["version"] == known
        assert stand.post(PATH, CHAT).status == 200, "calls go on"
    print(f"\n{MUTATIONS} mutations: {refused} refused, {taken} taken")
    assert refused > MUTATIONS // 4
    assert "Traceback" not in said(stand)


def test_a_file_that_is_gone_is_refused_by_signal_too_and_says_so(stand: Stand) -> None:
    stand.config_path.unlink()
    stand.router.popen.send_signal(signal.SIGHUP)
    until(lambda: "reload_refused" in said(stand), "the refusal")
    assert stand.post(PATH, CHAT).status == 200
