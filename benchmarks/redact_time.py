"""What the redactor costs: `python -m benchmarks.redact_time`.

A log line of 256 bytes without a secret, as the router's own log and those of others have them; a line with one; and a
long text, in MB/s. The median of many short runs, by the processor's time.
"""

from __future__ import annotations

import statistics
import timeit
from time import process_time

from benchmarks import machine
from benchmarks.report import table
from dd0c_route.redact import redact_sensitive, register
from dd0c_route.types import Secret

LINE_BYTES = 256
LINES = {
    "access log": "2026-11-24T05:30:59.123456Z INFO proxy worker 3 POST /v1/chat/completions 200 in 125.3 ms, model "
    "gpt-4o-mini-2024-07-18, 1234 tokens in and 567 out, overhead 0.412 ms, connection reused, by openai, route 2",
    "JSON event": '{"time":"2026-11-24T05:30:59.123Z","level":"warning","role":"worker","event":"upstream_failed",'
    '"message":"the connection ended before the answer did, after 20 of 31 events","reason":"upstream_cut","count":20}',
    "prose": "the answer was cut before its end, so the call was tried again with the next provider of the plan, which "
    "answered in time; what the first one had sent by then is billed by it all the same, and the entry says how much",
}
KEY = "sk-ant-api03-" + "Ab3dE5fG7h-" * 8 + "AA"  # synthetic


def texts() -> dict[str, str]:
    """What is measured, by its name."""
    lines = {name: (text + " and so on" * 10)[:LINE_BYTES] for name, text in LINES.items()}
    mixed = "\n".join(lines.values()) + "\n"
    return {
        **lines,
        "a line with a key": lines["access log"][:120] + KEY,
        "1 MB of lines": mixed * (1_000_000 // len(mixed)),
    }


def microseconds(text: str, runs: int = 60) -> float:
    """The median time of one call, in microseconds of the processor."""
    number = max(1, 100_000 // len(text))
    times = timeit.repeat(lambda: redact_sensitive(text), timer=process_time, number=number, repeat=runs)
    return statistics.median(times) / number * 1e6


def main() -> None:
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    for number in range(8):  # a router has keys, and each is looked for
        register(Secret(f"sk-proj-{'Zy9xW8vU7t' * 12}{number}"))
    lines = []
    for name, text in texts().items():
        us = microseconds(text, 60 if len(text) < 10_000 else 5)
        lines.append([name, f"{len(text):,}", f"{us:,.1f}", f"{len(text) / us:.1f}"])
    print(table(["text", "bytes", "µs", "MB/s"], lines))


if __name__ == "__main__":
    main()
