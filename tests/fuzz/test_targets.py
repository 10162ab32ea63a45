"""Each target holds for its seeds, for every input that ever failed, and for some inputs that nobody has seen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

CRASHES = Path(__file__).parent / "crashes"
MUTATIONS = 150


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_seeds_and_for_what_comes_of_them(name: str) -> None:
    target = TARGETS[name]
    seeds, random_ = target.seeds(), random.Random(name)
    for seed in seeds:
        target.check(seed)
    for _ in range(MUTATIONS):
        data = mutated(seeds, target, random_)
        try:
            target.check(data)
        except Exception as error:
            error.add_note(f"{name}: {data!r}")
            raise


@pytest.mark.parametrize("crash", sorted(CRASHES.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_failed_once_fails_no_more(crash: Path) -> None:
    TARGETS[crash.parent.name].check(crash.read_bytes())
