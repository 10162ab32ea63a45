"""`serve`: one parent over the workers and the control process. It starts them, restarts them, and ends them in order.

The parent owns the listening sockets (one a worker, SO_REUSEPORT), so that a connection which waits for a worker that
died is served by the next one.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import msgspec

from dd0c_route.config import Config, Server
from dd0c_route.errors import ConfigError
from dd0c_route.ledger import database, journal_directory
from dd0c_route.redact import hooks
from dd0c_route.redact.log import log
from dd0c_route.runtime import Boot, load_config
from dd0c_route.switch import Switch
from dd0c_route.upstream.origin import origin_of, proxy_for

BACKLOG = 4096  # clients in line while a worker starts: the kernel's own limit on current systems
RESTART_S = 0.05  # before a process that ended by itself is started again; doubles up to the next
RESTART_MOST_S = 1.0  # a fault that goes away is not made longer by us
STEADY_S = 10.0  # a process that lived this long is not failing in a loop
RELOAD_S = 10.0  # how long SIGHUP waits for a control process that is just starting
CONTROL_GRACE_S = 10.0  # for the last entries to reach the store


class Child:
    """One process under the supervisor, restarted when it ends by itself."""

    def __init__(self, name: str, command: list[str], *, fds: tuple[int, ...] = (), quiet: bool = False) -> None:
        self.name = name
        self._stdout = subprocess.DEVNULL if quiet else None
        self._command = command
        self._fds = fds
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._again_at = 0.0
        self._delay_s = RESTART_S
        self.restarts = -1  # the first start is none

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self, ready_fd: int | None = None) -> None:
        """Start the process; it writes a byte to *ready_fd* once it takes calls."""
        command, fds = [sys.executable, "-m", *self._command], self._fds
        if ready_fd is not None:
            command, fds = [*command, str(ready_fd)], (*fds, ready_fd)
        # A session of its own: Ctrl-C reaches the supervisor alone, which ends the others in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own
            command, pass_fds=fds, stdout=self._stdout, start_new_session=True
        )
        self._started = time.monotonic()
        self.restarts += 1

    def watch(self, now: float) -> None:
        """Start the process again if it has ended."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._later(now, steady=now - self._started > STEADY_S)
            self._process = None
            log("process_ended", "error", source=self.name, exit_code=code, restarts=self.restarts)
        if self._process is None and now >= self._again_at:
            try:
                self.start()
            except OSError as error:  # no memory, process or descriptor left: those that run must not end for it
                self._later(now, steady=False)
                log("process_not_started", "error", source=self.name, reason=str(error))

    def _later(self, now: float, *, steady: bool) -> None:
        """Start again in a while: the longer, the more often it was in vain."""
        self._delay_s = RESTART_S if steady else min(RESTART_MOST_S, self._delay_s * 2)
        self._again_at = now + self._delay_s

    def ended(self) -> int | None:
        """The exit code, if it has ended."""
        return self._process.poll() if self._process is not None else 0

    def signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, deadline: float) -> None:
        """Wait until *deadline* (monotonic) for the process to end; then it is killed."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log("process_killed", "error", source=self.name, reason="it did not end within its grace period")
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Runs until SIGTERM or SIGINT."""

    def __init__(
        self, boot: Boot, server: Server, listening: list[socket.socket], boot_path: str, extra: list[Child]
    ) -> None:
        self._boot = boot
        self._server = server
        self._listening = listening
        self._control = Child("control", ["dd0c_route.control", boot_path])
        self._workers = [
            Child(
                f"worker {index}", ["dd0c_route.proxy", boot_path, str(index), str(sock.fileno())], fds=(sock.fileno(),)
            )
            for index, sock in enumerate(listening)
        ]
        self._extra = extra  # processes that calls go to: up before the workers, down after them
        self._stopping = False
        self._reload_by = 0.0  # monotonic; 0: nobody asked
        self._switches = 0  # how often SIGUSR2 came
        self._wake, self._woken = socket.socketpair()

    def run(self, on_ready: Callable[[], None]) -> int:
        """Start everything, call *on_ready* when calls are taken, and look after it until told to stop."""
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD):
            signal.signal(number, self._signalled)
        with selectors.DefaultSelector() as selector:  # before all else: later there may be no descriptor left for it
            selector.register(self._woken, selectors.EVENT_READ)
            if not self._start():
                return 1
            if not self._stopping:
                on_ready()
            while not self._stopping:
                selector.select(timeout=0.2)
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
                if self._reload_by and self._ask_reload():
                    self._reload_by = 0.0
                if self._switches:
                    self._switches -= 1
                    self._switch()
                for child in (*self._extra, *self._workers, self._control):
                    if not self._stopping:
                        child.watch(time.monotonic())
        self._stop()
        return 0

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        elif number == signal.SIGHUP:
            self._reload_by = time.monotonic() + RELOAD_S
        elif number == signal.SIGUSR2:
            self._switches += 1

    def _start(self) -> bool:
        """Start the processes and wait until every worker takes calls; False if one could not start."""
        for child in (*self._extra, self._control):
            child.start()
        reader, writer = os.pipe()
        for worker in self._workers:
            worker.start(writer)
        os.close(writer)
        with open(reader, "rb", buffering=0) as pipe:  # ends when every worker has said so, or has ended
            said = 0
            while said < len(self._workers) and (word := pipe.read(16)):
                said += len(word)
        if said == len(self._workers) or self._stopping:
            return True
        log("start_failed", "error", reason="a worker could not start: the line before this one says why")
        self._stop()
        return False

    def _ask_reload(self) -> bool:
        """SIGHUP: the same as `POST /api/v1/reload`, and the log says how it went; False: ask again."""
        connection = _UnixConnection(self._boot.control_socket)
        try:
            connection.request("POST", "/api/v1/reload", headers={"content-length": "0", "x-dd0c-caller": "local"})
            answer = connection.getresponse()
            text = answer.read(64 << 10).decode("utf-8", "replace")
            if answer.status != 200:
                log("reload_refused", "error", reason=text[:2000])
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() < self._reload_by:
                return False
            log("reload_failed", "error", reason=f"the control process does not answer: {error}")
        finally:
            connection.close()
        return True

    def _switch(self) -> None:
        """SIGUSR2: the brain goes off, or on again; the workers see it."""
        switch = Switch(journal_directory(self._boot.ledger_url))
        try:
            switch.turn(on=not switch.is_on)
        except OSError as error:
            log("switch_failed", "error", reason=str(error))
        else:
            log("brain_switched", reason="on" if switch.is_on else "off")

    def _stop(self) -> None:
        """Workers first, so that every call is settled; the control process last, so that it sees all of it."""
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        for sock in self._listening:  # or new clients would wait in line for a worker that does not come
            sock.close()
        deadline = time.monotonic() + self._server.grace_s + 5.0
        for worker in self._workers:
            worker.stop(deadline)
        self._control.signal(signal.SIGTERM)
        self._control.stop(time.monotonic() + CONTROL_GRACE_S)
        for child in self._extra:
            child.signal(signal.SIGTERM)
            child.stop(time.monotonic() + 1.0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second one must not turn this good end into a bad one


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the control process's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("control", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def listen(server: Server) -> list[socket.socket]:
    """One listening socket a worker, all on the same port.

    Raises:
        ConfigError: The address cannot be had; a second router on the same port is noticed, too.
    """
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:  # without SO_REUSEPORT: is anybody else there?
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((server.host, server.port))
            port = probe.getsockname()[1]
        sockets = []
        for _ in range(server.workers):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind((server.host, port))
            sock.listen(BACKLOG)
            sock.setblocking(False)
            sockets.append(sock)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            [f"server.port: cannot listen on {server.host}:{server.port} ({reason}): choose another with --port"]
        ) from None
    return sockets


