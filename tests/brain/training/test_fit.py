"""A fit learns what its labels say, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.training.fit import fit
from tests.brain.examples import LAW, MODELS, SUM, labels


@pytest.fixture(scope="module")
def fitted() -> Predictor:
    return fit(labels())


def p_good(predictor: Predictor, text: str, model: str) -> float:
    (p,) = predictor.predict(text, [model]).p_good
    assert p is not None
    return p


def test_it_tells_what_is_hard_for_whom(fitted: Predictor) -> None:
    assert p_good(fitted, SUM, "weak") > 0.7
    assert p_good(fitted, LAW, "weak") < 0.4
    assert p_good(fitted, LAW, "strong") > 0.7


def test_far_from_its_texts_each_model_has_its_mean(fitted: Predictor) -> None:
    far = fitted.predict("{}[]=;\\frac $$ %% __init__ <<>> ==== !!!! ???? 1 2 3 4 5 6 7 8 9 | | | ~ ~ " * 20, MODELS)
    assert far.support < 0.2
    means = fitted.parts[0].layer.means
    assert np.allclose([p for p in far.p_good if p is not None], means, atol=0.1)


def test_the_same_labels_give_the_same_bytes(fitted: Predictor, tmp_path: Path) -> None:
    fitted.save(tmp_path / "one")
    fit(labels()).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_new_model_joins_a_predictor_by_few_labels(fitted: Predictor) -> None:
    few = labels(60, seed=1)
    joined = fit(few._replace(models=["strong-2", "weak-2"]), fitted)
    assert joined.models == ("strong", "strong-2", "weak", "weak-2")
    assert p_good(joined, LAW, "weak-2") < 0.5 < p_good(joined, SUM, "weak-2")
    assert p_good(joined, LAW, "weak") == pytest.approx(p_good(fitted, LAW, "weak"))


def test_labels_that_taught_it_already_change_nothing(fitted: Predictor) -> None:
    again = fit(labels(), fitted)
    assert p_good(again, LAW, "weak") == pytest.approx(p_good(fitted, LAW, "weak"), abs=1e-4)


def test_labels_on_top_do_not_make_the_fit_below_less_sure(fitted: Predictor) -> None:
    few = labels(60, seed=1)
    joined = fit(few._replace(models=["strong-2", "weak-2"]), fitted)
    (before,), (after,) = (predictor.predict(LAW, ["weak"]).spread for predictor in (fitted, joined))
    assert after == pytest.approx(before, rel=0.1)
    assert joined.predict(LAW, ["weak-2"]).spread[0] > before


def test_other_labels_move_a_known_model(fitted: Predictor) -> None:
    worse = labels(300, seed=2)
    moved = fit(worse._replace(scores=np.zeros_like(worse.scores)), fitted)
    assert p_good(moved, SUM, "strong") < p_good(fitted, SUM, "strong") - 0.2


def test_what_was_said_below_is_dropped_where_labels_tell_otherwise(fitted: Predictor) -> None:
    now = labels(300, seed=2)
    other_way_round = now._replace(
        scores=np.where(np.arange(300)[:, None] % 2, [0.9, 0.2], [0.95, 0.9]).astype(np.float32)
    )
    changed = fit(other_way_round, fitted)
    assert changed.parts[-1].layer.doubt.min() > 0
    assert p_good(changed, SUM, "weak") < 0.4
    assert p_good(changed, LAW, "weak") > 0.7


def test_what_was_said_below_is_kept_where_labels_agree(fitted: Predictor) -> None:
    again = fit(labels(100, seed=3), fitted)
    assert again.parts[-1].layer.doubt.max() < 1
    assert p_good(again, LAW, "weak") == pytest.approx(p_good(fitted, LAW, "weak"), abs=0.1)


def test_no_probability_is_surer_than_its_labels(fitted: Predictor) -> None:
    known = labels(60)
    sure = fit(known._replace(scores=np.ones_like(known.scores)))
    assert p_good(sure, SUM, "weak") < 0.985
