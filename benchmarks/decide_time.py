"""What a decision takes, whatever the request's length: `python -m benchmarks.decide_time`.

Two candidates of one provider, the shipped predictor, prices of the catalogue; requests of 100 tokens to 30 MB, and
long sessions of an agent with 25 tools. No call is like the one before, or what was read of that would be remembered.
Wall time, as a call waits for it, and the processor's, which the machine's other work disturbs less: by that it is
judged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.report import table
from dd0c_route.clock import SystemClock
from dd0c_route.decide import Router, decide
from dd0c_route.ledger.journal import Journal
from dd0c_route.runtime import build, load_config
from dd0c_route.types import Call
from dd0c_route.upstream import Sweeper
from dd0c_route.wire.body import split

PROMISED_US = (400, 1000)  # p50, p99
CONFIG = """
[providers.openai]
api_key = "synthetic-key-of-a-benchmark"

[[routes]]
candidates = ["openai/gpt-4o", "openai/gpt-4o-mini"]
mode = "on"
"""
TEXT = (
    "A train leaves the town at noon, and travels sixty miles an hour: how far does it get before three? Write def "
    "total import return (x + 17) \n which of these A. one B. two C. 4,711 is true of every matrix, patient or "
    "statement in court. Explain why photosynthesis, inflation, recursion; and “größer” change what follows = 3.5 %\n\n"
)
SAMPLES, MOST_WORDS = 20, 2_000_000  # calls of a kind, as far as that many words are enough for them


def router(folder: Path) -> Router:
    """The router of a worker."""
    path = folder / "dd0c.toml"
    path.write_text(CONFIG)
    loop, clock = asyncio.new_event_loop(), SystemClock()
    journal = Journal(folder, 0, clock)
    try:
        return build(load_config(str(path), {}, {}), journal, clock, Sweeper(loop), loop).router
    finally:
        journal.close()
        loop.close()


def cases() -> dict[str, list[Call]]:
    """Calls by name, at least two of each."""
    some = random.Random(0)  # noqa: S311 - the same calls each time

    def text(tokens: int) -> str:
        return " ".join(some.choices(TEXT.split(" "), k=round(tokens * 0.7)))

    found = {}
    for tokens in (100, 500, 2_000, 20_000, 100_000, 7_000_000):
        samples = min(SAMPLES, max(2, MOST_WORDS // tokens))
        found[f"{tokens:,} tokens"] = [_call([_user(text(tokens))]) for _ in range(samples)]
    tool = {"name": "look", "description": text(80), "parameters": {"type": "object", "properties": {"a": {}}}}
    tools = [{"type": "function", "function": {**tool, "name": f"look{number}"}} for number in range(25)]
    for turns in (10, 1_000):
        talk = [
            message for _ in range(turns) for message in (_user(text(22)), {"role": "assistant", "content": "Yes."})
        ]
        asked = [_user(f"And why, {text(10)}?") for _ in range(SAMPLES)]
        found[f"{turns:,} turns of an agent"] = [_call([*talk, one], tools=tools) for one in asked]
    return found


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _call(messages: list[dict[str, Any]], **more: Any) -> Call:
    body = json.dumps({"model": "gpt-4o", "messages": messages, **more}).encode()
    return Call(
        id="dd_benchmark", at_ns=time.time_ns(), started_ns=0, dialect="openai", api="openai.chat", method="POST",
        path="/chat/completions", query="", headers=[], body=body, fields=split(body), model="gpt-4o",
    )  # fmt: skip


def times_us(calls: Sequence[Call], decider: Router, rounds: int) -> tuple[list[float], list[float]]:
    """Microseconds of each decision, ascending: by the wall's clock and by the processor's."""
    wall, processor = [], []
    for call in islice(cycle(calls), rounds):
        begun, used = time.perf_counter_ns(), time.thread_time_ns()
        decide(call, decider)
        processor.append((time.thread_time_ns() - used) / 1e3)
        wall.append((time.perf_counter_ns() - begun) / 1e3)
    return sorted(wall), sorted(processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=500, help="how often each is decided")
    options = parser.parse_args()
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        decider = router(Path(folder))
        for name, calls in cases().items():
            wall, processor = times_us(calls, decider, options.rounds)
            last = len(wall) - 1
            figures = [times[round(share * last)] for times in (wall, processor) for share in (0.0, 0.5, 0.99)]
            kept = all(at <= most for at, most in zip(figures[4:], PROMISED_US, strict=True))
            lines.append([name, *(f"{figure:.0f}" for figure in figures), "" if kept else "NOT KEPT"])
    print(f"\nMicroseconds; promised are {PROMISED_US[0]} (p50) and {PROMISED_US[1]} (p99) of the processor.\n")
    heads = [f"{clock} {figure}" for clock in ("wall", "processor") for figure in ("lowest", "p50", "p99")]
    print(table(["request", *heads, ""], lines), flush=True)


if __name__ == "__main__":
    main()
