"""Every recording of the corpus through the real router: the provider's bytes to the client, its usage to the ledger.

`DD0C_CORPUS_ALL=1` relays all of them; a plain run takes a sample, the same one each time.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from threading import local
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from dd0c_route.wire.sse import SseParser
from tests.stand import DEADLINE_S, Stand
from tests.wire.corpus import APIS, records
from tests.wire.test_corpus import is_explained, is_usage_chunk

ALL = os.environ.get("DD0C_CORPUS_ALL") == "1"
SAMPLE = 0.1
CONNECTIONS = 8
MOST_WRITES = 150  # one answer is cut into at most about so many stretches, for the time it takes
STRETCH_BYTES = (1, 2, 5, 23, 160, 1100, 9000)
RECORDED = """
[providers.recorded]
dialect = "openai"
base_url = "http://127.0.0.1:{port}"
"""
OWN_ADDRESSES = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "anthropic.messages": "/v1/messages",
}
ASKED = ("/v1/chat/completions", "/v1/completions")  # here the router asks for usage where the client did not
ALSO_OWN = {  # these go by pass-through and by an address of our own, in turn; all others by pass-through
    "openai.responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "anthropic.count_tokens": "/v1/messages/count_tokens",
}
GEMINI = re.compile(r"/v1(?:beta|alpha)?/models/[^/:]+:\w+")
INPUTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h")


class Got(NamedTuple):
    """An answer as a client sees it."""

    status: int
    content_type: str | None
    body: bytes
    recording: str | None
    call: str | None


class Relayed(NamedTuple):
    """A recorded request, sent through the router with the answer cut anywhere, and directly, uncut."""

    id: str
    request: dict[str, Any]
    through: Got
    direct: Got
    path: str


class Sender:
    """Sends requests over connections that stay open, one a thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = local()

    def post(self, path: str, body: bytes, scene: str) -> Got:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE_S)
            self._local.connection = connection
        connection.request(
            "POST", path, body, {"content-type": "application/json", "x-sim": scene, "x-dd0c-count": "provider"}
        )
        response = connection.getresponse()
        header = response.getheader
        return Got(
            response.status, header("content-type"), response.read(), header("x-sim-recording"),
            header("x-dd0c-request-id"),
        )  # fmt: skip


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = os.environ.get("DD0C_CORPUS")
    if not folder:
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    with Stand(tmp_path_factory.mktemp("corpus"), RECORDED, recordings=Path(folder) / "recordings") as running:
        yield running


def path_of(record: dict[str, Any], rng: random.Random) -> str:
    api, path = record["api"], urlsplit(record["url"]).path
    own = OWN_ADDRESSES.get(api)
    if rng.random() < 0.5:
        own = own or ALSO_OWN.get(api) or (path if GEMINI.fullmatch(path) else None)
    query = "?alt=sse" if record.get("stream_format") == "sse" and api == "gemini.generate" else ""
    names_model = bool(record["request"].get("model") or GEMINI.fullmatch(path))  # else a deployment or a prompt does
    is_embed = own == "/v1/embeddings" and path.endswith("/embed")  # Cohere's: another shape under the same name
    return f"{own}{query}" if own and names_model and not is_embed else f"/passthrough/recorded{path}{query}"


def stretch(record: dict[str, Any], rng: random.Random) -> int:
    """Bytes in a stretch of the answer: single bytes for short answers, more for long ones."""
    size = max(len(json.dumps(record[kind])) for kind in record if kind.startswith("response"))
    return rng.choice([step for step in STRETCH_BYTES if size / step <= MOST_WRITES] or STRETCH_BYTES[-1:])


def relay(record: dict[str, Any], router: Sender, simulator: Sender) -> Relayed:
    rng = random.Random(record["id"])
    path = path_of(record, rng)
    request = dict(record["request"])
    if rng.random() < 0.5:  # most recorded clients asked for usage: let some not, so that there is something to hide
        request.pop("stream_options", None)
    body = json.dumps(request, ensure_ascii=rng.random() < 0.5).encode()
    scene = f"write_bytes={stretch(record, rng)}; write_seed={rng.randrange(1 << 20)}"
    through = router.post(path, body, scene)
    direct = simulator.post(path.removeprefix("/passthrough/recorded"), b"{}", f"id={through.recording}")
    return Relayed(record["id"], request, through, direct, path)


