"""Recorded exchanges through the real router between dialects: both ways round, and the meaning is kept.

Once the provider plays its recording to a client of another dialect; once the recorded request goes to a provider of
another dialect that plays the translated recording. `DD0C_CORPUS_ALL=1` takes all of them, and `-s` prints the counts
of each pair; a plain run takes a sample, the same one each time.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import local
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import DIALECTS, Aim, Opening
from tests.proxy.told import READERS, Told, frames
from tests.stand import DEADLINE_S, Stand
from tests.wire.corpus import body_of, records
from tests.wire.test_corpus import is_explained

ALL = os.environ.get("DD0C_CORPUS_ALL") == "1"
SAMPLE = 12  # one in so many, by the recording's own hash
CONNECTIONS = 6
STRETCH_BYTES = (7, 90, 700, 9000)
OPENING = Opening("opening", "opened", 1_700_000_000)
PROVIDERS = """
[providers.chat]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
without = ["responses"]

[providers.responses]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
without = ["chat"]

[providers.messages]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"

[providers.generate]
dialect = "gemini"
base_url = "http://127.0.0.1:{port}/v1beta"

[providers.converse]
dialect = "bedrock"
base_url = "http://127.0.0.1:{port}"
"""
APIS = ("openai.chat", "openai.responses", "anthropic.messages", "gemini.generate", "bedrock.converse")
PATHS = {
    "openai.chat": ("/v1/chat/completions", "/v1/chat/completions"),
    "openai.responses": ("/v1/responses", "/v1/responses"),
    "anthropic.messages": ("/v1/messages", "/v1/messages"),
    "gemini.generate": ("/v1beta/models/MODEL:generateContent", "/v1beta/models/MODEL:streamGenerateContent?alt=sse"),
    "bedrock.converse": ("/model/MODEL/converse", "/model/MODEL/converse-stream"),
}
"""Of whole answers, and of streams."""
PAIRS = [(ours, theirs) for ours in APIS for theirs in APIS if ours != theirs]
ERRORS = (b'"error"', b":exception-type")
EACH = 1  # of the four other dialects that a recording goes through in each direction, another one for each recording


class Sent(NamedTuple):
    """A call from a client of one dialect to a provider of another, and what should come back.

    Attributes:
        told: None for an error.
        totals: Tokens that the provider reported, in and out; None where that is not what is to be billed.
    """

    name: str
    path: str
    body: dict[str, Any]
    streamed: bool
    told: Told | None
    totals: tuple[int, int] | None


class Got(NamedTuple):
    status: int
    kind: str
    body: bytes
    call: str
    dropped: str


class Client:
    """Connections that stay open, one a thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = local()

    def post(self, sent: Sent) -> Got:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE_S)
            self._local.connection = connection
        rng = random.Random(sent.name)
        scene = f"id={sent.name}; write_bytes={rng.choice(STRETCH_BYTES)}; write_seed={rng.randrange(1 << 20)}"
        headers = {"content-type": "application/json", "x-sim": scene, "x-dd0c-drop": "on"}
        connection.request("POST", sent.path, json.dumps(sent.body), headers)
        response = connection.getresponse()
        header = response.getheader
        return Got(
            response.status, header("content-type") or "", response.read(), header("x-dd0c-request-id") or "",
            header("x-dd0c-dropped") or "",
        )  # fmt: skip


@cache
def chosen(api: str) -> list[dict[str, Any]]:
    return [record for record in records(api) if ALL or int(record["hash"][:8], 16) % SAMPLE == 0]


def taken(record: dict[str, Any], other: str) -> bool:
    """Whether *record* goes through *other*."""
    others = [api for api in APIS if api != record["api"]]
    return (others.index(other) - int(record["hash"][8:12], 16)) % len(others) < EACH


def folder_of(root: Path) -> Path:
    """Recordings as they are, and beside them the same ones in other dialects."""
    recorded = Path(os.environ["DD0C_CORPUS"]) / "recordings"
    for api in APIS:
        (root / f"{api}.jsonl.gz").symlink_to(recorded / f"{api}.jsonl.gz")
    with gzip.open(root / "translated.jsonl.gz", "wb", compresslevel=1) as lines:
        for ours, theirs in PAIRS:
            for record in chosen(ours):
                if taken(record, theirs) and not is_error(record):
                    lines.write(msgspec.json.encode(translated(record, ours, theirs)) + b"\n")
    return root


def translated(record: dict[str, Any], ours: str, theirs: str) -> dict[str, Any]:
    """*record* as a provider that speaks *theirs* would have answered."""
    kind, body = body_of(record)
    streamed = kind != "application/json"
    path = PATHS[theirs][streamed].replace("MODEL", "a-model").partition("?")[0]
    line = {"id": f"{record['id']}-{theirs}", "url": path, "request": {}, "model": "a-model"}
    if not streamed:
        answer = DIALECTS[theirs].write_answer(DIALECTS[ours].read_answer(body))
        return {**line, "response": msgspec.Raw(msgspec.json.format(answer, indent=-1))}
    reader, writer = DIALECTS[ours].reader(), DIALECTS[theirs].writer(OPENING)
    stream = writer.feed(reader.feed(body) + reader.end()) + writer.end()
    if theirs == "bedrock.converse":
        return {**line, "response_events": [{"event": name, "data": data} for name, data in frames(stream)]}
    return {**line, "response_sse": stream.decode()}


