from __future__ import annotations

import msgspec

from dd0c_route.brain.promises import Threshold
from dd0c_route.brain.residuals import Key, Residuals
from dd0c_route.brain.taught import UNKNOWN, Taught

KEY = Key("route", "acme/small")


def taught(score: float, times: int) -> Taught:
    residuals = Residuals()
    for _ in range(times):
        residuals.add(KEY, UNKNOWN, score)
    return Taught(7, residuals.snapshot(), frozenset({"route"}), {"route": {"acme/small": Threshold(0.2, 100)}})


def test_a_model_that_nothing_is_known_of_stays_unknown() -> None:
    assert Taught().adjust(None, KEY) is None


def test_a_model_that_the_predictor_does_not_know_joins_by_its_labels() -> None:
    few, many = taught(1.0, 3).adjust(None, KEY), taught(1.0, 200).adjust(None, KEY)
    assert few is not None
    assert many is not None
    assert UNKNOWN < few.p_good < 0.7
    assert many.p_good > 0.9


def test_a_snapshot_survives_json() -> None:
    known = taught(0.0, 5)
    assert msgspec.json.decode(msgspec.json.encode(known), type=Taught) == known
