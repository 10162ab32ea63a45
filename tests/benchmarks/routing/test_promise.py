"""Promises: kept where the usual threshold breaks them in every other draw."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing import promise
from benchmarks.routing.promise import cells


def test_the_promise_is_kept_and_the_tuned_threshold_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promise, "DRAWS", 60)
    monkeypatch.setattr(promise, "CELLS", [(200, 0.05)])
    random = np.random.default_rng(1)
    p_weak = random.random(1500)
    weak = (random.random(1500) < p_weak).astype(np.float64)
    [found] = cells(p_weak, np.ones(1500), weak, np.ones(1500))
    assert found.given == 1
    assert found.broken <= 0.2
    assert found.tuned_broken > 0.3
    assert 0 < found.weak < found.tuned_weak < 1
