"""`check`: is this configuration one that `serve` would start with?"""

from __future__ import annotations

import json

import click

from dd0c_route.cli.options import DEFAULT_CONFIG, config_option, json_option
from dd0c_route.errors import ConfigError


@click.command("check")
@config_option
@json_option
def command(config_path: str | None, as_json: bool) -> int:
    """Validate a configuration: file, environment, and the secrets it refers to. Nothing is started."""
    from dd0c_route import runtime
    from dd0c_route.redact import redact_sensitive

    path = config_path or DEFAULT_CONFIG
    try:
        loaded = runtime.load_config(path, {})
    except ConfigError as error:
        if not as_json:
            raise
        faults = [redact_sensitive(fault) for fault in error.faults]
        click.echo(json.dumps({"valid": False, "faults": faults, "warnings": [], "version": None}))
        return 1
    if as_json:
        report = {"valid": True, "faults": [], "warnings": list(loaded.warnings), "version": loaded.version}
        click.echo(json.dumps(report))
        return 0
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    providers = ", ".join(loaded.config.providers) or "none (add a [providers.NAME] table)"
    click.echo(f"{path}: valid (version {loaded.version}); providers: {providers}; routes: {len(loaded.config.routes)}")
    return 0
