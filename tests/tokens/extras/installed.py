"""Vocabularies that tests need, where they are installed: `make extras` installs all of them."""

from __future__ import annotations

import os
from functools import cache

import pytest

from dd0c_route.tokens.bpe import BytePairCounter
from dd0c_route.tokens.extras import load_counter
from dd0c_route.tokens.extras.gemma import GemmaCounter

_load = cache(load_counter)


def counter_or_skip(name: str) -> BytePairCounter | GemmaCounter:
    """The counter of a vocabulary; without it the test is skipped, or fails where nothing may be skipped."""
    if (counter := _load(name)) is not None:
        return counter
    reason = f"the vocabulary {name} is not installed (make extras)"
    if os.environ.get("DD0C_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
