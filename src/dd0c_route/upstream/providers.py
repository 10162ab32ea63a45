"""The rows of `providers.toml`: what is known of the providers that have a name here."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def known() -> dict[str, dict[str, Any]]:
    """Provider name → its row: fields of `config.Provider`, and `source`, `abort_source`, `checked` for people."""
    text = resources.files("dd0c_route.upstream").joinpath("providers.toml").read_text("utf-8")
    return tomllib.loads(text)
