"""The test's side of the conversation with a program that uses an SDK (`programs/serving.py` is the other)."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

PROGRAMS = Path(__file__).with_name("programs")
ANSWER_S = 60.0
ENVIRON = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "NO_PROXY": "*"}  # nobody's keys, no proxy


class Raised(AssertionError):
    """The SDK raised although the test did not expect it."""


class Sdk:
    """A program with an SDK in it, at the router on *port*, showing *key*."""

    def __init__(
        self,
        interpreter: Path,
        program: str,
        port: int,
        key: str = "synthetic-caller-key",
        packages: Path | None = None,
    ) -> None:
        self._command = [str(interpreter), str(PROGRAMS / program)]
        self._environ = {**ENVIRON, "ROUTER": f"http://127.0.0.1:{port}", "ROUTER_KEY": key}
        if packages is not None:  # of a program in Node
            self._environ["CLIENTS"] = str(packages)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def do(self, action: str, *, sim: str = "", tag: str = "", cost: bool = False, **arguments: Any) -> Any:
        """What *action* returned.

        Args:
            sim: The simulator's scene.
            tag: Marks the entry of the call.
            cost: Ask the router for the cost in the stream.
        """
        outcome = self._ask(action, sim, tag, arguments, {"x-dd0c-cost": "on"} if cost else {})
        if "raised" in outcome:
            raise Raised(outcome["raised"])
        return outcome["value"]

    def fails(self, action: str, *, sim: str = "", tag: str = "", **arguments: Any) -> dict[str, Any]:
        """What *action* raised (`serving.py` has the fields)."""
        outcome = self._ask(action, sim, tag, arguments, {})
        assert "raised" in outcome, outcome
        raised: dict[str, Any] = outcome["raised"]
        return raised

    def outcome(self, action: str, *, sim: str = "", tag: str = "", **arguments: Any) -> dict[str, Any]:
        """`{"value": …}` or `{"raised": …}`, where clients differ."""
        return self._ask(action, sim, tag, arguments, {})

    def _ask(
        self, action: str, sim: str, tag: str, arguments: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        if sim:
            headers["x-sim"] = sim
        if tag:
            headers["x-dd0c-tags"] = f"test={tag}"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": action, "with": {"headers": headers, **arguments}}) + "\n")
        self._process.stdin.flush()
        watchdog = threading.Timer(ANSWER_S, self._process.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        assert line, f"the program ended, or took longer than {ANSWER_S:g} s over '{action}'"
        outcome: dict[str, Any] = json.loads(line)
        return outcome
