"""An exception at every place of a call at which one can come out: what the client sees, what is written and kept.

A sample of the places in every run (`DD0C_SEED` draws another one); `DD0C_CANARY_ALL=1` takes all, each three times:
once with a plain exception as soon as it is reached, twice at random. `-s` prints how many.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary.injection import Bench
from tests.canary.injection_places import Result, Site, is_last_resort, line_of
from tests.stand import until

ALL = os.environ.get("DD0C_CANARY_ALL") == "1"
SAMPLE = 60
SEED = int(os.environ.get("DD0C_SEED", "2026"))
MOST_SHOWN = 20
FAULTS = (
    "ValueError", "KeyError", "OSError", "ConnectionResetError", "TimeoutError", "MemoryError", "RecursionError",
    "UpstreamInvalid", "RouteError", "group", "StopIteration",
)  # fmt: skip
WHERE_IT_WAITS = "CancelledError"  # comes out of an await, and of nothing else

FOUND = (
    ("proxy/worker.py", "return Connection(app", "chat", "the worker listened no more"),
    ("proxy/worker.py", "return Connection(app", "the metrics", "nor for its control process"),
    ("proxy/server.py", "self._link = Link(transport)", "chat", "the client hung, its connection stayed"),
    ("proxy/server.py", "is_welcome = self._door.joined(self)", "chat", "the client hung, its connection stayed"),
    ("proxy/server.py", "self._door.left(self, self._link)", "chat", "the connection stayed in the books"),
    ("proxy/server.py", "self._door.serve(request", "chat", "the client hung"),
    ("proxy/app.py", "work = exchange(", "messages", "the client hung"),
    ("proxy/app.py", "task.add_done_callback(self._ran)", "chat", "a call counted as running for ever"),
    ("proxy/behind.py", "target = request.target.decode", "the ledger", "the client hung"),
    ("proxy/behind.py", "reply = await control.send(", "the metrics", "the client hung"),
    ("proxy/exchange.py", "body, usage_asked = upstream_body(", "chat", "the log showed the caller's key"),
    ("proxy/bill.py", "self._runtime.journal.settle(entry)", "chat, streamed", "the entry was lost"),
    ("proxy/bill.py", "used = account(", "no answer", "the entry was lost"),
    ("proxy/client.py", 'self.link.write(b"0', "chat, streamed", "the client hung"),
    ("proxy/relay.py", "self._client.start(", "messages, streamed", "the client got a body without a head"),
    ("proxy/relay.py", "self._start()", "slow", "a body without a head would have gone out"),
    ("upstream/pool.py", "reply, head_is_in = connection.begin(", "chat", "the place in the pool was lost"),
    ("upstream/pool.py", "self._all.add(connection)", "new connection", "the place in the pool was lost"),
    ("upstream/kernel.py", "poller.register(", "new connection", "the connection stayed open"),
    ("upstream/connection.py", "self._owner.gone(self)", "cut", "the place in the pool was lost"),
    ("upstream/connection.py", "reply.finish()", "chat", "the client hung"),
    ("upstream/connection.py", "head.set_exception(fault)", "no answer", "the client hung"),
    ("upstream/connection.py", "head.set_result(None)", "chat", "the client hung"),
    ("proxy/relay.py", "self._sweeper.forget(self)", "slow", "it was looked at for ever"),
    ("redact/registry.py", "_live.discard(", "chat", "the credential stayed registered"),
)
"""Where an exception once broke a promise, in which kind of call, and what came of it."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("injection")).running() as running:
        running.warm()
        yield running


def chosen(sites: list[Site]) -> list[tuple[Site, int, str]]:
    """What to raise where, and at which of the times that a call gets there: each place once, or all that there is."""
    draw = random.Random(SEED)
    draw.shuffle(sites)
    places = list({(site.file, site.line): site for site in sites}.values())
    if not ALL:
        return [(site, draw.randint(1, site.times), draw.choice(_faults(site))) for site in places[:SAMPLE]]
    first = [(site, 1, "ValueError") for site in places]
    again = [(site, draw.randint(1, site.times), fault) for site in places for fault in draw.sample(_faults(site), 2)]
    return first + again


def _faults(site: Site) -> tuple[str, ...]:
    return (*FAULTS, WHERE_IT_WAITS) if site.waits else FAULTS


@pytest.mark.timeout(7200 if ALL else 120)
def test_an_exception_at_any_place_leaves_nobody_hanging_nothing_held_and_no_key_behind(bench: Bench) -> None:
    sites = bench.sites()
    results = [bench.inject(*one) for one in chosen(sites)]

    raised = [result for result in results if result.hit]
    places = {(site.file, site.line) for site in sites}
    print(
        f"\nexceptions injected: {len(raised)} raised at {len({(r.site.file, r.site.line) for r in raised})} places"
        f" (of {len(places)} call sites that {len({s.kind for s in sites})} kinds of calls reach), seed {SEED};"
        f" promises broken: {sum(bool(result.broken) for result in results)}"
    )
    assert len(raised) > len(results) * 0.9
    broken = [result for result in results if result.broken and not is_last_resort(result)]
    assert not broken, _told(broken)
    assert not bench.files_leak()
    _the_ledger_agrees(bench)


def test_no_place_at_which_a_promise_once_broke_breaks_it_again(bench: Bench) -> None:
    sites = bench.sites({kind for _, _, kind, _ in FOUND})
    for file, text, kind, what in FOUND:
        at = [site for site in sites if (site.file, site.kind) == (file, kind) and text in line_of(site)]
        assert at, f"{file}: no line with {text!r} is reached by {kind!r} any more"
        for site, fault in ((site, fault) for site in at for fault in ("ValueError", "UpstreamInvalid")):
            result = bench.inject(site, 1, fault)
            assert not result.broken, f"{file}:{site.line}, where once {what}: {'; '.join(result.broken)}"


def _told(broken: list[Result]) -> str:
    return f"seed {SEED}:\n" + "\n".join(
        f"{one.site.file}:{one.site.line} ({one.fault} in {one.site.kind!r}): {'; '.join(one.broken)}"
        for one in broken[:MOST_SHOWN]
    )


def _the_ledger_agrees(bench: Bench) -> None:
    """What was journaled is in the ledger, each call once."""
    entries = bench.stand.entries(len(bench.settled))
    counted = Counter(entry["id"] for entry in entries)
    assert counted.keys() == bench.settled
    assert set(counted.values()) == {1}
    until(lambda: not _counted_in_vain(bench), "the correction of what did not arrive")


def _counted_in_vain(bench: Bench) -> list[str]:
    """Calls that count as delivered in full, and are not."""
    return [
        entry["id"]
        for entry in bench.stand.entries(len(bench.settled))
        if entry["id"] in bench.cut
        and entry["end_state"] == "complete"
        and entry["delivered_bytes"] > bench.cut[entry["id"]][0]
    ]


def test_the_scan_finds_what_it_looks_for(bench: Bench, tmp_path: Path) -> None:
    """The positive control: a sink with the key in it is a leak."""
    (bench.folder / "planted.txt").write_text(f"an error said {bench.planted}")
    try:
        assert bench.files_leak()
    finally:
        (bench.folder / "planted.txt").unlink()
