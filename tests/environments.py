"""Environments beside the router's own, each made from its own lock, so that the router's stays as it is.

`python -m tests.environments NAME…` makes some and prints their interpreters. Tests make theirs where it is
missing, but for large ones: what needs one of these is skipped until somebody has made it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
INSTALL_S = 300


class NotMade(RuntimeError):
    """The environment could not be made; the message is the installer's."""


class Environment(NamedTuple):
    """A folder `.venv-NAME` with the packages of a lock, and nothing else."""

    name: str
    lock: Path
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.name}"

    def python(self) -> Path:
        """The interpreter of the environment, which is made or brought up to date first.

        Raises:
            NotMade: It could not be.
        """
        stamp = self.folder / "installed"
        interpreter = self.folder / "bin" / "python"
        with self.lock.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes begin at once
            if not self.made():
                wanted = self._wanted()
                stamp.unlink(missing_ok=True)
                _run(sys.executable, "-m", "venv", "--clear", str(self.folder))
                pip = (str(interpreter), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
                _run(*pip, "install", *self.options, "--require-hashes", "-r", str(self.lock))
                stamp.write_text(wanted)  # last, so that an interrupted installation is done again
        return interpreter

    def made(self) -> bool:
        """It is there, and of this lock."""
        return _stamped(self.folder, self._wanted()) and _works(self.folder / "bin" / "python")

    def _wanted(self) -> str:
        return hashlib.sha256(self.lock.read_bytes() + sys.version.encode()).hexdigest()

    def python_or_skip(self) -> Path:
        """For fixtures: without the environment the test is skipped, or fails where nothing may be skipped."""
        try:
            return self.python()
        except NotMade as error:
            _skip(f"no environment .venv-{self.name} (make {self.name}): {error}")


class Packages(NamedTuple):
    """A folder `.node-NAME` with the packages of an npm lock; what they would run when installed is not run."""

    name: str
    source: Path
    command: str = "ci"  # `install` where the lock lacks what other platforms would need and no index has

    @property
    def folder(self) -> Path:
        return ROOT / f".node-{self.name}"

    def node(self) -> Path:
        """Node's program; the packages are made or brought up to date first.

        Raises:
            NotMade: They could not be, or there is no Node of at least version 20.
        """
        program, npm = shutil.which("node"), shutil.which("npm")
        if program is None or npm is None:
            raise NotMade("there is no node or no npm here")
        lock = self.source / "package-lock.json"
        with lock.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # several test processes begin at once
            if not self.made():
                wanted = self._wanted(program)
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir()
                for name in ("package.json", "package-lock.json"):
                    shutil.copyfile(self.source / name, self.folder / name)
                quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
                _run(npm, self.command, "--prefix", str(self.folder), *quiet)
                # last, so that an interrupted installation is done again
                (self.folder / "installed").write_text(wanted)
        return Path(program)

    def made(self) -> bool:
        """They are there, of this lock, and for the Node that is here."""
        program = shutil.which("node")
        return program is not None and _stamped(self.folder, self._wanted(program))

    def _wanted(self, node: str) -> str:
        lock = self.source / "package-lock.json"
        return hashlib.sha256(lock.read_bytes() + _run(node, "--version").encode()).hexdigest()

    def node_or_skip(self) -> Path:
        """As `Environment.python_or_skip`."""
        try:
            return self.node()
        except NotMade as error:
            _skip(f"no packages in .node-{self.name} (make {self.name}): {error}")


def _skip(reason: str) -> NoReturn:
    if os.environ.get("DD0C_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


SDKS = Environment("sdks", ROOT / "tests" / "clients" / "sdks" / "requirements.lock")
NODE_SDKS = Packages("sdks", ROOT / "tests" / "clients" / "node")
FRAMEWORKS = Environment("frameworks", ROOT / "tests" / "clients" / "frameworks" / "requirements.lock")
EARLIER = Environment("earlier", ROOT / "tests" / "clients" / "earlier" / "requirements.lock")  # need an earlier openai
AIDER = Environment("aider", ROOT / "tests" / "clients" / "aider" / "requirements.lock")
AGENTS = Packages("agents", ROOT / "tests" / "clients" / "agents", "install")
# ctok declares Python 3.12 and runs unchanged under 3.11.
COUNTERS = Environment(
    "counters", ROOT / "tests" / "tokens" / "independent" / "requirements.lock", ("--ignore-requires-python",)
)
LITELLM = Environment("litellm", ROOT / "benchmarks" / "accuracy" / "requirements.lock")
PARQUET = Environment("parquet", ROOT / "benchmarks" / "routing" / "requirements.lock")
BROWSER = Environment("browser", ROOT / "tests" / "console" / "browser" / "requirements.lock")
SCHEMAS = Environment("schemas", ROOT / "tests" / "control" / "schemas" / "requirements.lock")
FUZZERS = Environment("fuzzers", ROOT / "tests" / "fuzz" / "requirements.lock", ("--only-binary=:all:",))
ENVIRONMENTS = {
    one.name: one for one in (SDKS, FRAMEWORKS, EARLIER, AIDER, COUNTERS, LITELLM, PARQUET, BROWSER, SCHEMAS, FUZZERS)
}


def _stamped(folder: Path, wanted: str) -> bool:
    stamp = folder / "installed"
    return stamp.exists() and stamp.read_text() == wanted


def _works(interpreter: Path) -> bool:
    try:
        return subprocess.run([interpreter, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMade(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        raise NotMade(f"{' '.join(command)}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _make(name: str) -> None:
    """Make one and print its interpreter; what Node would have to be here for may be missing."""
    try:
        if name in ENVIRONMENTS:
            print(ENVIRONMENTS[name].python())
    except NotMade as error:
        raise SystemExit(f"the environment '{name}' could not be made: {error}") from None
    for packages in (NODE_SDKS, AGENTS):
        try:
            if packages.name == name:
                print(packages.node(), packages.folder)
        except NotMade as error:  # the tests that need it say so too
            print(f"without the packages '{name}' for Node: {error}", file=sys.stderr)


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        _make(asked)
