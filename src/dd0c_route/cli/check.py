"""`check`: is this configuration one that `serve` would start with?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from dd0c_route.cli.options import DEFAULT_CONFIG, config_option, json_option
from dd0c_route.errors import ConfigError

if TYPE_CHECKING:
    from dd0c_route.config.load import Loaded
    from dd0c_route.decide import Router


@click.command("check")
@config_option
@json_option
def command(config_path: str | None, as_json: bool) -> int:
    """Validate a configuration: file, environment, and the secrets, predictor and labels that it refers to. Nothing is
    started."""
    from dd0c_route import runtime
    from dd0c_route.cli.route import router_of
    from dd0c_route.redact import redact_sensitive

    path = config_path or DEFAULT_CONFIG
    try:
        loaded = runtime.load_config(path, {})
        router = router_of(loaded)
        warnings = [*loaded.warnings, *_unpriced(loaded, router), *_unjudged(router)]
    except ConfigError as error:
        if not as_json:
            raise
        faults = [redact_sensitive(fault) for fault in error.faults]
        click.echo(json.dumps({"valid": False, "faults": faults, "warnings": [], "version": None}))
        return 1
    if as_json:
        report = {"valid": True, "faults": [], "warnings": warnings, "version": loaded.version}
        click.echo(json.dumps(report))
        return 0
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    providers = ", ".join(loaded.config.providers) or "none (add a [providers.NAME] table)"
    click.echo(f"{path}: valid (version {loaded.version}); providers: {providers}; routes: {len(loaded.config.routes)}")
    return 0


def _unpriced(loaded: Loaded, router: Router) -> Iterator[str]:
    """Candidates that are never chosen in the place of a model with a price: often they are misspelt."""
    from dd0c_route.pricing import Catalog

    catalog, now_ns = Catalog.of(loaded.config), time.time_ns()
    for route in router.routes:
        for index, target in enumerate(route.targets):
            simulated = loaded.config.providers[target.provider].simulated
            if not simulated and catalog.price(target.provider, target.model, now_ns) is None:
                yield (
                    f"routes[{route.number}].candidates[{index}]: no price is known for '{target}', so it never takes "
                    "the place of a model that has one: is it spelt as its provider does? Else add it under [[prices]]"
                )


def _unjudged(router: Router) -> Iterator[str]:
    """Candidates without odds under a policy that chooses by them: such a route looks alive and never does a thing."""
    from dd0c_route.brain.policies import NEED_NO_ODDS
    from dd0c_route.brain.request import asked as read
    from dd0c_route.cli.route import call_of
    from dd0c_route.decide import Asking

    # Any text: a model is known or is not.
    call = call_of({"request": {"model": "any", "messages": [{"role": "user", "content": "What is known of you?"}]}})
    for route in router.routes:
        policy, asked_for = route.settings.policy, route.settings.match.model
        if policy in NEED_NO_ODDS or route.settings.mode == "off":
            continue
        odds = router.known.views(Asking(call, read(call), route, None), route.targets).p_good
        for index, (target, p_good) in enumerate(zip(route.targets, odds, strict=True)):
            is_asked = asked_for is not None and {asked_for} & {target.model, str(target)}  # it may answer without odds
            if p_good is None and not is_asked:
                yield (
                    f"routes[{route.number}].candidates[{index}]: the brain knows nothing of '{target}', so the policy "
                    f"'{policy}' does not choose it for its quality: teach it ('dd0c-route brain fit'), or take a "
                    f"policy that asks no odds ({', '.join(sorted(NEED_NO_ODDS))})"
                )
