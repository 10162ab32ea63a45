"""What `doctor` looks at, one function for each; each names what it found and, where something is wrong, the fix.

No finding holds a key: of secrets only the names of their variables are spoken.
"""

from __future__ import annotations

import http.client
import os
import resource
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from dd0c_route.cli.keys_found import keys_found
from dd0c_route.config import Config, Loaded, Server

_NEEDED = (
    "brotli", "click", "httptools", "jinja2", "msgspec", "numpy", "prometheus_client", "rich", "starlette",
    "tiktoken", "uvicorn", "uvloop", "yaml", "zstandard",
)  # fmt: skip
_FEW_DESCRIPTORS = 4096  # two for each client connection: some two thousand
_LITTLE_SPACE_BYTES = 512 << 20  # a few hundred thousand entries
_BACKLOG_BYTES = 64 << 20  # a worker; of its segments (16 MiB) only the last one is left when all is stored
_MONTH_NS = 30 * 86_400 * 1_000_000_000
_BUILT_NS = 1_763_900_000_000_000_000  # this program is younger than this: a clock before it is wrong


class Finding(Struct, frozen=True):
    """One thing looked at. *state*: `ok`; `warning`, it works; `broken`, `serve` would fail or lose something."""

    name: str
    state: Literal["ok", "warning", "broken"]
    text: str
    fix: str = ""


def of_machine(wall_ns: int) -> Iterator[Finding]:
    """What does not depend on a configuration."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"{version}, {sys.executable}")
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        yield Finding("packages", "broken", f"missing: {', '.join(missing)}", "install dd0c-route again (make run)")
    else:
        yield Finding("packages", "ok", f"all {len(_NEEDED)} found")
        yield from _vocabularies()
    if wall_ns < _BUILT_NS:
        yield Finding("clock", "broken", "it is before this program was made", "set the clock: prices have dates")
    else:
        yield Finding("clock", "ok", "plausible")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _FEW_DESCRIPTORS:
        yield Finding("open files", "warning", f"at most {hard}, two for each call", "raise it: ulimit -Hn 65536")
    else:
        yield Finding("open files", "ok", "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}")


def _vocabularies() -> Iterator[Finding]:
    """Those that can be installed: without one its models are estimated."""
    from dd0c_route.tokens.extras import load_content, path_of, vocabularies

    rows = vocabularies().values()
    there = [row.name for row in rows if path_of(row) is not None]
    unknown = [row.name for row in rows if row.name in there and load_content(row) is None]
    if unknown:
        fix = "install the version in requirements-extras.lock (make extras)"
        yield Finding("vocabularies", "warning", f"not the known version, and not used: {', '.join(unknown)}", fix)
    missing = ", ".join(sorted({row.extra for row in rows if row.name not in there}))
    text = f"installed: {', '.join(there) or 'none'}"
    yield Finding("vocabularies", "ok", f"{text}; estimated without: {missing}" if missing else text)


def of_config(loaded: Loaded, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What depends on the configuration, which is valid."""
    for warning in loaded.warnings:
        yield Finding("configuration", "warning", warning)
    yield from _providers(loaded.config, environ)
    yield from _proxies(loaded.config, environ)
    yield _port(loaded.config.server)
    yield from _ledger(loaded)
    yield from of_counts(loaded)


