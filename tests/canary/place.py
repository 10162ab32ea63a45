"""The router with a credential planted in every slot, and every sink that it writes to."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Self

from tests.canary.slots import (
    ACCESS,
    ACCESS_BY_ENV,
    ANTHROPIC,
    AWS_ID,
    AWS_SECRET,
    AWS_TOKEN,
    AZURE,
    AZURE_QUERY,
    GOOGLE,
    OVERLAY,
    PROXIED,
    PROXY,
    Stored,
    stored_keys,
)
from tests.canary.upstream import Upstream
from tests.stand import DEADLINE_S, Answer, Process, until

_OTHERS = (
    "anthropic", "google", "azure", "bedrock", "proxy", "overlaid", "open-openai", "open-anthropic", "open-gemini",
)  # fmt: skip
_BASICS = {"anthropic": "/v1", "google": "/v1beta", "open-anthropic": "/v1", "open-gemini": "/v1beta", "azure": ""}
_DIALECTS = {"anthropic": "anthropic", "google": "gemini", "open-anthropic": "anthropic", "open-gemini": "gemini"}
_TIMES = "timeouts = { connect_s = 2.0, first_byte_s = 5.0, silence_s = 5.0, total_s = 10.0 }\n"


class Place:
    """A router, its upstream, and what came out anywhere.

    Attributes:
        sinks: Every byte that came out, by the name of where.
    """

    def __init__(
        self, folder: Path, *, mutant: str = "", keys: int | None = None, environ: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        folder.mkdir()
        self.stored = stored_keys()[:keys]
        self.upstream = Upstream([*(one.name for one in self.stored), *_OTHERS])
        self.sinks: dict[str, bytes] = defaultdict(bytes)
        self.port = 0
        self._temporary = tempfile.TemporaryDirectory(prefix="dd0c-")  # a short path: sockets are below it
        self.environ = self._environ(mutant) | (environ or {})

    # --- life -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.upstream.__enter__()
        self.environ["HTTP_PROXY"] = f"http://operator:{PROXY.value}@127.0.0.1:{self.upstream.ports['proxy']}"
        self.environ["NO_PROXY"] = "127.0.0.1,localhost"
        self.config = self.folder / "dd0c.toml"
        self.config.write_text(self._toml())
        self.config.chmod(0o600)
        command = ["-m", "dd0c_route", "serve", "--config", str(self.config), "--port", "0"]
        self.router = Process(command, self.environ, self.folder.parent / f"{self.folder.name}.log", self.folder)
        try:
            while not (line := self._told()).startswith("router "):
                pass
        except BaseException:
            self.__exit__()
            raise
        self.port = int(line.rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.router.stop()
        self.upstream.__exit__()

    def _told(self) -> str:
        line = self.router.line()
        self.sinks["stdout of serve"] += line.encode() + b"\n"
        return line

    def _environ(self, mutant: str) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DD0C_CORPUS")
        environ = {name: os.environ[name] for name in kept if name in os.environ}
        environ |= {
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "mutated"), *filter(None, sys.path)]),
            "CANARY_RUN": "1",
            "CANARY_MUTANT": mutant,
            "TMPDIR": self._temporary.name,
            "AZURE_KEY": AZURE.value,
            "AWS_ID": AWS_ID.value,
            "ROUTER_KEY": ACCESS_BY_ENV.value,
            "PROXIED_KEY": PROXIED.value,
            "DD0C_PROVIDERS__OVERLAID__API_KEY": OVERLAY.value,
        }
        return environ | {_variable(one): one.key.value for one in self.stored if one.source == "env"}

    def _toml(self) -> str:
        secrets = self.folder.parent / f"{self.folder.name}.secrets"
        secrets.mkdir(exist_ok=True)
        for name, value in (
            ("anthropic", ANTHROPIC.value), ("aws-token", AWS_TOKEN.value),
            *((one.name, one.key.value) for one in self.stored if one.source == "file"),
        ):  # fmt: skip
            (secrets / name).write_text(value + "\n")
            (secrets / name).chmod(0o600)
        digest = hashlib.sha256(ACCESS.value.encode()).hexdigest()
        tables = [f'[server]\naccess_keys = ["sha256:{digest}", {{ env = "ROUTER_KEY" }}]\ngrace_s = 3\n']
        for one in self.stored:
            reference = {
                "env": f'{{ env = "{_variable(one)}" }}',
                "file": f'{{ file = "{secrets / one.name}" }}',
                "literal": f'"{one.key.value}"',
            }[one.source]
            tables.append(self._table(one.name, f"api_key = {reference}\n"))
        special = {
            "anthropic": f'api_key = {{ file = "{secrets / "anthropic"}" }}\nauth = "x-api-key"\n',
            "google": f'api_key = "{GOOGLE.value}"\nauth = "x-goog-api-key"\n',
            "azure": 'api_key = { env = "AZURE_KEY" }\nauth = "api-key"\naddress = "azure-deployments"\n'
            f'query = "api-version=2024-10-21&subscription={AZURE_QUERY.value}"\n',
            "bedrock": f'aws_access_key_id = {{ env = "AWS_ID" }}\naws_secret_access_key = "{AWS_SECRET.value}"\n'
            f'aws_session_token = {{ file = "{secrets / "aws-token"}" }}\naws_region = "eu-central-1"\n',
            "overlaid": "",
            "open-openai": "",
            "open-anthropic": 'auth = "x-api-key"\n',
            "open-gemini": 'auth = "x-goog-api-key"\n',
        }
        tables += [self._table(name, more) for name, more in special.items()]
        tables.append(
            '[providers.proxied]\ndialect = "openai"\nbase_url = "http://proxied.test/v1"\nallow_plain = true\n'
            'allow_private = true\napi_key = { env = "PROXIED_KEY" }\n' + _TIMES
        )
        tables.append('[providers.refused]\ndialect = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
                      'api_key = { env = "PROXIED_KEY" }\n')  # fmt: skip
        first = self.stored[0].name
        tables.append(
            f'[[routes]]\nmatch = {{ model = "routed" }}\ncandidates = ["refused/gpt-4o-mini", "{first}/gpt-4o-mini"]\n'
            'policy = "ordered"\nmode = "on"\ncontrol_share = 0.0\n'
        )
        return "\n".join(tables)

    def _table(self, name: str, more: str) -> str:
        dialect = "bedrock" if name == "bedrock" else _DIALECTS.get(name, "openai")
        path = "" if name == "bedrock" else _BASICS.get(name, "/v1")
        where = f"http://127.0.0.1:{self.upstream.ports[name]}{path}"
        return f'[providers.{name}]\ndialect = "{dialect}"\nbase_url = "{where}"\n{more}{_TIMES}'

    # --- as a client ----------------------------------------------------------------------------------------

    def ask(
        self, sink: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
        *, key: str | None = ACCESS.value,
    ) -> Answer:  # fmt: skip
        """Send a request; what comes back goes into the sinks *sink* (its body) and `heads of …`."""
        sent = {"content-type": "application/json"} | ({"x-dd0c-key": key} if key else {}) | (headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        status, found, said = 0, [], b""
        try:
            connection.request(method, path, body or None, sent)
            response = connection.getresponse()
            status, found = response.status, response.getheaders()
            said = response.read()
        except http.client.IncompleteRead as cut:
            said = cut.partial
        except (http.client.HTTPException, OSError):
            pass  # a cut is an answer, too
        finally:
            connection.close()
        head = "".join(f"{name}: {value}\r\n" for name, value in found)
        self.sinks[f"heads of {sink}"] += f"{status}\r\n{head}\r\n".encode()
        self.sinks[f"bodies of {sink}"] += said + b"\r\n"
        return Answer(status, found, said)

    def raw(self, sink: str, request: bytes) -> None:
        """Send bytes that no client library would."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as sock:
            sock.sendall(request)
            with contextlib.suppress(OSError):
                while piece := sock.recv(1 << 16):
                    self.sinks[f"bodies of {sink}"] += piece

    # --- as an operator -------------------------------------------------------------------------------------

    def start(
        self, *arguments: str, stdin: bytes = b"", environ: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A command, running."""
        process = subprocess.Popen(
            [sys.executable, "-m", "dd0c_route", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environ | (environ or {}), cwd=self.folder,
        )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(stdin)
            process.stdin.close()
        process.stdin = None
        return process

    def heard(self, name: str, process: subprocess.Popen[bytes]) -> int:
        """Its end, and all that it said."""
        try:
            out, err = process.communicate(timeout=3 * DEADLINE_S)
        finally:
            process.kill()
        self.sinks[f"stdout of {name}"] += out
        self.sinks[f"stderr of {name}"] += err
        return process.returncode

    def processes(self) -> dict[int, str]:
        """Every process of the router, by what it runs."""
        found, todo = {}, [self.router.popen.pid]
        while todo:
            pid = todo.pop()
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                found[pid] = next((word for word in words if word.startswith("dd0c_route")), "helper")
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += map(int, (task / "children").read_text().split())
        return found

    def kill_worker(self, number: int) -> None:
        """End a worker; the next one serves when this returns."""
        workers = [pid for pid, module in self.processes().items() if module == "dd0c_route.proxy"]
        os.kill(workers[0], number)
        until(lambda: workers[0] not in self.processes(), "the end of a worker")
        until(self._serves, "another worker")

    def reload(self) -> None:
        os.kill(self.router.popen.pid, signal.SIGHUP)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Stop the router, and take what it said on its standard output."""
        popen = self.router.popen
        assert popen.stdout is not None
        popen.send_signal(number)
        self.sinks["stdout of serve"] += popen.stdout.read()
        self.router.stop()

    def _serves(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False

    # --- as an auditor --------------------------------------------------------------------------------------

    def collect(self, *, ended: bool) -> None:
        """What processes and files show; with *ended* also what the router said to its end."""
        if not ended:
            for pid, module in self.processes().items():
                self.sinks[f"/proc/PID/cmdline of {module}"] += Path(f"/proc/{pid}/cmdline").read_bytes()
            return
        self.sinks["stderr of serve"] += self.router.log.read_bytes()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path != self.config and path.stat().st_size:
                self.sinks[f"file {_kind(path, self.folder)}"] += path.name.encode() + b"\n" + path.read_bytes()
        for path in sorted(Path(self._temporary.name).rglob("*")):
            self.sinks["temporary files"] += path.name.encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
        for name, got in self.upstream.got.items():
            self.sinks[f"upstream:{name}:"] = bytes(got)


def _kind(path: Path, folder: Path) -> str:
    """The name of a file, without what is different each time."""
    name = path.relative_to(folder).as_posix()
    return "".join(letter for letter in name if not letter.isdigit())


def _variable(one: Stored) -> str:
    return one.name.upper().replace("-", "_") + "_API_KEY"
