"""What providers say beside their answers: how long to wait, and what was used. Absurd words move nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from time import time

import pytest

from tests.endings.failing_wires import Faulty, faulty_stand, tries_of
from tests.endings.forms import CHAT, CHAT_JSON, CHAT_STREAM, Form
from tests.endings.written import chunk, chunked, head, refusal, sized

NOW = time()
_DATES = [formatdate(NOW + after, usegmt=True) for after in (-1e6, -1, 0)]
AT_ONCE_AGAIN = [  # a wait of nothing, or no wait that can be read: tried again
    b"retry-after: 0", b"retry-after: 0.1", b"retry-after: -5", b"retry-after: soon", b"retry-after: ",
    b"retry-after: nan", b"retry-after: 1e-3", b"retry-after: 0x0", b"retry-after: 0,0", b"retry-after: null",
    b"retry-after: 0 seconds", b"retry-after: \xff", b"retry-after: 00", b"retry-after: +0", b"retry-after-ms: 0",
    b"retry-after-ms: 50", b"retry-after-ms: -1", b"retry-after-ms: junk", b"retry-after-ms: ", b"x-other: 1",
    b"retry-after: Sun, 99 Foo 2026 99:99:99 GMT", b"retry-after: 2026-11-24T00:00:00Z", b"retry-after: {}",
    b"retry-after-ms: 0.5", *[b"retry-after: " + date.encode() for date in _DATES],
]  # fmt: skip
TOO_LONG = [  # beyond `retry_after_cap_s`: the client's to wait for
    b"retry-after: 2", b"retry-after: 60", b"retry-after: 1e9", b"retry-after: 1000000000", b"retry-after: inf",
    b"retry-after: " + b"9" * 40, b"retry-after: 1e400", b"retry-after-ms: 5000", b"retry-after-ms: 1e12",
    b"retry-after: " + formatdate(NOW + 3600, usegmt=True).encode(),
    b"retry-after: " + formatdate(NOW + 1e8, usegmt=True).encode(),
    b"retry-after: Fri, 31 Dec 9999 23:59:59 GMT", b"retry-after-ms: " + b"9" * 30,
]  # fmt: skip

_MANY = 10**30
_USUAL = json.dumps({"prompt_tokens": 9, "completion_tokens": 14, "total_tokens": 23}).encode()
_ODD_INPUTS: list[object] = [-1, -(10**12), 10**13, _MANY, 1.5, 1e300, "9", "x", True, [], {}, None]
_ODD_TOTALS: list[object] = [-1, 10**13, _MANY, "14", None, []]
_ODD_OUTPUTS: list[object] = [-1, -(10**12), 10**13, _MANY, 0.5, 1e300, "14", "x", False, [1], {"a": 1}, None]
SHAPES: list[object] = [
    None, {}, [], "", 0, True, "many", [1, 2], {"prompt_tokens": None},
    *[{"prompt_tokens": odd, "completion_tokens": 5, "total_tokens": 5} for odd in _ODD_INPUTS],
    *[{"prompt_tokens": 9, "completion_tokens": odd, "total_tokens": 9} for odd in _ODD_OUTPUTS],
    *[{"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": odd} for odd in _ODD_TOTALS],
    {"prompt_tokens": 9}, {"completion_tokens": 5}, {"total_tokens": 14}, {"tokens": 3}, {"PROMPT_TOKENS": 9},
    {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10**13}},
    {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -4}},
    {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": 7},
    {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 10**13}},
    {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": -3}},
    {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": "x"},
    {"prompt_tokens": 9, "completion_tokens": 5, "cost": -1},
    {"prompt_tokens": 9, "completion_tokens": 5, "cost": "1e9"},
    {"prompt_tokens": 9, "completion_tokens": 5, "usage": {"deep": [[[[[[[[[[1]]]]]]]]]]}},
    {f"field_{n}_tokens": n for n in range(600)},
]  # fmt: skip
MOST_PICODOLLARS = 100_000 * 600_000  # of so short an answer; an absurd count would cost millions of times more


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
        running.is_as_before()


@pytest.mark.parametrize("again", [True, False])
def test_a_wait_is_obeyed_up_to_the_cap_and_otherwise_handed_on(faulty: Faulty, again: bool) -> None:
    def ask(line: bytes) -> None:
        plays = [[refusal(CHAT_JSON, b"429 Slow Down", line)], [chunked(CHAT_JSON)]]
        caller, name = faulty.ask(CHAT_JSON, plays)
        assert (caller.status, caller.whole) == (200 if again else 429, True), (line, bytes(caller.raw))
        assert again or line.partition(b": ")[2] in caller.raw, line  # as the provider said it
        tries = tries_of(faulty.entry(caller))
        assert tries == [(429, "status_429"), (200, None)][: 2 if again else 1], line
        assert faulty.faultd.calls(name) == len(tries), line

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, AT_ONCE_AGAIN if again else TOO_LONG))
    assert len(AT_ONCE_AGAIN) + len(TOO_LONG) >= 40


def _with_usage(form: Form, usage: object) -> bytes:
    said = json.dumps(usage).encode()
    if not form.stream:
        return sized(
            form,
            CHAT.whole.replace(_USUAL, said),
        )
    *events, told, last = form.pieces
    told = told.replace(_USUAL, said)
    return head(form, b"transfer-encoding: chunked") + b"".join(map(chunk, [*events, told, last])) + b"0\r\n\r\n"


@pytest.mark.parametrize("form", [CHAT_JSON, CHAT_STREAM], ids=lambda form: form.name)
def test_an_absurd_report_of_usage_costs_nothing_absurd_and_is_said_to_be_one(faulty: Faulty, form: Form) -> None:
    def ask(usage: object) -> str:
        caller, _ = faulty.ask(form, [[_with_usage(form, usage)]])
        assert (caller.status, caller.whole) == (200, True), (usage, bytes(caller.raw))
        entry = faulty.entry(caller)
        assert entry["end_state"] == "complete", (usage, entry)
        counts = entry["usage"].values()
        assert all(isinstance(count, int) and 0 <= count < 1 << 41 for count in counts), (usage, entry["usage"])
        assert 0 <= entry["cost_picodollars"] <= MOST_PICODOLLARS, (usage, entry["cost_picodollars"], entry["usage"])
        assert entry["cost_picodollars"], (usage, entry["usage"])  # an answer is never free by a fault
        return str(entry["usage_source"])

    with ThreadPoolExecutor(8) as pool:
        sources = list(pool.map(ask, SHAPES))
    print(f"\n{form.name}: {len(SHAPES)} reports, taken as final {sources.count('provider_final')}")
    assert len(SHAPES) >= 50