def run(config_path: str | None, overrides: Mapping[str, str], *, simulated: bool, announce: bool) -> int:
    """Serve until told to stop; the exit code.

    Args:
        simulated: Start the simulated provider and let it stand in for every other one.
        announce: Print the address, a first request and the console once calls are taken.

    Raises:
        ConfigError: The configuration cannot be used.
    """
    hooks.install("supervisor")  # its lines stand among those of its children, and look alike
    settings = dict(overrides)
    extra: list[Child] = []
    if simulated:
        # Open already here, as the workers' sockets are, so that a first call waits for a simulator that is starting.
        simulators = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        fd = simulators.fileno()
        extra.append(Child("simulator", ["dd0c_route.upstream.simulator", "--fd", str(fd)], fds=(fd,), quiet=True))
        settings |= _simulated(simulators.getsockname()[1])
    loaded = load_config(config_path, settings)
    for warning in loaded.warnings:
        log("config_warning", "warning", message=warning)
    for name, provider in loaded.config.providers.items():
        if (proxy := proxy_for(origin_of(provider.base_url), os.environ)) is not None:
            way = f"{proxy.host}:{proxy.port}"
            log("provider_by_proxy", message=f"provider '{name}' is reached through {way}, as the environment says")
    if not loaded.config.providers:
        fix = "a [providers.…] table in dd0c.toml; where there is no such file, dd0c-route init writes one"
        log("no_providers", "warning", message="no provider is configured: every call will be refused", fix=fix)
    server = loaded.config.server
    listening = listen(server)
    host, port = listening[0].getsockname()[:2]
    runtime_dir = tempfile.mkdtemp(prefix="dd0c-")
    try:
        boot = Boot(
            config_path=str(Path(config_path).absolute()) if config_path is not None else None,
            overrides={**settings, "server.port": str(port)},
            runtime_dir=runtime_dir,
            ledger_url=_absolute(loaded.config.ledger.url, loaded.base_dir),
            workers=server.workers,
            supervisor=os.getpid(),
        )
        boot_path = os.path.join(runtime_dir, "boot.json")
        with open(os.open(boot_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(boot))
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}"
        supervisor = Supervisor(boot, server, listening, boot_path, extra)
        return supervisor.run(lambda: _announce(address, loaded.config) if announce else None)
    finally:
        shutil.rmtree(runtime_dir, ignore_errors=True)