def expected_body(relayed: Relayed) -> bytes:
    """What the provider sent, less the usage chunk where the router asked for it and the client did not."""
    request, body = relayed.request, relayed.direct.body
    wanted = (request.get("stream_options") or {}).get("include_usage") is True
    if relayed.path not in ASKED or not request.get("stream") or wanted:
        return body
    kept, start = b"", 0
    for event in SseParser().feed(body):
        if not is_usage_chunk(event.data):
            kept += body[start : event.end]
        start = event.end
    return kept + body[start:]


def difference(relayed: Relayed) -> str | None:
    """What the client got that it should not have, in words; None: nothing."""
    through, direct = relayed.through, relayed.direct
    if through.recording is None:
        return f"the simulator did not know the request that reached it: {through.status} {through.body[:200]!r}"
    if (through.status, through.content_type) != (direct.status, direct.content_type):
        return f"head {through[:2]} instead of {direct[:2]}"
    wanted = expected_body(relayed)
    if through.body != wanted:
        same = (a == b for a, b in zip(through.body, wanted, strict=False))
        at = sum(takewhile(bool, same))
        return f"at byte {at}: {through.body[at : at + 80]!r} instead of {wanted[at : at + 80]!r}"
    return None


def gave_up(answer: bytes) -> bool:
    """Whether the provider ended its stream with an error, which is not the router's to hide."""
    events = [event.data for event in SseParser().feed(answer) if b'"error"' in event.data]
    return any(data.startswith(b"{") and json.loads(data).get("error") for data in events)


def miscounted(record: dict[str, Any], answer: bytes, entry: dict[str, Any]) -> str | None:
    """How the entry differs from what the provider reported, in words; None: not at all."""
    usage, norm = entry["usage"], record["usage_norm"]
    found = (sum(usage[name] for name in INPUTS), usage["output"] + usage["reasoning"])
    wanted = (norm["input_total"], norm["output_total"])
    end_state = "upstream_failed" if gave_up(answer) else "complete"
    if entry["end_state"] != end_state or entry["usage_source"] != "provider_final":
        return f"{entry['end_state']} ({entry['error']}), usage from {entry['usage_source']}"
    if found != wanted and not is_explained(record):
        return f"usage {found} instead of {wanted}"
    if record["model_reported"] and entry["served_model"] != record["model_reported"]:
        return f"served model {entry['served_model']} instead of {record['model_reported']}"
    return None


@pytest.mark.timeout(900 if ALL else 120)
def test_every_recording_crosses_the_router_unchanged_and_is_billed_as_reported(stand: Stand) -> None:
    everything = {record["id"]: record for api in APIS for record in records(api)}
    draw = random.Random(9079)
    chosen = [record for record in everything.values() if ALL or draw.random() < SAMPLE]
    router, simulator = Sender(stand.port), Sender(stand.sim_port)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        relayed = list(pool.map(lambda record: relay(record, router, simulator), chosen))

    faults = {one.id: fault for one in relayed if (fault := difference(one))}
    entries = {entry["id"]: entry for entry in stand.entries(len(chosen))}
    for one in relayed:
        if one.through.recording is not None and one.id not in faults:
            record, entry = everything[one.through.recording], entries[one.through.call or ""]
            if fault := miscounted(record, one.direct.body, entry):
                faults[one.id] = fault
    report = "\n".join(f"{everything[name]['api']} {name}: {fault}" for name, fault in sorted(faults.items())[:40])
    assert not faults, f"{len(faults)} of {len(chosen)} recordings differ\n{report}"
    assert len(entries) == len(chosen)
    hidden = sum(expected_body(one) != one.direct.body for one in relayed)
    assert hidden > len(relayed) // 20, "too few usage chunks were there to be hidden"
    pools = 4  # one a provider that was called
    opened = stand.sim_stats("?limit=0")["totals"]["connections"]
    assert opened <= (pools + 1) * CONNECTIONS, "connections are to be used again"
