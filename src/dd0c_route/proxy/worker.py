"""One worker: the data plane's loop, from its listening socket to its graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop
from msgspec import structs

from dd0c_route.clock import SystemClock
from dd0c_route.config import Provider, Timeouts
from dd0c_route.config.load import Loaded
from dd0c_route.errors import ConfigError, JournalError
from dd0c_route.ledger import journal_directory
from dd0c_route.ledger.bodies import bodies_file
from dd0c_route.ledger.journal import Journal
from dd0c_route.processes import compute_in_place, die_with_parent
from dd0c_route.proxy.app import App
from dd0c_route.proxy.rotation import SecretFiles, with_secrets_of
from dd0c_route.proxy.server import Connection
from dd0c_route.proxy.watchdog import Watchdog
from dd0c_route.redact import hooks
from dd0c_route.redact.log import log
from dd0c_route.runtime import Boot, Runtime, build, load_config, needing_restart, read_boot
from dd0c_route.switch import LOOK_S as SWITCH_S
from dd0c_route.tokens import count_text
from dd0c_route.upstream import Pool, Sweeper

BACKLOG = 4096  # clients in line while the loop is busy: the kernel's own limit on current systems
LOOK_S = 5.0  # between two looks at what was learned of our own counts
UNSENT_IN_KERNEL = 16 << 10  # TCP_NOTSENT_LOWAT: what the kernel takes beyond what it has sent


def main(boot_path: str, index: int, listening_fd: int, ready_fd: int | None) -> int:
    """Run until SIGTERM; the exit code is 0 after a graceful end, 1 if it could not start.

    Args:
        ready_fd: Where to write one byte when calls are taken; the supervisor waits for it.
    """
    boot = read_boot(boot_path)
    die_with_parent(boot.supervisor)
    compute_in_place()
    _raise_descriptor_limit()
    try:
        return uvloop.run(_serve(boot, index, listening_fd, ready_fd))
    except (ConfigError, JournalError) as error:
        log("worker_failed", "error", worker=index, reason=error.message)
        return 1


async def _serve(boot: Boot, index: int, listening_fd: int, ready_fd: int | None) -> int:
    loop = asyncio.get_running_loop()
    hooks.install_loop(loop)
    clock = SystemClock()
    sweeper = Sweeper(loop)
    journal = Journal(journal_directory(boot.ledger_url), index, clock)
    learned_in = journal_directory(boot.ledger_url)
    loaded = load_config(boot.config_path, boot.overrides)
    runtime = build(loaded, journal, clock, sweeper, loop, learned_in=learned_in)

    building = asyncio.Lock()

    async def swap(read: Callable[[Runtime], Loaded]) -> Runtime:
        """Use what *read* makes of the runtime in force; raises ConfigError, and that stays. Returns that.

        It is built in a thread: with a predictor that takes 30 to 300 ms, and no call waits for it.
        """
        async with building:  # one after the other: each goes on from the one before
            before = app.runtime
            loaded = await asyncio.to_thread(read, before)
            app.swap(await asyncio.to_thread(build, loaded, journal, clock, sweeper, loop, before))
            secrets.watch(loaded.secret_files)
            for name, line in before.lines.items():
                if app.runtime.lines.get(name) is not line:
                    line.pool.retire()
            _warm(app.runtime)
            return before

    async def reload() -> str:
        """Swap the configuration whole."""
        before = await swap(lambda _: load_config(boot.config_path, boot.overrides))
        log("reloaded", config_version=app.runtime.version, worker=index)
        if names := needing_restart(before.config, app.runtime.config):
            log("restart_needed", "warning", worker=index, reason=f"{', '.join(names)}: only the next start changes it")
        return app.runtime.version

    def with_fresh_secrets(now: Runtime) -> Loaded:
        """The configuration that is in force with the secrets of the one in the file."""
        fresh = load_config(boot.config_path, boot.overrides)
        return structs.replace(fresh, config=with_secrets_of(fresh.config, now.config), version=now.version)

    secrets = SecretFiles(loaded.secret_files)
    app = App(runtime, _control_pool(boot, loop, sweeper), loop, reload, bodies_file(boot.ledger_url))
    public = await loop.create_server(partial(_greeted, app), sock=_listening(listening_fd), backlog=BACKLOG)
    private = await loop.create_unix_server(partial(_greeted, app, internal=True), _fresh(boot.worker_socket(index)))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for number in (signal.SIGHUP, signal.SIGUSR2):  # the supervisor's: reloading comes through the private socket
        loop.add_signal_handler(number, lambda: None)
    count_text("read the tables of rates now", "gpt-4o")  # and not while the first client waits
    _tune_collector()
    _warm(runtime)
    _refresh(runtime, loop)
    _look(runtime, loop)
    watchdog = Watchdog(index)
    watchdog.start(loop)
    following = asyncio.create_task(_follow(secrets, lambda: swap(with_fresh_secrets), index))
    if ready_fd is not None:
        with contextlib.suppress(OSError):
            os.write(ready_fd, b"+")
        os.close(ready_fd)
    await stop.wait()

    watchdog.stop()
    following.cancel()
    public.close()
    await app.drain(app.runtime.config.server.grace_s)
    private.close()
    journal.close()
    if journal.lost:
        log("records_lost", "critical", worker=index, count=journal.lost, reason="the disk refused them to the end")
    return 0


def _greeted(app: App, *, internal: bool = False) -> asyncio.Protocol:
    """Who serves a new connection. Never fails: that would end the loop's listening, and with it all service."""
    try:
        return Connection(app, internal=internal)
    except Exception as error:
        app.loop.call_exception_handler({"message": "a connection could not be served", "exception": error})
        return _Closed()


