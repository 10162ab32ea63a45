"""One frozen bundle of everything a call needs: built from a configuration, swapped whole on reload.

Only this module builds adapters. What outlives a reload (journal, sweeper, clock) is handed in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, structs

from dd0c_route.access import KeyRing
from dd0c_route.brain.capabilities import Capability, capability
from dd0c_route.brain.moments import Moments, Thresholds
from dd0c_route.brain.residuals import Key
from dd0c_route.clock import Clock
from dd0c_route.config import Config, Match, Provider
from dd0c_route.config.load import Loaded, load
from dd0c_route.decide import Asking, Guard, Knowledge, Router, Views, build_router, decide
from dd0c_route.decide.costs import ExpectedCosts
from dd0c_route.decide.router import CompiledRoute
from dd0c_route.errors import BadBrain, BadLabels, ConfigError, NotFound
from dd0c_route.ledger.counting import Known
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.taught import KnownTaught
from dd0c_route.pricing import Catalog, Price
from dd0c_route.redact import register
from dd0c_route.redact.log import log
from dd0c_route.switch import Switch
from dd0c_route.types import Call, Target
from dd0c_route.upstream import Pool, Sweeper
from dd0c_route.upstream.health import RetryBudget
from dd0c_route.upstream.origin import origin_of
from dd0c_route.upstream.providers import known
from dd0c_route.wire.body import split

if TYPE_CHECKING:
    from dd0c_route.brain.predictor import Predictor


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


def _predictor(config: Config) -> Predictor | None:
    """The predictor, where a route may want to know; it is loaded here, since that takes some 0.1 s."""
    if not any(route.mode != "off" for route in config.routes):
        return None
    from dd0c_route.brain.predictor import SHIPPED, Predictor  # brings numpy along: not for who only passes calls on

    try:
        return Predictor.load(Path(config.brain.file) if config.brain.file is not None else SHIPPED)
    except (BadBrain, OSError) as error:
        if config.brain.file is not None:
            raise ConfigError([f"brain.file: {error}"]) from None
        log("brain_missing", "error", reason=str(error), fix="install this version anew; until then models are kept")
        return None


def _views(predictor: Predictor | None, taught: KnownTaught) -> Callable[[Asking, Sequence[Target]], Views]:
    """What the predictor says, corrected by what labels of the route taught."""

    def views(asking: Asking, targets: Sequence[Target]) -> Views:
        request, route = asking.request, asking.route.id
        told: Sequence[float | None] = (None,) * len(targets)
        support = None
        if predictor is not None:
            odds = predictor.predict(request.turn, [target.model for target in targets])
            told, support = odds.p_good, odds.support
        keys = [Key(route, str(target), request.kind, request.form) for target in targets]
        learned = [taught().adjust(p_good, key) for p_good, key in zip(told, keys, strict=True)]
        return Views(
            tuple(one.p_good if one is not None else None for one in learned),
            support,
            tuple(one.learned if one is not None else 0.0 for one in learned),
        )

    return views


def _able(config: Config, catalog: Catalog) -> Callable[[Target], Capability]:
    @lru_cache(maxsize=256)  # targets are the configuration's own
    def able(target: Target) -> Capability:
        context = catalog.context(target.provider, target.model)
        return capability(target.provider, target.model, config.models, context)

    return able


def _thresholds(routes: Sequence[CompiledRoute], predictor: Predictor | None) -> dict[int, Thresholds]:
    """What each route with labels can promise.

    Raises:
        ConfigError: Its file of labels cannot be used.
    """
    found: dict[int, Thresholds] = {}
    for route in routes:
        settings = route.settings
        if settings.calibration is None or settings.mode == "off" or predictor is None:
            continue
        from dd0c_route.brain.calibration import calibrated
        from dd0c_route.brain.training.labels import read_labels

        try:
            with open(settings.calibration, "rb") as file:
                labels = read_labels(file)
        except (BadLabels, OSError) as error:
            raise ConfigError([f"routes[{route.number}].calibration: {error}"]) from None
        found[route.number] = calibrated(labels, predictor, route.targets, settings.epsilon, settings.delta)
    return found


def _rehearse(router: Router, at_ns: int) -> None:
    """Decide once on each route, so that tables are read and prices found now and not while a client waits."""
    body = b'{"model":"m","messages":[{"role":"user","content":"Read the tables now."}]}'
    for route in router.routes:
        any_call = structs.replace(route, settings=structs.replace(route.settings, match=Match()))
        unhurried = structs.replace(router, routes=(any_call,), guard=Guard())
        dialect = router.spoken(route.targets[0].provider)
        call = Call(id="", at_ns=at_ns, started_ns=0, dialect=dialect, api="openai.chat", method="POST", path="",
                    query="", headers=[], body=body, fields=split(body), model=str(route.targets[0]))  # fmt: skip
        decide(call, unhurried)


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

    predictor = _predictor(config)
    costs = ExpectedCosts(catalog, known.correct)
    knowledge = Knowledge(
        views=_views(predictor, taught),
        costs=costs,
        able=_able(config, catalog),
        kept=costs.kept,
        rolled_back=lambda route: route in taught().rolled_back,
    )
    sessions = before.router.sessions if before is not None else None
    guard = Guard(config.brain.enabled, config.brain.budget_us, switch)
    router = build_router(config, catalog.owners, knowledge, sessions=sessions, guard=guard)
    router = structs.replace(
        router,
        moments=Moments(
            config.routes,
            lambda: clock.ticks_ns() / 1e9,
            config.server.workers,
            before.router.moments if before is not None else None,
            _thresholds(router.routes, predictor),
            lambda number: taught().thresholds_of(router.routes[number].id),
        ),
    )
    costs.prepare({target for route in router.routes for target in route.targets}, clock.wall_ns())
    _rehearse(router, clock.wall_ns())
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
        taught=taught,
        switch=switch,
    )
