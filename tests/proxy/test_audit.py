"""The auditor: its bounds; and through a real router, what it writes down, learns, says and leaves out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dd0c_route.proxy.audit import MOST_WAITING, MOST_WAITING_BYTES, Auditor
from dd0c_route.types import Audit, Call, Target, Usage
from dd0c_route.wire.meter import meter_for
from tests.ledger.examples import an_entry
from tests.stand import CHAT, DEADLINE_S, Stand, until

CALL = Call(
    *("dd_1", 1, 1, "openai", "openai.chat", "POST", "/chat/completions", "", [], b"{}", {}, "gpt-4o"),
)
TARGET = Target("acme", "gpt-4o")
ENTRY = an_entry(usage_source="provider_final")
AUDITS = "[counting]\naudits_per_s = 1000\n"
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


class Kept:
    """A journal that remembers audits."""

    def __init__(self) -> None:
        self.audits: list[Audit] = []

    def audit(self, audit: Audit) -> None:
        self.audits.append(audit)


@pytest.fixture
def auditor() -> Iterator[Auditor]:
    loop = asyncio.new_event_loop()
    auditor = Auditor(Kept(), loop)  # type: ignore[arg-type]  # a double
    yield auditor
    auditor.close()
    loop.close()


def looked(auditor: Auditor, times: int, per_s: float = 1e9, call: Call = CALL) -> int:
    """How many of so many calls are taken."""
    before, meter = auditor.skipped, meter_for("openai.chat", "application/json", "")
    for _ in range(times):
        if auditor.is_due():
            auditor.look(call, TARGET, ENTRY, meter, per_s)
    return times - (auditor.skipped - before)


def test_the_line_is_bounded_in_calls(auditor: Auditor) -> None:
    assert looked(auditor, 2 * MOST_WAITING) == MOST_WAITING


def test_the_line_is_bounded_in_bytes(auditor: Auditor) -> None:
    large = msgspec.structs.replace(CALL, body=bytes(MOST_WAITING_BYTES // 3))
    assert looked(auditor, 10, call=large) == 3


def test_as_many_calls_are_taken_as_a_second_allows_and_no_more(auditor: Auditor) -> None:
    assert looked(auditor, 60, per_s=20.0) in (20, 21)


def test_a_call_that_cannot_be_compared_is_neither_taken_nor_left_out(auditor: Auditor) -> None:
    meter = meter_for("openai.chat", "application/json", "")
    for changes in ({"usage_source": "local_exact"}, {"usage": Usage()}, {"usage_consistent": False}):
        auditor.look(CALL, TARGET, an_entry(**changes), meter, 20.0)
    assert auditor.skipped == 0
    assert looked(auditor, MOST_WAITING) == MOST_WAITING


def test_an_auditor_that_ends_leaves_no_thread_and_takes_nothing_more(auditor: Auditor) -> None:
    looked(auditor, 3)
    auditor.close()
    assert "auditor" not in {thread.name for thread in threading.enumerate()}
    looked(auditor, 3)
    assert "auditor" not in {thread.name for thread in threading.enumerate()}


def test_a_process_that_hangs_is_ended_and_does_not_hold_up_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dd0c_route.proxy.audit.START_AFTER_S", 0.0)
    monkeypatch.setattr("dd0c_route.proxy.audit.ANSWER_S", 1.0)
    hung = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=-1, stdout=-1)
    loop = asyncio.new_event_loop()
    auditor = Auditor(Kept(), loop)  # type: ignore[arg-type]  # a double
    try:
        auditor._process = hung
        looked(auditor, 1)
        assert hung.wait(DEADLINE_S) == -signal.SIGKILL
    finally:
        auditor.close()
        loop.close()


def said(stand: Stand, tokens: int, body: dict[str, Any] | None = None) -> str:
    """The id of a call of which the provider reports *tokens* of input."""
    usage = {"prompt_tokens": tokens, "completion_tokens": 5, "total_tokens": tokens + 5}
    answer = stand.post("/v1/chat/completions", body or CHAT, {"x-sim": f"usage={json.dumps(usage)}"})
    assert answer.status == 200
    return answer.id


def counting(stand: Stand) -> dict[str, Any]:
    found: dict[str, Any] = stand.control("/api/v1/counting").json()
    return found


def audited(stand: Stand, count: int) -> dict[str, Any]:
    """What is known when *count* calls were compared."""
    found: dict[str, Any] = until(
        lambda: now if (now := counting(stand))["audited"] + now["skipped"] >= count else None, f"{count} audits"
    )
    return found


def test_the_local_count_stands_beside_the_reported_one(tmp_path: Path) -> None:
    with Stand(tmp_path, AUDITS) as stand:
        call_id = said(stand, 30)
        entry = until(lambda: e if (e := stand.entry(call_id))["local_input_tokens"] else None, "the audit")
        assert entry["usage"]["input"] == 30
        assert (entry["local_input_tokens"], entry["local_exactness"]) == (10, "exact")
        assert entry["local_band"] == [10, 10]
        assert entry["local_output_tokens"] > 0


def test_what_calls_teach_corrects_the_next_count_and_survives_a_restart(tmp_path: Path) -> None:
    asked = {"model": "acme-large", "input": "Say something."}
    usage = {"input_tokens": 500, "output_tokens": 5, "total_tokens": 505}

    def count() -> int:
        return int(stand.post("/v1/responses/input_tokens", asked).json()["input_tokens"])

    with Stand(tmp_path, AUDITS) as stand:
        assert count() < 100
        for _ in range(6):
            stand.post("/v1/responses", asked, {"x-sim": f"usage={json.dumps(usage)}"})
        assert audited(stand, 6)["audited"] == 6
        until(lambda: count() == 500, "a corrected count")
        stand.router.stop()
        stand.start_router()
        assert count() == 500


def test_drift_is_said_once_everywhere_and_is_over_when_it_is_over(tmp_path: Path) -> None:
    with Stand(tmp_path, AUDITS) as stand:
        for _ in range(50):
            said(stand, 10)
        assert audited(stand, 50)["alerts"] == []
        for _ in range(30):
            said(stand, 13)

        def alert() -> dict[str, Any] | None:
            return next((one for one in counting(stand)["alerts"] if one["kind"] == "text"), None)

        found = until(alert, "the alert")
        assert (found["provider"], found["model"], found["state"]) == ("sim", "gpt-4o-mini", "not_exact")
        assert "called exact" in found["message"]
        assert stand.gauge("dd0c_count_alerts") >= 1
        assert 'dd0c_count_drift{exactness="exact",kind="text",model="gpt-4o-mini",provider="sim"}' in (
            stand.control("/metrics").body.decode()
        )
        assert "Needs attention" in stand.control("/ui").body.decode()
        for _ in range(60):
            said(stand, 10)
        until(lambda: alert() is None, "the end of the alert")
        log = (tmp_path / "router.log").read_text()
        assert log.count('"counts_drifted"') == log.count("counts_drifted") >= 1
        assert "counts_fit_again" in log


def test_a_call_that_is_one_too_many_is_left_out_and_counted(tmp_path: Path) -> None:
    with Stand(tmp_path, "[counting]\naudits_per_s = 0.001\n") as stand:
        for _ in range(4):
            said(stand, 30)
        until(lambda: counting(stand)["skipped"] == 3, "three calls that were left out")
        assert stand.gauge("dd0c_audit_skipped_total") == 3


def test_without_audits_there_is_no_process_for_them_and_nothing_is_skipped(tmp_path: Path) -> None:
    with Stand(tmp_path, "[counting]\naudits_per_s = 0\n") as stand:
        call_id = said(stand, 30)
        assert stand.entry(call_id)["local_input_tokens"] is None
        assert counting(stand)["skipped"] == 0


@pytest.mark.parametrize("sim", ["status=429", "usage=none"])
def test_a_call_of_which_the_provider_reports_nothing_is_not_compared(tmp_path: Path, sim: str) -> None:
    with Stand(tmp_path, AUDITS) as stand:
        stand.post("/v1/chat/completions", CHAT, {"x-sim": sim})
        last = said(stand, 30)
        until(lambda: stand.entry(last)["local_input_tokens"], "the audit of the last call")
        assert audited(stand, 1)["audited"] == 1


def test_neither_prompt_nor_answer_leaves_a_trace(tmp_path: Path) -> None:
    secret = "a-sentence-that-nobody-else-says"
    with Stand(tmp_path, AUDITS) as stand:
        call_id = said(stand, 30, {**CHAT, "messages": [{"role": "user", "content": secret}], "tools": [TOOL]})
        until(lambda: stand.entry(call_id)["local_input_tokens"], "the audit")
        left = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        assert left == []


def counters(stand: Stand) -> list[int]:
    """Process ids of those that count beside the stand's worker."""
    (worker,) = stand.children("dd0c_route.proxy")
    found = [pid for task in Path(f"/proc/{worker}/task").iterdir() for pid in (task / "children").read_text().split()]
    return [int(pid) for pid in found if b"dd0c_route.proxy.auditing" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_who_counts_stands_behind_all_others_is_replaced_when_it_dies_and_ends_with_the_worker(tmp_path: Path) -> None:
    with Stand(tmp_path, AUDITS) as stand:
        first = said(stand, 30)
        until(lambda: stand.entry(first)["local_input_tokens"], "the first audit")
        (counter,) = counters(stand)
        assert os.getpriority(os.PRIO_PROCESS, counter) == min(19, os.getpriority(os.PRIO_PROCESS, stand.pid) + 10)
        os.kill(counter, signal.SIGKILL)
        lost = said(stand, 30)
        log = tmp_path / "router.log"
        until(lambda: "audit_failed" in log.read_text() or stand.entry(lost)["local_input_tokens"], "what became of it")
        last = said(stand, 30)
        until(lambda: stand.entry(last)["local_input_tokens"], "the audit by another process")
        (counter,) = counters(stand)
        stand.router.stop()
        until(lambda: not Path(f"/proc/{counter}").exists(), "its end")
