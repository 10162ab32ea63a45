from __future__ import annotations

import pytest

from dd0c_route.tokens import models


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a start: no vocabulary is loaded."""
    monkeypatch.setattr(models, "_counters", {})
