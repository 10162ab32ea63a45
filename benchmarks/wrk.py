"""The closed loop by wrk (Debian's package), which costs the load's core less than a generator in Python does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks import machine
from benchmarks.load import Window

_SCRIPT = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
"""


def installed() -> bool:
    return shutil.which("wrk") is not None


def closed_loop(port: int, body: bytes, connections: int, seconds: float, core: int, folder: Path) -> Window:
    """Each of *connections* sends its next request when it has its answer; only counts and errors are known."""
    (folder / "body.json").write_bytes(body)
    script = folder / "wrk.lua"
    script.write_text(_SCRIPT.format(body=folder / "body.json"))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(script)]
    process = subprocess.Popen(
        [*command, f"http://127.0.0.1:{port}/v1/chat/completions"], stdout=subprocess.PIPE, text=True
    )
    machine.pin(process.pid, core)
    output, _ = process.communicate(timeout=seconds + 30)
    window = Window()
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", output)
    if done is None:
        window.failed("wrk printed no result")
        return window
    window.answers = int(done[1])
    window.seconds = float(done[2]) / (1000 if done[3] == "ms" else 1)
    for name, pattern in {
        "status other than 2xx": r"Non-2xx or 3xx responses: (\d+)",
        "connect": r"errors: connect (\d+)",
        "read": r"errors: .*read (\d+)",
        "write": r"errors: .*write (\d+)",
        "timeout": r"errors: .*timeout (\d+)",
    }.items():
        if (found := re.search(pattern, output)) and int(found[1]):
            window.errors[name] = int(found[1])
    return window
