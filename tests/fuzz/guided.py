"""`python -m tests.fuzz.guided NAME FOLDER [libFuzzer's options]`: one target, led by coverage of the router's code.

atheris lives in an environment of its own (`make fuzzers`), of which only its package is used: the router's own
dependencies come with the interpreter that runs this.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def atheris() -> Any | None:
    """The fuzzer, or None where it is not installed, or not for this Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = str(ROOT / ".venv-fuzzers" / "lib" / version / "site-packages")
    if folder not in sys.path:
        sys.path.append(folder)  # behind all others: what both have is ours
    return importlib.import_module("atheris") if find_spec("atheris") is not None else None


def main(name: str, *options: str) -> None:
    """Run until libFuzzer's *options* end it, or an input fails, which is then written where they say."""
    fuzzer = atheris()
    if fuzzer is None:
        raise SystemExit("no atheris for this Python: run 'make fuzzers'")
    with fuzzer.instrument_imports(include=["dd0c_route", "tomllib"]):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[name]
    fuzzer.Setup([sys.argv[0], *options], target.check)
    fuzzer.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
