"""What is measured: no proxy at all, nginx, and the router, all in front of the same provider on loopback."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks import machine

START_S = 20.0
_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_body_buffer_size 256k;
    client_max_body_size 64m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream provider {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header connection "";
            proxy_buffering off;
        }}
    }}
}}
"""
_ROUTER = """
[server]
port = {port}

[ledger]
url = "sqlite:///{folder}/dd0c.db"

[providers.bench]
dialect = "openai"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key = {{ env = "BENCH_KEY" }}
"""


class Target(Struct):
    """One way to the provider.

    Attributes:
        pid: The process that was started; 0 for the direct way, whose process is the provider's.
        worker: The process that moves the bytes; 0 for the direct way.
        ready_s: From the start of the process to the first sign that it serves.
    """

    name: str
    port: int
    pid: int = 0
    worker: int = 0
    ready_s: float = 0.0


class Provider(Struct, frozen=True):
    """The process behind everything."""

    name: str
    port: int

    def counts(self) -> tuple[int, int] | None:
        """Connections and requests that it has seen, by its own count; None where it keeps none that we know."""
        if self.name != "mock":
            return None
        stats = json.loads(get(self.port, "/mock/stats"))
        return stats["connections"], stats["requests"]


@contextmanager
def provider(name: str, core: int, folder: Path) -> Iterator[Provider]:
    """The mock (or the simulated provider) on a core of its choice and a port of its own."""
    module = {"mock": "benchmarks.mock", "simulator": "dd0c_route.upstream.simulator"}[name]
    with _process([sys.executable, "-m", module, "--port", "0"], folder / f"{name}.log") as process:
        port = _announced_port(process, folder / f"{name}.log")
        machine.pin(process.pid, core)
        yield Provider(name, port)


@contextmanager
def nginx(upstream: int, cores: machine.Cores, folder: Path) -> Iterator[Target]:
    """nginx as a reverse proxy: one worker, kept-alive connections upstream, no buffering, no log."""
    command = shutil.which("nginx") or "/usr/sbin/nginx"
    port = free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port))
    started = time.monotonic()
    with _process([command, "-p", str(folder), "-c", str(config)], folder / "nginx.log") as process:
        _wait_until_ready(process, port, "/v1/models", folder / "nginx.log")
        target = Target("nginx", port, process.pid, ready_s=time.monotonic() - started)
        find_worker(target, cores)
        yield target


@contextmanager
def router(upstream: int, cores: machine.Cores, folder: Path) -> Iterator[Target]:
    """`dd0c-route serve` as an operator runs it: one worker, the ledger on, the control process beside it."""
    port = free_port()
    folder.mkdir()
    config = folder / "dd0c.toml"
    config.write_text(_ROUTER.format(folder=folder, upstream=upstream, port=port))
    command = [sys.executable, "-m", "dd0c_route", "serve", "--config", str(config)]
    environment = {"BENCH_KEY": "synthetic-benchmark-key"}
    started = time.monotonic()
    with _process(command, folder / "router.log", environment) as process:
        _wait_until_ready(process, port, "/readyz", folder / "router.log")
        target = Target("router", port, process.pid, ready_s=time.monotonic() - started)
        find_worker(target, cores)
        yield target


def find_worker(target: Target, cores: machine.Cores) -> None:
    """Name the process that moves the bytes, by who works most when 300 requests come, and give it its core.

    The others get the load's core, so that no ledger writer or supervisor runs beside the worker.
    """
    family = machine.family(target.pid)
    before = {pid: machine.cpu_s(pid) for pid in family}
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
    for _ in range(300):
        connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{target.name} answers {answer.status}: {text[:300]!r}")
    connection.close()
    target.worker = max(family, key=lambda pid: machine.cpu_s(pid) - before[pid])
    for pid in family:
        machine.pin(pid, cores.proxy if pid == target.worker else cores.load)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse().read()
    connection.close()
    return answer


@contextmanager
def _process(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=os.environ | (environment or {})
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in reversed(machine.family(process.pid)):
                    os.kill(pid, 9)
                process.wait()


def _announced_port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(rb"http://127\.0\.0\.1:(\d+)", log.read_bytes()):
            return int(found[1])
        time.sleep(0.01)
    raise SystemExit(f"the provider did not start:\n{log.read_text()}")


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.005)
    raise SystemExit(f"{log.stem} did not get ready within {START_S:.0f} s:\n{log.read_text()[-2000:]}")
