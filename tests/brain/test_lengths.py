"""How long answers become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dd0c_route.brain.lengths import REASONING
from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.training.fit import fit
from dd0c_route.brain.training.lengths import with_lengths
from tests.brain.examples import LAW, MODELS, SUM, labels


@pytest.fixture(scope="module")
def measured() -> Predictor:
    known = labels(300)
    law = np.array(["plaintiff" in prompt for prompt in known.prompts])
    tokens = np.stack([np.where(law, 400.0, 20.0), np.full(len(law), np.nan)], axis=1)
    tokens[:, 1] = 50.0
    return with_lengths(fit(known), known.prompts, MODELS, tokens)


def test_what_asks_for_more_gets_more(measured: Predictor) -> None:
    law, total = measured.length(LAW, "strong", False), measured.length(SUM, "strong", False)
    assert law.mean > 3 * total.mean
    assert law.p90 >= law.mean
    assert law.reasoning_mean == 0


def test_a_model_that_thinks_writes_more_than_is_seen(measured: Predictor) -> None:
    thinking = measured.length(LAW, "strong", True)
    assert thinking.reasoning_mean == pytest.approx(REASONING * thinking.mean)


def test_of_an_unknown_model_the_usual_length_is_told(measured: Predictor) -> None:
    assert 10 < measured.length(LAW, "unheard-of", False).mean < 1000


def test_lengths_are_stored(measured: Predictor, tmp_path: Path) -> None:
    measured.save(tmp_path / "x")
    again = Predictor.load(tmp_path / "x")
    assert again.length(LAW, "weak", False).mean == pytest.approx(measured.length(LAW, "weak", False).mean, rel=0.01)


def test_a_predictor_without_lengths_says_so() -> None:
    with pytest.raises(LookupError):
        fit(labels(80)).length(LAW, "strong", False)
