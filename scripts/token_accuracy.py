"""Print what `docs/tokens.md` says: how near local counts come to what providers reported, and what they cost.

    DD0C_CORPUS=folder python scripts/token_accuracy.py            # against the folder's recordings/
    DD0C_CORPUS=folder python scripts/token_accuracy.py --speed    # speed and memory as well

A row is a class of requests or answers: how many, the share counted to the token, within 1 %, within 1 % or two tokens,
the error that 95 of 100 stay below, and the share inside the band that the count gives.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from dd0c_route.tokens import count_answer, count_request_exactly, count_text_exactly, load
from dd0c_route.types import Count

PROMPTS = ("openai.chat", "openai.responses", "anthropic.messages")
MAKERS = ("openai", "azure", "anthropic")
HARD = {"image", "audio", "file", "video", "server_tools"}
FRAMES = {"v3": ("claude-opus-4-5", 7), "v4.7": ("claude-opus-4-7", 11), "v5": ("claude-opus-5", 6)}
MODELS = ("gpt-4o", "gpt-4", "text-davinci-003", "claude-sonnet-4-5", "claude-opus-5")
Pairs = list[tuple[Count, int]]


def records(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def family(model: str) -> str:
    if "claude" in model:
        return "Claude"
    return "gpt-5" if model.startswith("gpt-5") else "o-series" if model[:1] == "o" else "gpt-3.5 to 4.1"


def prompts(folder: Path) -> dict[str, Pairs]:
    """Class -> count and truth, for requests whose tokens all stand in them."""
    classes: dict[str, Pairs] = defaultdict(list)
    for name in PROMPTS:
        for record in records(folder, name):
            true, request = (record.get("usage_norm") or {}).get("input_total"), record["request"]
            features, model = set(record["features"]), record["model"] or ""
            if not true or record["provider"] not in MAKERS or features & HARD or "[REDACTED]" in str(request):
                continue
            if not isinstance(request, dict) or request.keys() & {"previous_response_id", "conversation", "prompt"}:
                continue
            fields = {field: Raw(msgspec.json.encode(value)) for field, value in request.items()}
            kind = (
                "schema"
                if "schema" in features
                else "tools, history"
                if "tool_history" in features
                else "tools"
                if "tools" in features
                else "text"
            )
            classes[f"{name}, {family(model)}, {kind}"].append((count_request_exactly(name, fields, model), true))
    return classes


def answers(folder: Path) -> dict[str, Pairs]:
    """Whole answers of nothing but text, without reasoning."""
    classes: dict[str, Pairs] = defaultdict(list)
    for name in ("openai.chat", "anthropic.messages"):
        for record in records(folder, name):
            usage, model = record.get("usage_norm") or {}, record["model"] or ""
            text = answer_text(record.get("response") or {})
            if not text or not usage.get("output_total") or usage.get("reasoning") or record["provider"] not in MAKERS:
                continue
            classes[f"answer, {family(model)}"].append((count_answer(text, model), usage["output_total"]))
    return classes


def answer_text(response: dict[str, Any]) -> str | None:
    if response.get("stop_reason") == "end_turn" and [part.get("type") for part in response["content"]] == ["text"]:
        return str(response["content"][0]["text"])
    choices = response.get("choices") or []
    if len(choices) != 1 or choices[0].get("finish_reason") != "stop":
        return None
    message = choices[0].get("message") or {}
    return None if message.get("tool_calls") or message.get("audio") else message.get("content")


def languages(folder: Path) -> dict[str, Pairs]:
    """Answers of Claude's `count_tokens` to the Declaration of Human Rights."""
    classes: dict[str, Pairs] = defaultdict(list)
    for record in records(folder, "claude_count_tokens_udhr"):
        for generation, (model, frame) in FRAMES.items():
            true = record["count_tokens"][generation] - frame
            classes[f"288 languages, {model}"].append((count_text_exactly(record["text"], model), true))
    return classes


def print_rows(classes: dict[str, Pairs]) -> None:
    for name, pairs in sorted(classes.items()):
        errors = sorted(abs(count.tokens - true) / true for count, true in pairs)
        shares = (
            [count.tokens == true for count, true in pairs],
            [abs(count.tokens - true) <= true * 0.01 for count, true in pairs],
            [abs(count.tokens - true) <= max(2, true * 0.01) for count, true in pairs],
        )
        cells = [f"{sum(hits) / len(pairs):.1%}" for hits in shares]
        inside = sum(count.band[0] <= true <= count.band[1] for count, true in pairs) / len(pairs)
        last = f"{errors[len(errors) * 95 // 100]:.1%} | {inside:.1%}"
        print(f"| {name} | {len(pairs)} | {' | '.join(cells)} | {last} |")


def print_speed(folder: Path) -> None:
    """Each model in a process of its own: what loading takes, and how fast English answers are counted."""
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| model | load | memory | first time | again | 100,000 letters without a split |\n|---|---|---|---|---|---|")
    for model in MODELS:
        command = [sys.executable, __file__, "--speed-of", model]
        print(subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout, end="")


def print_speed_of(folder: Path, model: str) -> None:
    found = [answer_text(record.get("response") or {}) for record in records(folder, "openai.chat")]
    text = "\n".join([answer for answer in found if isinstance(answer, str)])
    count_text_exactly("x", "unknown")
    before, start = memory_mb(), time.perf_counter()
    load(model)
    loaded, memory = time.perf_counter() - start, memory_mb() - before
    seconds = []
    for counted in (text, text, "abcdefghij" * 10_000):
        start = time.perf_counter()
        count_text_exactly(counted, model)
        seconds.append(time.perf_counter() - start)
    first, again = (f"{len(text.encode()) / taken / 1e6:.1f} MB/s" for taken in seconds[:2])
    print(f"| {model} | {loaded:.2f} s | {memory:.0f} MB | {first} | {again} | {seconds[2] * 1e3:.0f} ms |")


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    folder = Path(os.environ["DD0C_CORPUS"]) / "recordings"
    if "--speed-of" in sys.argv:
        print_speed_of(folder, sys.argv[-1])
        return
    print("| class | n | exact | within 1 % | or 2 tokens | 95 of 100 below | in the band |")
    print("|---|---|---|---|---|---|---|")
    for classes in (prompts(folder), answers(folder), languages(folder)):
        print_rows(classes)
    if "--speed" in sys.argv:
        print_speed(folder)


if __name__ == "__main__":
    main()
