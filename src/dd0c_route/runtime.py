"""One frozen bundle of everything a call needs: built from a configuration, swapped whole on reload.

Only this module builds adapters. What outlives a reload (journal, sweeper, clock) is handed in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from dd0c_route.access import KeyRing, Pages
from dd0c_route.clock import Clock
from dd0c_route.config import Config, Provider
from dd0c_route.config.load import Loaded, load
from dd0c_route.decide import Router, build_router
from dd0c_route.decide.assembly import assembled
from dd0c_route.errors import ConfigError, NotFound
from dd0c_route.ledger.counting import Known
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.kept import Kept
from dd0c_route.ledger.purses import Purses
from dd0c_route.ledger.taught import KnownTaught
from dd0c_route.pricing import Catalog, Price
from dd0c_route.redact import redact_label, register
from dd0c_route.switch import Switch
from dd0c_route.upstream import Pool, Sweeper
from dd0c_route.upstream.health import RetryBudget
from dd0c_route.upstream.origin import origin_of
from dd0c_route.upstream.providers import known
from dd0c_route.wire.neutral.responses.said import Said


class Boot(Struct, frozen=True):
    """What the supervisor tells its children, in a file of the runtime directory.

    Attributes:
        config_path: The configuration file, or None.
        overrides: Settings of the command line by dotted path.
        runtime_dir: A private directory (0700) for the sockets between the processes.
        ledger_url: Where the ledger lives, absolute.
        workers: How many workers there are.
        supervisor: Process id of the parent.
    """

    config_path: str | None
    overrides: dict[str, str]
    runtime_dir: str
    ledger_url: str
    workers: int
    supervisor: int

    @property
    def control_socket(self) -> str:
        return os.path.join(self.runtime_dir, "control.sock")

    def worker_socket(self, index: int) -> str:
        return os.path.join(self.runtime_dir, f"worker-{index}.sock")


def read_boot(path: str) -> Boot:
    """The boot file that the supervisor wrote."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Boot)


def load_config(
    config_path: str | None, overrides: Mapping[str, object], environ: Mapping[str, str] = os.environ
) -> Loaded:
    """Read and check a configuration, with the provider rows that we ship.

    Raises:
        ConfigError: With all faults found.
    """
    loaded = load(Path(config_path) if config_path is not None else None, environ, overrides, known())
    try:
        build_router(loaded.config, lambda model: ())
    except NotFound as error:
        raise ConfigError([f"routes: {error.message}"]) from None
    return loaded


def needing_restart(before: Config, after: Config) -> list[str]:
    """The settings that a reload cannot change, of those that differ: sockets and processes are the supervisor's."""
    pairs = {
        "server.host": (before.server.host, after.server.host),
        "server.workers": (before.server.workers, after.server.workers),
        "server.grace_s": (before.server.grace_s, after.server.grace_s),
        "ledger.url": (before.ledger.url, after.ledger.url),
    }
    return [name for name, (old, new) in pairs.items() if old != new]


class Line(Struct, frozen=True):
    """A provider and the connections to it.

    Attributes:
        base_path: The path of its base URL, without a slash at the end.
    """

    name: bytes
    provider: Provider
    pool: Pool
    base_path: str


class Runtime(Struct, frozen=True):
    """Everything one call sees, from its first to its last moment."""

    config: Config
    version: str
    keys: KeyRing
    pages: Pages
    router: Router
    lines: dict[str, Line]
    catalog: Catalog
    retry_budget: RetryBudget
    journal: Journal
    clock: Clock
    sweeper: Sweeper
    known: Known
    taught: KnownTaught
    switch: Switch
    kept: Kept
    purses: Purses
    said: Said
    looks_at_prompts: bool
    stores_bodies: bool

    def line(self, provider: str) -> Line:
        """
        Raises:
            NotFound: No such provider is configured.
        """
        line = self.lines.get(provider)
        if line is None:
            have = ", ".join(sorted(self.lines)) or "none"
            raise NotFound(f"no provider '{redact_label(provider)[:64]}' is configured (configured: {have})")
        return line

    def price(self, provider: str, model: str, at_ns: int, tier: str | None) -> Price | None:
        return self.catalog.price(provider, model, at_ns, tier)


def build(
    loaded: Loaded, journal: Journal, clock: Clock, sweeper: Sweeper, loop: asyncio.AbstractEventLoop,
    before: Runtime | None = None, learned_in: Path | None = None,
) -> Runtime:  # fmt: skip
    """Build the bundle; connections to providers whose settings did not change are taken over from *before*.

    Args:
        learned_in: Where what was learned is published and the switch for the brain lies; None: nowhere.
    """
    config = loaded.config
    catalog = Catalog.of(config)
    known = before.known if before is not None else Known(learned_in)
    taught = before.taught if before is not None else KnownTaught(learned_in)
    switch = before.switch if before is not None else Switch(learned_in)
    router = assembled(
        config, catalog, known.correct, taught, switch, lambda: clock.ticks_ns() / 1e9, clock.wall_ns(),
        before.router if before is not None else None,
    )  # fmt: skip
    kept = before.kept if before is not None else Kept(learned_in)
    router = structs.replace(router, keeper=kept.target_of)
    lines: dict[str, Line] = {}
    for name, provider in config.providers.items():
        for secret in provider.secrets:
            register(secret)
        line = before.lines.get(name) if before is not None else None
        if line is not None and line.provider == provider:
            lines[name] = line
        else:
            pool = Pool(provider, loop=loop, sweeper=sweeper, wall_ns=clock.wall_ns)
            lines[name] = Line(name.encode(), provider, pool, origin_of(provider.base_url).path)
    return Runtime(
        config=config,
        version=loaded.version,
        keys=KeyRing(config.server.access_keys),
        pages=Pages.of(config.server),
        router=router,
        lines=lines,
        catalog=catalog,
        retry_budget=RetryBudget(config.retries.budget_share),
        journal=journal,
        clock=clock,
        sweeper=sweeper,
        known=known,
        taught=taught,
        switch=switch,
        kept=kept,
        purses=before.purses if before is not None else Purses(learned_in),
        said=before.said if before is not None else Said(),
        looks_at_prompts=config.looks_at_prompts,
        stores_bodies=config.stores_bodies,
    )
