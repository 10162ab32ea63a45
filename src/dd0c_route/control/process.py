"""The life of the control process: one thread that ingests, one loop that answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

import uvicorn
import uvloop

from dd0c_route.clock import SystemClock
from dd0c_route.console.reading import Reading
from dd0c_route.control.app import Control, build_app
from dd0c_route.control.configured import Configured
from dd0c_route.control.counting import Publisher
from dd0c_route.control.learning_api import Learning as Routes
from dd0c_route.control.teaching import TeachingPublisher
from dd0c_route.control.tidying import Tidying
from dd0c_route.control.workers import Workers
from dd0c_route.errors import ConfigError, StoreDeleted, StoreUnavailable
from dd0c_route.ledger import journal_directory, open_store
from dd0c_route.ledger.bodies import bodies_file
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.ledger.learning import Learning
from dd0c_route.ledger.teaching import Teaching
from dd0c_route.processes import die_with_parent
from dd0c_route.redact import hooks
from dd0c_route.redact.log import log
from dd0c_route.runtime import Boot, load_config, read_boot
from dd0c_route.switch import Switch
from dd0c_route.telemetry import Metrics

BACKLOG = 256  # only workers and the supervisor connect
GRACE_S = 2  # for answers that are being written when SIGTERM comes


def main(boot_path: str) -> int:
    """Run until SIGTERM; 0 after all that the journals held is stored, 1 if it could not start or ingesting failed."""
    boot = read_boot(boot_path)
    die_with_parent(boot.supervisor)
    try:
        store = open_store(boot.ledger_url)
        directory = journal_directory(boot.ledger_url)
    except (ConfigError, StoreUnavailable) as error:
        log("control_failed", "error", reason=error.message)
        return 1
    metrics = Metrics()
    publisher, taught = Publisher(directory, SystemClock()), TeachingPublisher(directory, SystemClock())
    configured = Configured(lambda: load_config(boot.config_path, boot.overrides))
    configured.load_if_sound()

    bodies = Tidying(bodies_file(boot.ledger_url), lambda: configured.config.ledger.body_days, SystemClock())

    def looked(learning: Learning, teaching: Teaching) -> None:
        bodies.look()
        publisher.looked(learning)
        taught.looked(teaching)

    ingest = Ingest(directory, store, metrics.observe, looked, configured.promises)
    reading = Reading(store, bodies_file(boot.ledger_url))
    control = Control(
        ingest=ingest,
        metrics=metrics,
        workers=Workers([boot.worker_socket(index) for index in range(boot.workers)]),
        publisher=publisher,
        taught=taught,
        learning=Routes(ingest, configured, reading, directory, SystemClock()),
        load=configured.load,
        switch=Switch(directory),
    )
    app = build_app(control, reading, SystemClock())
    server = _Server(
        uvicorn.Config(app, access_log=False, log_config=None, lifespan="off", ws="none", server_header=False,
                       http="httptools", timeout_graceful_shutdown=GRACE_S)
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=_ingest, args=(ingest, stop, server), name="ingest")
    thread.start()
    try:
        uvloop.run(_serve(server, _listening(boot)))
    finally:
        stop.set()
        thread.join()
        ingest.close()
        reading.close()
        bodies.close()
        store.close()
    return 1 if server.ingest_failed else 0


class _Server(uvicorn.Server):
    """uvicorn, with signals left to us: it would raise SIGTERM again behind a graceful end."""

    ingest_failed = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _ingest(ingest: Ingest, stop: threading.Event, server: _Server) -> None:
    try:
        ingest.run(stop)
    except StoreDeleted as error:
        log("ledger_deleted", "error", reason=error.message)
        server.ingest_failed = True
        server.should_exit = True
    except BaseException:  # whatever it was
        # A console that shows nothing new must not pretend to be well: end, and let the supervisor start again.
        server.ingest_failed = True
        server.should_exit = True
        raise


async def _serve(server: _Server, listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    hooks.install_loop(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    for number in (signal.SIGHUP, signal.SIGUSR2):  # reloading comes as a request, the switch is the supervisor's
        loop.add_signal_handler(number, lambda: None)
    await server.serve(sockets=[listening])


def _listening(boot: Boot) -> socket.socket:
    """The private socket, taken over from a predecessor that was killed."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(boot.control_socket)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(boot.control_socket)
    os.chmod(boot.control_socket, 0o600)
    listening.listen(BACKLOG)
    return listening