def is_error(record: dict[str, Any]) -> bool:
    response = record.get("response")
    if isinstance(response, dict) and response.get("error"):
        return True
    return '"error":{' in (record.get("response_sse") or "").replace(" ", "")


def calls(ours: str, theirs: str) -> Iterator[Sent]:
    """What clients of *ours* ask of providers of *theirs*."""
    for record in chosen(theirs):  # the provider plays its recording
        if taken(record, ours):
            try:
                prompt = DIALECTS[theirs].read_request(split(msgspec.json.encode(record["request"])))
            except BadRequest:
                continue  # `tests/wire/neutral/test_corpus.py` counts them
            body = json.loads(DIALECTS[ours].write_request(prompt, Aim("a-model")).body)
            yield _sent(record["id"], body, record, ours, theirs)
    for record in chosen(ours):  # the recorded request, and its answer as the other provider would give it
        bound = any(record["request"].get(name) for name in ("previous_response_id", "conversation", "prompt"))
        if taken(record, theirs) and not is_error(record) and not bound:  # else only one provider can go on with it
            yield _sent(f"{record['id']}-{theirs}", dict(record["request"]), record, ours, theirs)


def _sent(name: str, body: dict[str, Any], record: dict[str, Any], ours: str, theirs: str) -> Sent:
    kind, answer = body_of(record)
    streamed, model = kind != "application/json", f"{theirs.partition('.')[2]}/a-model"
    path = PATHS[ours][streamed].replace("MODEL", quote(model, safe=""))
    for field in ("model", "stream", "stream_options"):
        body.pop(field, None)
    if "MODEL" not in PATHS[ours][0]:
        body |= {"model": model, "stream": streamed}
    if streamed and ours == "openai.chat":
        body["stream_options"] = {"include_usage": True}
    told = None if is_error(record) else READERS[record["api"]](answer, streamed=streamed)
    norm = record["usage_norm"]
    totals = None if is_explained(record) else (norm["input_total"], norm["output_total"])
    return Sent(name, path, body, streamed, told, totals)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    if not os.environ.get("DD0C_CORPUS"):
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    folder = folder_of(tmp_path_factory.mktemp("recordings"))
    with Stand(tmp_path_factory.mktemp("stand"), providers=PROVIDERS, recordings=folder) as running:
        yield running


def difference(sent: Sent, got: Got, ours: str, entry: dict[str, Any]) -> str | None:
    """How the client was told something else than the provider said; None: not at all."""
    if sent.told is None:
        ended = entry["end_state"] == "upstream_failed" and any(mark in got.body for mark in ERRORS)
        return None if ended else f"no error: {got.status} {entry['end_state']}"
    if got.status != 200:
        return f"{got.status} {got.body[:300]!r}"
    if (not got.kind.startswith("application/json")) is not sent.streamed:
        return f"a client that asked stream={sent.streamed} got {got.kind}"
    try:
        told = READERS[ours](got.body, streamed=sent.streamed)
    except (KeyError, ValueError, TypeError) as error:
        return f"not readable: {error!r} in {got.body[-600:]!r}"
    for name in ("text", "calls", "stop"):
        if getattr(told, name) != getattr(sent.told, name):
            return f"{name}: {getattr(told, name)!r} instead of {getattr(sent.told, name)!r}"
    usage = entry["usage"]
    answered = usage["output"] + usage["reasoning"]
    billed = (sum(usage.values()) - answered, answered)
    if sent.totals and not (told.totals == billed == sent.totals):
        return f"tokens: told {told.totals}, billed {billed}, reported {sent.totals}"
    return None if entry["end_state"] == "complete" else str(entry["end_state"])


@pytest.mark.timeout(900 if ALL else 120)
def test_recordings_mean_the_same_to_clients_and_from_providers_of_another_dialect(stand: Stand) -> None:
    client = Client(stand.port)
    faults: list[str] = []
    asked: list[tuple[str, str, Sent, Got]] = []
    for ours, theirs in PAIRS:
        every = list(calls(ours, theirs))
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            asked += [(ours, theirs, sent, got) for sent, got in zip(every, pool.map(client.post, every), strict=True)]
    entries = {entry["id"]: entry for entry in stand.entries(len(asked))}
    counts: dict[tuple[str, str], Counter[str]] = {pair: Counter() for pair in PAIRS}
    for ours, theirs, sent, got in asked:
        refused = got.status == 400 and sent.told is not None and entries[got.call]["end_state"] == "denied"
        if refused:
            counts[ours, theirs]["not understood"] += 1
            continue
        fault = difference(sent, got, ours, entries[got.call])
        kind = "wrong" if fault else "error" if sent.told is None else "with fields dropped" if got.dropped else "kept"
        counts[ours, theirs][kind] += 1
        if fault:
            faults.append(f"{ours} <- {theirs} {sent.name}: {fault}")
    for (ours, theirs), found in counts.items():
        print(f"\n{ours} <- {theirs}: {dict(found)}")
    assert not faults, f"{len(faults)} of {len(asked)} differ\n" + "\n".join(faults[:30])
    assert len(entries) == len(asked)
    assert all(found["kept"] > 5 and found["not understood"] <= found["kept"] // 25 for found in counts.values())
