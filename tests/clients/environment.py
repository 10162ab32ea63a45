"""The environment in which the clients' SDKs are: its own, made from its own lock, so that the router's stays as it is.

`python -m tests.clients.environment` makes it (`make clients`); the tests make it themselves where it is missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-clients"
LOCK = Path(__file__).with_name("requirements.lock")
INSTALL_S = 300


class NotMade(RuntimeError):
    """The environment could not be made; the message is the installer's."""


def python() -> Path:
    """The interpreter of the environment, which is made or brought up to date first.

    Raises:
        NotMade: It could not be.
    """
    stamp = FOLDER / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    interpreter = FOLDER / "bin" / "python"
    with LOCK.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes begin at once
        if not (stamp.exists() and stamp.read_text() == wanted and _works(interpreter)):
            stamp.unlink(missing_ok=True)
            _run(sys.executable, "-m", "venv", "--clear", str(FOLDER))
            pip = (str(interpreter), "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")
            _run(*pip, "install", "--require-hashes", "-r", str(LOCK))
            stamp.write_text(wanted)  # last, so that an interrupted installation is done again
    return interpreter


def _works(interpreter: Path) -> bool:
    try:
        return subprocess.run([interpreter, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMade(f"{' '.join(command)}: {error}") from None
    if done.returncode:
        raise NotMade(f"{' '.join(command)}: {done.stderr.strip()[-1000:]}")


if __name__ == "__main__":
    try:
        print(f"the clients' SDKs are in {python().parents[1].name}")
    except NotMade as error:
        raise SystemExit(f"the environment of the clients' SDKs could not be made: {error}") from None
