"""`up`: start with what is there; what `make run` calls."""

from __future__ import annotations

import os

import click

from dd0c_route.cli.keys_found import keys_found
from dd0c_route.cli.options import found_config
from dd0c_route.cli.serve import overrides, server_options


@click.command("up")
@server_options
def command(config_path: str | None, **options: str | int | None) -> int:
    """Start the router with what is there.

    With a dd0c.toml as 'serve' does; else with the providers whose keys are in the environment; else with a
    simulated provider alone, every answer marked 'x-dd0c-provider: simulated', so that a first request works at once.
    """
    from dd0c_route import supervisor

    config = found_config(config_path)
    has_providers = config is not None or any(name.startswith("DD0C_PROVIDERS__") for name in os.environ)
    keys = {} if has_providers else keys_found(os.environ)
    if keys:
        click.echo(f"providers from the keys in the environment: {', '.join(keys)}. To tune them: dd0c-route init")
    elif not has_providers:
        click.echo("Answers are simulated. A real provider: export OPENAI_API_KEY=… (or another's key), start again.")
    settings = overrides(**options)
    settings |= {f"providers.{provider}.api_key.env": variable for provider, variable in keys.items()}
    return supervisor.run(config, settings, simulated=not has_providers and not keys, announce=True)
