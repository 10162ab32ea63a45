"""The test stand: a real router process before real simulated providers, on real sockets.

with Stand(tmp_path) as stand:
    answer = stand.post("/v1/chat/completions", {"model": "gpt-4o", "messages": []})
    entry = stand.entry(answer.id)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Self

DEADLINE_S = 20.0  # for things that take milliseconds on an idle machine

PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.sim-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.sim-gemini]
dialect = "gemini"
base_url = "http://127.0.0.1:{port}/v1beta"
api_key = {{ env = "SIM_KEY" }}
"""

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say something."}]}
MESSAGES = {"model": "claude-haiku-4-5", "max_tokens": 1000, "messages": CHAT["messages"]}

_LIMITED = """
import os, resource, sys
for of, most in {limits}.items():
    resource.setrlimit(of, (most, most))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def until(probe: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Ask *probe* again and again until it says something true, and return that."""
    end = time.monotonic() + deadline_s
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {deadline_s} s")
        select.select([], [], [], 0.005)


class Answer:
    """What a client got."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def id(self) -> str:
        return self.headers["x-dd0c-request-id"]

    def json(self) -> Any:
        return json.loads(self.body)


class Process:
    """A program of ours, started for a test and ended with it."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path, cwd: Path) -> None:
        self.log = log
        with log.open("ab") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, *command],
                stdout=subprocess.PIPE,
                stderr=sink,
                env=environ,
                cwd=cwd,
                bufsize=0,  # a line that waits in a buffer would not be selected
            )

    def line(self) -> str:
        """The next line of its standard output."""
        assert self.popen.stdout is not None
        ready, _, _ = select.select([self.popen.stdout], [], [], DEADLINE_S)
        text = self.popen.stdout.readline().decode() if ready else ""
        if not text:
            raise AssertionError(f"the process said nothing; its log:\n{self.log.read_text()[-4000:]}")
        return text.rstrip("\n")

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            return self.popen.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise
        finally:
            if self.popen.stdout is not None:
                self.popen.stdout.close()


