"""What a count on the event loop takes, whatever the prompt: `python -m benchmarks.count_time`.

Prompts of 30 bytes to 30 MB, and some that were made to take long. Each is counted in two states: without a vocabulary,
as a worker does, and with it. The lowest time of many is the least disturbed by others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from msgspec import Raw

from benchmarks import machine
from benchmarks.report import table
from dd0c_route.tokens import count_request, load

PROMISED_US = 200
APIS = {"gpt-4o": "openai.chat", "claude-haiku-4-5": "anthropic.messages", "gemini-2.5-pro": "gemini.generate"}
PROSE = (
    "A router stands between applications and the providers of language models. It reads each request, decides who "
    "answers it, and writes down what that cost; in 2026 some 40 % of all calls could have gone to a smaller model. "
)
MIXED = "Hello мир 世界 नमस्ते 🌍🔥 สวัสดี "
EMOJI = "👩🏽‍🚀"
IMAGE = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA"


def cases() -> dict[str, dict[str, Raw]]:
    """Requests by name, as their undecoded fields."""
    tool = {
        "name": "weather",
        "description": PROSE,
        "parameters": {"type": "object", "properties": {f"p{i}": {"type": "string", "enum": ["a"]} for i in range(9)}},
    }
    nested: Any = {}
    for _ in range(200):
        nested = {"type": "object", "properties": {"a": nested}}
    image = [{"type": "image_url", "image_url": {"url": IMAGE * 80_000}}, {"type": "text", "text": PROSE}]
    fields = {
        "three words": _user("Say something short."),
        "prose, 1 KB": _user(PROSE * 5),
        "prose, 7 KB": _user(PROSE * 32),
        "prose, 30 KB": _user(PROSE * 140),
        "prose, 30 MB": _user(PROSE * 140_000),
        "scripts, 100 KB": _user(MIXED * 2_000),
        "emoji, 1 MB": _user(EMOJI * 60_000),
        "one letter, 1 MB": _user("a" * 1_000_000),
        "spaces, 1 MB": _user(" " * 1_000_000),
        "marks, 1 MB": _user("e\u0301" * 300_000),
        "escapes, 1 MB": _user('\n"\\' * 200_000),
        "5,000 messages": {"messages": _user(PROSE)["messages"] * 5_000},
        "200 tools": _user(PROSE * 100) | {"tools": [{"type": "function", "function": tool}] * 200},
        "a tool of 200 levels": _user("hi")
        | {"tools": [{"type": "function", "function": tool | {"parameters": nested}}]},
        "an image of 2 MB": _user(image),
        "40 images": _user([{"type": "image_url", "image_url": {"url": IMAGE * 2_000}}, *image[1:]] * 40),
        "empty lists, 8 KB": {"messages": [[]] * 2_600},
        "a million token numbers": {"prompt": list(range(1_000_000))},
        "100,000 fields": {f"f{i}": i for i in range(100_000)},
    }
    found = {
        name: {key: Raw(json.dumps(value).encode()) for key, value in case.items()} for name, case in fields.items()
    }
    return found | {"900 levels": {"messages": Raw(b"[" * 900 + b"]" * 900)}}


def _user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def times_us(fields: dict[str, Raw], model: str, rounds: int) -> list[float]:
    """Microseconds of each count."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        count_request(APIS[model], fields, model)
        found.append((time.perf_counter() - started) * 1e6)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=50, help="how often each is counted")
    options = parser.parse_args()
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    prompts = cases()
    for state in ("without a vocabulary, as in a worker", "with it"):
        lines = []
        for model in APIS:
            if state == "with it":
                load(model)
            for name, fields in prompts.items():
                found = times_us(fields, model, options.rounds)
                verdict = "" if min(found) <= PROMISED_US else "NOT KEPT"
                lines.append([model, name, f"{min(found):.0f}", f"{statistics.median(found):.0f}", verdict])
        print(f"\nMicroseconds, {state}; promised are {PROMISED_US}.\n")
        print(table(["model", "prompt", "lowest", "median", ""], lines), flush=True)


if __name__ == "__main__":
    main()
