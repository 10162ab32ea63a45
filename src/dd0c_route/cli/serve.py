"""`serve`: the router, in the foreground."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dd0c_route.cli.options import config_option, found_config

PATHS = {"host": "server.host", "port": "server.port", "workers": "server.workers", "ledger": "ledger.url"}


def server_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `serve` and `up`."""
    for option in (
        click.option("--ledger", metavar="URL", help="Where the ledger is, such as sqlite:///dd0c.db."),
        click.option("--workers", type=click.IntRange(1), help="Worker processes."),
        click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one."),
        click.option("--host", metavar="HOST", help="Address to listen on."),
        config_option,
    ):
        function = option(function)
    return function


def overrides(**options: str | int | None) -> dict[str, str]:
    """The options that were given, by the dotted path of their setting."""
    return {PATHS[name]: str(value) for name, value in options.items() if value is not None}


@click.command("serve")
@server_options
def command(config_path: str | None, **options: str | int | None) -> int:
    """Run the router until SIGTERM or SIGINT; running calls are finished first.

    An option wins over the environment (DD0C_SERVER__PORT), and that over the file.
    """
    from dd0c_route import supervisor

    return supervisor.run(found_config(config_path), overrides(**options), simulated=False, announce=True)
