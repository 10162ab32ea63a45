"""`key`: access keys for the router itself."""

from __future__ import annotations

import json

import click

from dd0c_route.cli.options import json_option


@click.group("key")
def command() -> None:
    """Make access keys: what clients send to the router, not what the router sends to a provider."""


@command.command("new")
@json_option
def new(as_json: bool) -> None:
    """Make a key. It is shown once; the configuration keeps only its hash."""
    from dd0c_route.access import new_key

    key, stored = new_key()
    if as_json:
        click.echo(json.dumps({"key": key, "stored": stored}))
        return
    click.echo(f"key      {key}\nstored   {stored}", nl=True)
    click.echo(
        f'Give the key to the client; put the hash into dd0c.toml:\n[server]\naccess_keys = ["{stored}"]', err=True
    )