def _announce(address: str, config: Config) -> None:
    """The three lines that a newcomer needs: where, what to try, where to look."""
    dialect = next((provider.dialect for provider in config.providers.values()), "openai")
    path, model = _FIRST_CALLS.get(dialect, _FIRST_CALLS["openai"])
    passes_key = any(not provider.has_key and not provider.simulated for provider in config.providers.values())
    key = " -H 'authorization: Bearer YOUR-KEY'" if passes_key or config.server.access_keys else ""
    body = f'{{"model":"{model}","max_tokens":50,"messages":[{{"role":"user","content":"Say hello."}}]}}'
    print(f"router   {address}")
    print(f"try      curl {address}{path}{key} -H 'content-type: application/json' -d '{body}'")
    print(f"console  {address}/ui", flush=True)


_FIRST_CALLS = {"openai": ("/v1/chat/completions", "gpt-4o-mini"), "anthropic": ("/v1/messages", "claude-haiku-4-5")}


def _simulated(port: int) -> dict[str, str]:
    """Settings that put the simulated provider in the place of each dialect's providers."""
    rows = (
        ("simulated", "openai", "/v1", "openai"),
        ("simulated-anthropic", "anthropic", "/v1", "anthropic"),
        ("simulated-gemini", "gemini", "/v1beta", "google"),
    )
    settings: dict[str, str] = {}
    for name, dialect, path, price_as in rows:
        table = {
            "dialect": dialect,
            "base_url": f"http://127.0.0.1:{port}{path}",
            "price_as": price_as,
            "simulated": "true",
        }
        settings |= {f"providers.{name}.{field}": value for field, value in table.items()}
    return settings


def _absolute(url: str, base_dir: Path) -> str:
    """The ledger's address as every process sees it, whatever its current folder."""
    return f"sqlite:///{database(url, base_dir).absolute()}"
