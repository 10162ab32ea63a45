"""The recordings, where the environment names them: `DD0C_CORPUS` is a folder that holds `recordings/`."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def recordings(name: str) -> Iterator[dict[str, Any]]:
    """The recorded exchanges of one file, one at a time."""
    if not (folder := os.environ.get("DD0C_CORPUS")):
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    with gzip.open(Path(folder) / "recordings" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
