"""One frozen bundle of everything a call needs: built from a configuration, swapped whole on reload.

Only this module builds adapters. What outlives a reload (journal, sweeper, clock) is handed in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from dd0c_route.access import KeyRing
from dd0c_route.brain.moments import Moments
from dd0c_route.clock import Clock
from dd0c_route.config import Config, Provider
from dd0c_route.config.load import Loaded, load
from dd0c_route.decide import Expected, Router, build_router
from dd0c_route.errors import ConfigError, NotFound, PriceMissing
from dd0c_route.ledger.counting import Known
from dd0c_route.ledger.journal import Journal
from dd0c_route.pricing import Catalog, Price, amount
from dd0c_route.redact import register
from dd0c_route.tokens import count_request
from dd0c_route.types import Call, PicoUSD, Target, Usage
from dd0c_route.upstream import Pool, Sweeper
from dd0c_route.upstream.health import RetryBudget
from dd0c_route.upstream.origin import origin_of
from dd0c_route.upstream.providers import known
from dd0c_route.wire.output_limit import output_limit

_USUAL_OUTPUT_TOKENS = 400  # of an answer, where the call sets no lower limit: the recordings' median is shorter


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
        build_router(loaded.config, lambda model: (), lambda call, target: None, lambda call, target: Expected(0))
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
    router: Router
    lines: dict[str, Line]
    catalog: Catalog
    retry_budget: RetryBudget
    journal: Journal
    clock: Clock
    sweeper: Sweeper
    known: Known

    def line(self, provider: str) -> Line:
        """
        Raises:
            NotFound: No such provider is configured.
        """
        line = self.lines.get(provider)
        if line is None:
            have = ", ".join(sorted(self.lines)) or "none"
            raise NotFound(f"no provider '{provider[:64]}' is configured (configured: {have})")
        return line

    def price(self, provider: str, model: str, at_ns: int, tier: str | None) -> Price | None:
        return self.catalog.price(provider, model, at_ns, tier)


class ExpectedCosts:
    """What a call will probably cost at a target: its prompt, counted quickly, and an answer of the usual length."""

    def __init__(self, catalog: Catalog, known: Known) -> None:
        self._catalog = catalog
        self._known = known
        self._worst: dict[str, Price] = {}

    def prepare(self, targets: Collection[Target], at_ns: int) -> None:
        """Work out the worst case of the providers of *targets* without a price: that takes too long for a call."""
        for target in targets:
            if target.provider not in self._worst and self._priced(target, at_ns, Usage(1, output=1)) is None:
                worst = self._catalog.worst_case(target.provider, at_ns)
                has_both = worst.rates.input is not None and worst.rates.output is not None
                self._worst[target.provider] = worst if has_both else self._catalog.worst_case("", at_ns)

    def __call__(self, call: Call, target: Target) -> Expected:
        asked = (call.api, call.fields, target.model, target.provider)
        prompt = self._known.correct(count_request(*asked), *asked).tokens
        limit = output_limit(call.api, call.fields)
        usage = Usage(input=prompt, output=_USUAL_OUTPUT_TOKENS if limit is None else min(limit, _USUAL_OUTPUT_TOKENS))
        cost = self._priced(target, call.at_ns, usage)
        if cost is None:
            return Expected(amount(usage, self._worst[target.provider]), unpriced=True)
        return Expected(cost)

    def _priced(self, target: Target, at_ns: int, usage: Usage) -> PicoUSD | None:
        price = self._catalog.price(target.provider, target.model, at_ns)
        try:
            return amount(usage, price) if price is not None else None
        except PriceMissing:
            return None


def build(
    loaded: Loaded, journal: Journal, clock: Clock, sweeper: Sweeper, loop: asyncio.AbstractEventLoop,
    before: Runtime | None = None, known: Known | None = None,
) -> Runtime:  # fmt: skip
    """Build the bundle; connections to providers whose settings did not change are taken over from *before*."""
    config = loaded.config
    catalog = Catalog.of(config)
    known = known or (before.known if before is not None else Known())

    expected = ExpectedCosts(catalog, known)
    old_moments = before.router.moments if before is not None else None
    moments = Moments(config.routes, lambda: clock.ticks_ns() / 1e9, config.server.workers, old_moments)
    router = build_router(config, catalog.owners, lambda call, target: None, expected, moments)
    expected.prepare({target for route in router.routes for target in route.targets}, clock.wall_ns())
    lines: dict[str, Line] = {}
    for name, provider in config.providers.items():
        if provider.api_key is not None:
            register(provider.api_key)
        kept = before.lines.get(name) if before is not None else None
        if kept is not None and kept.provider == provider:
            lines[name] = kept
        else:
            pool = Pool(provider, loop=loop, sweeper=sweeper)
            lines[name] = Line(name.encode(), provider, pool, origin_of(provider.base_url).path)
    return Runtime(
        config=config,
        version=loaded.version,
        keys=KeyRing(config.server.access_keys),
        router=router,
        lines=lines,
        catalog=catalog,
        retry_budget=RetryBudget(config.retries.budget_share),
        journal=journal,
        clock=clock,
        sweeper=sweeper,
        known=known,
    )
