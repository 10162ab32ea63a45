"""The fault matrix, provider's side: every fault in every dialect, JSON and streams, and nothing is held afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endings.failing_wires import Faulty, error_in, faulty_stand, tries_of
from tests.endings.forms import CHAT, FORMS, KEY, Form
from tests.endings.matrix import FAULTS, OK, THEIRS, Fault, Seen

ROUTERS_OWN = ("upstream_", "status_", "shut_down", "internal_error")
AT_ONCE = 7  # retries in a row come out of a budget of ten


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
        running.is_as_before()


def _fits(error: str | None, wanted: str | None) -> bool:
    if wanted == THEIRS:
        return error is not None and not error.startswith(ROUTERS_OWN)
    return error in (wanted or "").split("|") if error else wanted is None


def _walk(faulty: Faulty, fault: Fault, form: Form) -> None:
    """One fault in one dialect."""
    seen: Seen = fault.seen(form)
    caller, name = faulty.ask(form, fault.play(form), fault.family)
    where = f"{form.name}: {fault.name}: {bytes(caller.raw[-300:])!r}"

    # What the client sees.
    status = (
        seen.status if form.asks is not CHAT or form.answers is CHAT else 503 if seen.status == 529 else seen.status
    )
    assert (caller.status, caller.whole) == (status, seen.whole), where
    assert KEY.encode() not in caller.raw, where
    assert b"poison" not in caller.raw, where
    if seen.status >= 400:
        assert error_in(caller, form), where
    elif seen is not OK and form.stream and seen.state != "complete":
        assert form.asks.last not in caller.body, where  # a cut is never shown as a clean end
    if seen is OK and not form.translated:
        assert caller.body == form.body, where

    # What the entry says.
    entry = faulty.entry(caller)
    tries = tries_of(entry)
    assert entry["status"] == status, where
    assert entry["end_state"] == seen.state, where
    assert [status for status, _ in tries] == [status for status, _ in seen.tries], (tries, where)
    assert all(_fits(error, wanted) for (_, error), (_, wanted) in zip(tries, seen.tries, strict=True)), (tries, where)
    assert _fits(entry["error"], seen.tries[-1][1]), (entry["error"], where)
    assert entry["usage_source"] in seen.usage, (entry["usage_source"], where)
    if seen.usage == ("none",):
        assert not entry["cost_picodollars"], where
        assert not entry["cost_billable_picodollars"], where

    # No try that nobody wrote down; one on a connection that had died may not have arrived.
    if fault.family in ("fault", "hasty"):
        stale = len(entry["attempts"]) - len(tries)
        assert 0 <= len(entry["attempts"]) - faulty.faultd.calls(name) <= stale, where


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule} {fault.name}")
def test_a_provider_that(faulty: Faulty, fault: Fault) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for walked in [pool.submit(_walk, faulty, fault, form) for form in FORMS]:
            walked.result()


def test_the_matrix_says_how_large_it_is(faulty: Faulty) -> None:
    print(f"\nfault matrix: {len(FAULTS)} faults x {len(FORMS)} ways to call = {len(FAULTS) * len(FORMS)} calls")
    assert len({(fault.rule, fault.name) for fault in FAULTS}) == len(FAULTS)
    assert len(FAULTS) >= 60


def test_after_all_faults_nothing_is_held(faulty: Faulty) -> None:
    faulty.is_as_before()
