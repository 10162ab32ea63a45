"""What translating a stream costs a chunk, in the worker's own code: `python -m benchmarks.translate_time`.

As `benchmarks.call_time`: client and provider are objects in this process, and every chunk comes alone. A stream that
stays in its dialect and one that is translated are measured in turn; what is printed is a chunk of each, and the
difference. Relay, meter and the client's framing are in both. It is the processor's time, which others on the machine
disturb least.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import uvloop

from benchmarks import machine
from benchmarks.call_time import Bench
from benchmarks.report import table
from dd0c_route.types import Usage
from dd0c_route.wire.neutral import DIALECTS, Opening
from dd0c_route.wire.neutral.form import Begin, CallBegin, CallDelta, CallEnd, Done, Piece, Stop, TextDelta, UsageSoFar

FEW, MANY = 20, 420  # chunks of a stream; a chunk costs the difference of the two, by 400
BATCH = 5  # streams measured together
WARM_UP = 20
BOUND_US = 120.0
END = b"0\r\n\r\n"
QUESTION = "word " * 400


class Side(NamedTuple):
    """One API: where clients ask for a stream of it and how, and the settings of a provider that speaks it."""

    path: str
    body: dict[str, object]
    dialect: str
    model: str


SIDES = {
    "openai.chat": Side(
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": QUESTION}], "stream_options": {"include_usage": True}},
        "openai",
        "gpt-4o-mini",
    ),
    "openai.responses": Side("/v1/responses", {"input": QUESTION}, "openai", "gpt-4o-mini"),
    "anthropic.messages": Side(
        "/v1/messages",
        {"max_tokens": 1000, "messages": [{"role": "user", "content": QUESTION}]},
        "anthropic",
        "claude-haiku-4-5",
    ),
    "gemini.generate": Side(
        "/v1beta/models/MODEL:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]},
        "gemini",
        "gemini-2.5-flash",
    ),
    "bedrock.converse": Side(
        "/model/MODEL/converse-stream",
        {"messages": [{"role": "user", "content": [{"text": QUESTION}]}]},
        "bedrock",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
}
PAIRS = (
    ("openai.chat", "anthropic.messages"),
    ("anthropic.messages", "openai.chat"),
    ("openai.responses", "anthropic.messages"),
    ("gemini.generate", "openai.chat"),
    ("openai.chat", "gemini.generate"),
    ("anthropic.messages", "bedrock.converse"),
)
KINDS = ("text", "arguments")


class Chunk(NamedTuple):
    """Microseconds a chunk, one figure a round."""

    same: list[float]
    translated: list[float]

    @property
    def more(self) -> list[float]:
        return sorted(after - before for before, after in zip(self.same, self.translated, strict=True))


def a_request(api: str, model: str) -> bytes:
    side = SIDES[api]
    named = {} if "MODEL" in side.path else {"model": model, "stream": True}
    body, path = json.dumps({**named, **side.body}).encode(), side.path.replace("MODEL", quote(model, safe=""))
    head = (
        f"POST {path} HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer synthetic-benchmark-key\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def a_stream(api: str, chunks: int, kind: str) -> list[bytes]:
    """A provider's stream as the pieces in which it comes: its beginning, each chunk alone, its end."""
    writer = DIALECTS[api].writer(Opening("answer-1", SIDES[api].model, 1_700_000_000))
    first: list[Piece] = [Begin("answer-1", SIDES[api].model, 1_700_000_000, Usage(400))]
    each: Piece = TextDelta(" word")
    last: list[Piece] = [Stop("stop")]
    if kind == "arguments":
        first.append(CallBegin(0, "call_1", "look_up"))
        each, last = CallDelta(0, ' "word",'), [CallEnd(0), Stop("tools")]
    last += [UsageSoFar(Usage(400, output=chunks)), Done()]
    events = [writer.feed(first), *[writer.feed([each]) for _ in range(chunks)], writer.feed(last) + writer.end()]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % DIALECTS[api].events
    framed = [b"%x\r\n%b\r\n" % (len(event), event) for event in events if event]
    return [head, *framed[:-1], framed[-1] + END]


@contextlib.asynccontextmanager
async def benches(folder: Path, theirs: str) -> AsyncIterator[Bench]:
    """A worker before a provider that speaks *theirs*."""
    settings = {"providers.simulated.dialect": SIDES[theirs].dialect, "counting.audits_per_s": 0.0}
    bench = Bench(folder, asyncio.get_running_loop(), settings)
    try:
        yield bench
    finally:
        await bench.close()


async def chunk_us(bench: Bench, api: str, theirs: str, kind: str) -> float:
    """One round: what a chunk of a stream costs a client of *api*."""
    request = a_request(api, f"simulated/{SIDES[theirs].model}")
    took = []
    for chunks in (FEW, MANY):
        stream = a_stream(theirs, chunks, kind)
        started = time.process_time()
        for _ in range(BATCH):
            await bench.call(request, stream, END)
        took.append((time.process_time() - started) / BATCH * 1e6)
    return (took[1] - took[0]) / (MANY - FEW)


async def measure(rounds: int) -> dict[tuple[str, str, str], Chunk]:
    """By the caller's API, the provider's and what a chunk holds."""
    found: dict[tuple[str, str, str], Chunk] = {}
    for api, theirs in PAIRS:
        with tempfile.TemporaryDirectory(prefix="dd0c-bench-") as folder:
            async with benches(Path(folder), theirs) as bench:
                for kind in KINDS[: 1 if theirs == "gemini.generate" else 2]:  # whose calls come whole
                    for _ in range(WARM_UP // BATCH):
                        await chunk_us(bench, theirs, theirs, kind)
                        await chunk_us(bench, api, theirs, kind)
                    gc.collect()
                    gc.freeze()
                    both = Chunk([], [])
                    for _ in range(rounds):
                        both.same.append(await chunk_us(bench, theirs, theirs, kind))
                        both.translated.append(await chunk_us(bench, api, theirs, kind))
                    found[api, theirs, kind] = both
                    gc.unfreeze()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=40, help="how often everything is measured")
    options = parser.parse_args()
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    found = uvloop.run(measure(options.rounds))
    print(
        f"\nProcessor µs a chunk, {options.rounds} rounds of {BATCH} streams; at most {BOUND_US:.0f} more are allowed\n"
    )
    lines = []
    for (api, theirs, kind), chunk in found.items():
        p99 = chunk.more[min(len(chunk.more) - 1, len(chunk.more) * 99 // 100)]
        same, translated, more = map(statistics.median, (chunk.same, chunk.translated, chunk.more))
        lines.append([api, theirs, kind, f"{same:.1f}", f"{translated:.1f}", f"{more:.1f}", f"{p99:.1f}"])
    print(
        table(["caller", "provider", "chunks of", "same dialect", "translated", "more: median", "p99 of rounds"], lines)
    )


if __name__ == "__main__":
    main()