class Stand:
    """A router and the simulated provider behind it.

    Args:
        folder: For the configuration, the ledger and the logs.
        config: More of `dd0c.toml`, behind the three simulated providers; `{port}` is the simulator's.
        providers: Replaces those three.
        recordings: What the simulator replays.
        script: Rules for the simulator, as `--script` reads them.
        environ: More of the router's environment.
        rlimits: What the system grants the router and its children, by `resource.RLIMIT_…`.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *,
        providers: str = PROVIDERS,
        recordings: Path | None = None,
        script: str = "",
        environ: dict[str, str] | None = None,
        options: tuple[str, ...] = (),
        rlimits: dict[int, int] | None = None,
    ) -> None:
        self.folder = folder
        self._config = config
        self._providers = providers
        self._recordings = recordings
        self._script = script
        self._environ = environ or {}
        self._options = options
        self._rlimits = rlimits or {}
        self.sim_port = 0
        self.port = 0
        self._control_began = False

    # --- life ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DD0C_")},
            "SIM_KEY": "synthetic-sim-key-0123456789",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **self._environ,
        }
        self.start_simulator()
        self.config_path = self.folder / "dd0c.toml"
        self.config_path.write_text(
            (self._providers + self._config).replace("{{", "{").replace("}}", "}").replace("{port}", str(self.sim_port))
        )
        self.config_path.chmod(0o600)
        try:
            self.start_router()
        except BaseException:  # no block is entered, so none is left
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.router, self.simulator):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.stop()

    def start_simulator(self) -> None:
        command = ["-m", "dd0c_route.upstream.simulator", "--port", str(self.sim_port)]
        if self._recordings is not None:
            command += ["--recordings", str(self._recordings)]
        if self._script:
            rules = self.folder / "script.toml"
            rules.write_text(self._script)
            command += ["--script", str(rules)]
        self.simulator = Process(command, self.environ, self.folder / "simulator.log", self.folder)
        self.sim_port = int(self.simulator.line().rpartition(":")[2])

    def start_router(self) -> None:
        command = ["-m", "dd0c_route", "serve", "--config", str(self.config_path), "--port", str(self.port)]
        if self._rlimits:
            command = ["-c", _LIMITED.format(limits=self._rlimits), *command]
        self.router = Process([*command, *self._options], self.environ, self.folder / "router.log", self.folder)
        while not (line := self.router.line()).startswith("router "):
            pass
        self.port = int(line.rpartition(":")[2])
        self._control_began = False

    @property
    def pid(self) -> int:
        return self.router.popen.pid

    def children(self, module: str) -> list[int]:
        """Process ids of the supervisor's children that run *module*, such as `dd0c_route.proxy`."""
        found = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # gone meanwhile
                    if module in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0"):
                        found.append(int(pid))
        return found

    # --- as a client ----------------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One request. What the control process answers is waited for until it answers for the first time."""
        if self._control_began or not path.startswith(("/api/", "/ui")):
            return self._request(method, path, body, headers)

        def probe() -> Answer | None:
            answer = self._request(method, path, body, headers)
            return answer if answer.status != 503 else None

        found: Answer = until(probe, f"an answer of the control process to {path}")
        self._control_began = True
        return found

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str] | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content, {"content-type": "application/json", **(headers or {})})

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    @contextlib.contextmanager
    def raw(self) -> Iterator[socket.socket]:
        """A bare connection to the router."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as sock:
            yield sock

    # --- as an auditor ----------------------------------------------------------------------------------------

    def entry(self, request_id: str) -> dict[str, Any]:
        """The entry of a call, as soon as it is readable."""

        def probe() -> dict[str, Any] | None:
            answer = self.get(f"/api/v1/requests/{request_id}")
            return answer.json() if answer.status == 200 else None

        found: dict[str, Any] = until(probe, f"the entry of {request_id}")
        return found

    def entries(self, count: int) -> list[dict[str, Any]]:
        """All entries, newest first, as soon as there are *count* of them."""

        def probe() -> tuple[list[dict[str, Any]]] | None:  # no entries at all are an answer too
            found: list[dict[str, Any]] = []
            cursor = ""
            while True:
                page = self.control(f"/api/v1/requests?limit=1000{cursor}").json()
                found += page["requests"]
                if not page["next"]:
                    return (found,) if len(found) >= count else None
                cursor = f"&before={page['next']}"

        found: tuple[list[dict[str, Any]]] = until(probe, f"{count} entries")
        return found[0]

    def gauge(self, name: str) -> float:
        """One of `/metrics`, without labels; as soon as the control process answers."""

        found = re.search(rf"^{name} (\S+)", self.control("/metrics").body.decode(), re.MULTILINE)
        assert found, name
        return float(found[1])

    def confirmed(self, wanted: int | Collection[str]) -> list[dict[str, Any]]:
        """All entries as `entries`, when there are so many, or those of these calls, and all deliveries are known."""
        count, ids = (wanted, set()) if isinstance(wanted, int) else (len(wanted), set(wanted))
        until(lambda: ids <= {entry["id"] for entry in self.entries(count)}, "the entries of all calls")
        until(lambda: self.gauge("dd0c_open_calls") == 0, "the confirmation of every delivery")
        return self.entries(count)

    def connections(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = self.control("/api/v1/connections").json()
        return found

    def control(self, path: str) -> Answer:
        """What the control process answers, as soon as it does: it may have started later than the worker."""

        def probe() -> Answer | None:
            answer = self.get(path)
            return answer if answer.status == 200 else None

        found: Answer = until(probe, f"the answer to {path}")
        return found

    def sim_stats(self, query: str = "") -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.sim_port, timeout=DEADLINE_S)
        try:
            connection.request("GET", f"/sim/stats{query}")
            stats: dict[str, Any] = json.loads(connection.getresponse().read())
            return stats
        finally:
            connection.close()
