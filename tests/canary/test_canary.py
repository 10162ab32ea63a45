"""Nothing leaks: a credential in every slot, everything done that can be done, every byte of every sink searched.

A short form in every run; `DD0C_CANARY_ALL=1` takes every key through every fault, every command and debug mode, and
switches off each guard in turn, to show that the search would find the leak. `-s` prints the figures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canary import drive
from tests.canary.mutants import MUTANTS
from tests.canary.place import Place
from tests.canary.report import Leak, leaks_in, summary
from tests.canary.slots import Slot, all_slots

ALL = os.environ.get("DD0C_CANARY_ALL") == "1"
ROOT = Path(__file__).parents[2]
SOME_KEYS = 16  # providers with a stored key, where not all
MOST_SHOWN = 20
DEBUG = {"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1", "PYTHONTRACEMALLOC": "5", "PYTHONFAULTHANDLER": "1"}
SAMPLE = ("secrets are not shown", "cookies to clients")

PARTS: dict[str, Callable[[Place], None]] = {
    "good": drive.good_calls,
    "faults": lambda place: drive.faults(place, everything=False),
    "callers": drive.callers,
    "panics": drive.panics,
    "commands": lambda place: drive.commands(place, everything=True),
}


def told(leaks: list[Leak]) -> str:
    return "\n".join([f"{len(leaks)} leaks", *map(str, leaks[:MOST_SHOWN])])


@pytest.mark.timeout(1800 if ALL else 300)
@pytest.mark.parametrize("debug", [False, *[True] * ALL])
def test_a_planted_key_goes_its_own_way_and_no_other(tmp_path: Path, debug: bool) -> None:
    with Place(
        tmp_path / "work", keys=None if ALL and not debug else SOME_KEYS, environ=DEBUG if debug else {}
    ) as place:
        drive.good_calls(place)
        drive.faults(place, everything=ALL and not debug)
        drive.callers(place)
        drive.the_door(place, everything=ALL)
        drive.panics(place)
        drive.pages(place)
        drive.commands(place, everything=ALL)
        drive.signals(place)
        place.collect(ended=False)
        place.end()
        place.collect(ended=True)
    slots = _planted(place)
    leaks = leaks_in(place.sinks, slots)
    print(f"\n{summary(place.sinks, slots, leaks)}{' (debug modes)' if debug else ''}")
    assert len(slots) >= 40
    assert len(place.sinks) >= 30
    assert not leaks, told(leaks)
    assert not _not_walked(place, slots)
    assert not [path for path in tmp_path.rglob("core*") if path.name.partition(".")[0] == "core"]


def _planted(place: Place) -> list[Slot]:
    """All slots but those of providers that this run goes without."""
    here = {one.key.name for one in place.stored}
    return [slot for slot in all_slots() if not slot.name.startswith("providers.p-") or slot.name in here]


def _not_walked(place: Place, slots: list[Slot]) -> list[str]:
    """A canary that never went out proves nothing: those that have a way of their own are to be seen on it."""
    return [
        slot.name
        for slot in slots
        if slot.ways
        if not any(
            way.what in blob for way in slot.ways for sink, blob in place.sinks.items() if sink.startswith(way.sink)
        )
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guard", list(MUTANTS) if ALL else SAMPLE)
def test_without_a_guard_the_search_finds_a_leak(guard: str, tmp_path: Path) -> None:
    with Place(tmp_path / "work", mutant=guard, keys=SOME_KEYS) as place:
        PARTS[MUTANTS[guard].part](place)
        place.end()
        place.collect(ended=True)
    leaks = leaks_in(place.sinks, _planted(place))
    where = sorted({leak.sink for leak in leaks})
    print(f"\nguard off: {guard}: {len(leaks)} leaks, {', '.join(where[:3])}")
    assert leaks


@pytest.mark.skipif(not ALL, reason="builds packages: DD0C_CANARY_ALL=1")
@pytest.mark.timeout(300)
def test_packages_hold_no_credential_of_the_environment(tmp_path: Path) -> None:
    slots = all_slots()
    planted = {f"KEY_{number}": slot.value for number, slot in enumerate(slots)}
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=os.environ | planted, check=True, capture_output=True, timeout=200)
    sinks = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name.rpartition(".")[2] for name in sinks} == {"whl", "gz"}
    assert not leaks_in(sinks, slots)