class _Closed(asyncio.Protocol):
    """Serves nobody."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _listening(fd: int) -> socket.socket:
    listening = socket.socket(fileno=fd)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # inherited by what is accepted
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_IN_KERNEL)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _fresh(path: str) -> str:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    return path


def _control_pool(boot: Boot, loop: asyncio.AbstractEventLoop, sweeper: Sweeper) -> Pool:
    provider = Provider(
        name="control",
        dialect="openai",
        base_url="http://control",
        timeouts=Timeouts(connect_s=2.0, first_byte_s=60.0, silence_s=120.0, total_s=3600.0),
    )
    return Pool(provider, loop=loop, sweeper=sweeper, unix_path=boot.control_socket)


def _warm(runtime: Runtime) -> None:
    """Open connections ahead where that is asked for; a provider that is away is no fault."""
    for line in runtime.lines.values():
        if line.provider.warm_connections:
            task = asyncio.ensure_future(line.pool.warm())
            task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _refresh(runtime: Runtime, loop: asyncio.AbstractEventLoop) -> None:
    """Take up what was learned meanwhile, now and every few seconds: it changes slowly."""
    runtime.known.refresh()
    loop.call_later(LOOK_S, _refresh, runtime, loop)


def _look(runtime: Runtime, loop: asyncio.AbstractEventLoop) -> None:
    """Follow the operator's switch for the brain, and roll-backs of routes: neither may wait."""
    switch = runtime.switch
    was_on = switch.is_on
    if switch.look() is not was_on:
        log("brain_switched", reason="on" if switch.is_on else "off")
    runtime.taught.refresh()
    loop.call_later(SWITCH_S, _look, runtime, loop)


async def _follow(secrets: SecretFiles, take_up: Callable[[], Awaitable[object]], index: int) -> None:
    """Take up keys that change in their files."""
    while True:
        await asyncio.sleep(LOOK_S)
        if not secrets.changed():
            continue
        try:
            await take_up()
        except ConfigError as error:
            log("secrets_unreadable", "error", worker=index, reason=error.message, fix="those from before stay in use")
        else:
            log("secrets_read_again", worker=index)


def _tune_collector() -> None:
    """What exists now stays; collect rarely after that: a call makes no cycles, so there is little to find."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _raise_descriptor_limit() -> None:
    """Two descriptors a client connection: as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