def _providers(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    if not config.providers:
        found = ", ".join(keys_found(environ).values())
        hint = f"; the environment holds {found}" if found else ""
        fix = "a [providers.…] table in dd0c.toml; where there is no such file, dd0c-route init writes one"
        yield Finding("providers", "warning", f"none is configured{hint}", fix)
    for name, provider in config.providers.items():
        how = "its key is there" if provider.has_key else "no api_key: callers send their own"
        yield Finding(f"provider {name}", "ok", f"{provider.dialect}, {urlsplit(provider.base_url).hostname}: {how}")


def _proxies(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The way to each provider, as its pool will take it: a proxy that the environment names is honoured."""
    from dd0c_route.errors import ConfigError
    from dd0c_route.upstream.origin import origin_of, proxy_for

    for name, provider in config.providers.items():
        try:
            proxy = proxy_for(origin_of(provider.base_url), environ)
        except ConfigError as error:
            yield Finding("proxy", "broken", error.message, "change that variable, or spare the provider in NO_PROXY")
        else:
            if proxy is not None:
                yield Finding("proxy", "ok", f"provider {name} is reached through {proxy.host}:{proxy.port}")


def _port(server: Server) -> Finding:
    where = f"{server.host}:{server.port}"
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((server.host, server.port))
    except OSError as error:
        if _is_router(server):
            return Finding("port", "ok", f"{where}: a router is running there")
        reason = error.strerror or type(error).__name__
        return Finding("port", "broken", f"{where}: {reason}", "stop what listens there, or choose another port")
    return Finding("port", "ok", f"{where} is free")


def _is_router(server: Server) -> bool:
    host = "127.0.0.1" if server.host in ("", "0.0.0.0") else server.host  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, server.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().getheader("x-dd0c-request-id") is not None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ledger(loaded: Loaded) -> Iterator[Finding]:
    from dd0c_route.ledger import database, journal_directory

    journal = journal_directory(loaded.config.ledger.url, loaded.base_dir)
    path = database(loaded.config.ledger.url, loaded.base_dir)
    folder = _nearest_folder(path)
    writable = os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))
    if not writable:
        yield Finding("ledger", "broken", f"{path} cannot be written", "change its owner, or [ledger] url")
        return
    if path.exists() and (fault := _fault_of(loaded)):
        yield Finding("ledger", "broken", fault, "name another in [ledger] url, or move it away if it is no ledger")
        return
    if path.exists():
        yield _prices(loaded)
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE_BYTES:
        yield Finding("ledger", "warning", f"{path}: {free >> 20} MiB of disk space left", "make room")
    else:
        yield Finding("ledger", "ok", f"{path}{'' if path.exists() else ' (made at the first start)'}")
    waiting = sum(segment.stat().st_size for segment in journal.glob("*.log"))
    if waiting > _BACKLOG_BYTES * loaded.config.server.workers:
        fix = "look at the control process: it moves them into the ledger"
        yield Finding("journal", "warning", f"{waiting >> 20} MiB of entries wait in {journal}", fix)
    else:
        yield Finding("journal", "ok", f"{waiting >> 10} KiB")


def _prices(loaded: Loaded) -> Finding:
    """Whether every model that was called in the last month has a price."""
    from dd0c_route.ledger import open_store
    from dd0c_route.ledger.store import id_at

    store = open_store(loaded.config.ledger.url, loaded.base_dir)
    try:
        unpriced = store.unpriced(id_at(time.time_ns() - _MONTH_NS))
    finally:
        store.close()
    if not unpriced:
        return Finding("prices", "ok", "every call of the last 30 days has one")
    return Finding("prices", "warning", "; ".join(one.problem for one in unpriced), unpriced[0].fix)


def of_counts(loaded: Loaded) -> Iterator[Finding]:
    """Whether the router's own token counts fit what providers report."""
    from dd0c_route.ledger import journal_directory
    from dd0c_route.ledger.counting import published

    known = published(journal_directory(loaded.config.ledger.url, loaded.base_dir))
    for alert in known.alerts if known is not None else ():
        yield Finding("counts", "warning", alert.message, "GET /api/v1/counting shows more; reported usage is billed")
    if known is None:
        yield Finding("counts", "ok", "none has been compared with a provider's yet")
    elif not known.alerts:
        learned = len(known.calibration.shifts) + len(known.calibration.lines)
        yield Finding("counts", "ok", f"they fit what providers report; {learned} corrections learned")


def _fault_of(loaded: Loaded) -> str:
    """Why the store cannot be read; empty when it can."""
    from dd0c_route.errors import RouteError
    from dd0c_route.ledger import open_store
    from dd0c_route.ledger.store import Filter

    try:
        store = open_store(loaded.config.ledger.url, loaded.base_dir)
        try:
            store.entries(Filter(limit=1))
        finally:
            store.close()
    except RouteError as error:
        return error.message
    return ""


def _nearest_folder(path: Path) -> Path:
    """The folder of *path*, or the one in which it would be made."""
    return next(folder for folder in path.absolute().parents if folder.is_dir())
