"""A model with a published score stands among its like, and nothing is claimed of it."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import numpy as np

from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.training import profiles as profiles_of
from dd0c_route.brain.training.fit import fit
from dd0c_route.brain.training.profiles import profiles
from tests.brain.examples import LAW, labels

LIKE = ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "Mixtral-8x7B-v0.1", "Llama-2-70b-hf"]


def four_models() -> Predictor:
    two = labels(200)
    wide = two._replace(models=LIKE, scores=two.scores[:, [0, 0, 1, 1]], known=two.known[:, [0, 0, 1, 1]])
    return fit(wide)


def test_a_profiled_model_does_as_those_of_its_score_do() -> None:
    predictor = four_models()
    odds = predictor.predict(LAW, ["gpt-4.1", "gpt-3.5-turbo-0125", *LIKE])
    strong, weak, *known = (p for p in odds.p_good if p is not None)
    assert abs(strong - known[0]) < 0.1
    assert abs(weak - known[2]) < 0.1
    assert min(odds.spread[:2]) > 0.5 > max(odds.spread[2:])


def test_where_nobody_is_like_it_nothing_is_said() -> None:
    assert four_models().predict(LAW, ["Llama-2-7b-hf"]).p_good == (None,)


def test_every_table_of_scores_has_its_source_and_the_day_it_was_checked() -> None:
    listed = tomllib.loads(Path(profiles_of.__file__).with_name("profiles.toml").read_text(encoding="utf-8"))
    for table in listed["from"]:
        assert re.search(r"\w+\.\w+", table["source"])
        assert date(2026, 1, 1) <= table["checked"]


def test_scores_are_percentages() -> None:
    assert all(25 < score < 100 for score in profiles().values())
    assert np.isfinite(list(profiles().values())).all()
