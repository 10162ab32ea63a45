"""A real control process on a real socket, and stand-ins for the workers that it asks."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, NamedTuple

from dd0c_route.clock import SystemClock
from dd0c_route.ledger import journal_directory
from dd0c_route.ledger.journal import Journal

SOURCE = Path(__file__).parents[2] / "src"
WAIT_S = 10.0  # for what takes a fraction of a second on an idle machine

BY_A_WORKER = {"x-dd0c-caller": "anybody", "x-dd0c-peer": "127.0.0.1", "x-forwarded-host": "127.0.0.1:4747"}
"""What a worker says of a request, without access keys."""


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("control", timeout=WAIT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT_S)
        self.sock.connect(str(self._path))


class ControlProcess:
    """Started in *path*, which must be short: it holds sockets."""

    def __init__(self, path: Path, *, workers: int = 1, config: str | None = None) -> None:
        self.path = path
        self.url = f"sqlite:///{path}/dd0c.db"
        self.config = path / "dd0c.toml"
        if config is not None:
            self.config.write_text(config)
        boot: dict[str, object] = {
            "config_path": str(self.config) if config is not None else None,
            "overrides": {},
            "runtime_dir": str(path),
            "ledger_url": self.url,
            "workers": workers,
            "supervisor": os.getpid(),
        }
        (path / "boot.json").write_text(json.dumps(boot))
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "dd0c_route.control", str(self.path / "boot.json")]
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(SOURCE)})
        self.eventually(lambda: self.answers())

    def answers(self) -> bool:
        assert self.process.poll() is None, "the control process ended"
        try:
            return self.get("/api/v1/requests?limit=1").status == 200
        except OSError:
            return False

    def post(self, path: str, value: object = None, headers: Mapping[str, str] | None = None) -> Reply:
        return self.get(path, "POST", headers, json.dumps(value).encode())

    def get(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        connection = UnixConnection(self.path / "control.sock")
        try:
            connection.request(method, path, body, BY_A_WORKER | dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def journal(self, worker: int = 0) -> Journal:
        return Journal(journal_directory(self.url), worker, SystemClock())

    def eventually(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)


class FakeWorker:
    """Answers below `/internal/` at `worker-<index>.sock` with what it is told to."""

    def __init__(self, path: Path, index: int, answers: dict[str, tuple[int, Any]]) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked.append(f"{self.command} {self.path}")
                status, value = answers.get(self.path, (404, {}))
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingUnixStreamServer(str(path / f"worker-{index}.sock"), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
