"""A loop that does not turn is reported, with the place where it stands and nothing of what it holds."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from typing import Any

import pytest
import uvloop

from dd0c_route.proxy.watchdog import Watchdog
from dd0c_route.redact import log as logging_module
from tests.stand import until


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setattr(logging_module, "_log", logging_module._Log())
    stream = io.StringIO()
    logging_module.set_up("worker", stream)
    return stream


def events(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_loop_that_stands_is_told_with_its_place_and_again_when_it_turns(lines: io.StringIO) -> None:
    watchdog, go_on = Watchdog(3, beat_s=0.02, blocked_s=0.2), threading.Event()

    def stand_still(secret: str) -> None:
        def let_go_when_told() -> None:
            until(lambda: events(lines), "the word")
            go_on.set()

        threading.Thread(target=let_go_when_told).start()
        go_on.wait(20)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        watchdog.start(loop)
        loop.call_soon(stand_still, "synthetic-secret-of-a-caller")
        await asyncio.to_thread(until, lambda: len(events(lines)) == 2, "the word that it turns again")
        watchdog.stop()

    uvloop.run(main())

    blocked, turning = events(lines)
    assert (blocked["event"], blocked["level"], blocked["worker"]) == ("loop_blocked", "error", 3)
    assert "in stand_still" in blocked["traceback"]
    assert "test_watchdog.py" in blocked["traceback"]
    assert "synthetic-secret" not in lines.getvalue()
    assert turning["event"] == "loop_turns_again"


def test_a_loop_that_turns_is_not_spoken_of(lines: io.StringIO) -> None:
    watchdog = Watchdog(0, beat_s=0.005, blocked_s=5.0)

    async def main() -> None:
        watchdog.start(asyncio.get_running_loop())
        for _ in range(20):
            await asyncio.sleep(0.005)
        watchdog.stop()

    uvloop.run(main())

    assert not events(lines)
