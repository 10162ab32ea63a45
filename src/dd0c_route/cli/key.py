"""`key`: access keys for the router itself, and the operator's password."""

from __future__ import annotations

import json
import sys

import click

from dd0c_route.cli.options import json_option

_LEAST_CHARS = 12  # NIST SP 800-63B-4 §3.1.1.2 asks for 8 beside a second factor, 15 alone; here tries are throttled


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


@command.command("password")
@json_option
def password(as_json: bool) -> None:
    """Make the stored line of a password for the console: asked for, or a line of standard input."""
    from dd0c_route.access import stored_password
    from dd0c_route.types import Secret

    if sys.stdin.isatty():
        chosen = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    else:
        chosen = sys.stdin.readline().rstrip("\r\n")
    if len(chosen) < _LEAST_CHARS:
        raise click.UsageError(f"a password has at least {_LEAST_CHARS} characters: take some words")
    stored = stored_password(Secret(chosen))
    if as_json:
        click.echo(json.dumps({"stored": stored}))
        return
    click.echo(f"stored   {stored}")
    click.echo(f'Put the line into dd0c.toml, then reload:\n[server]\nadmin_password = "{stored}"', err=True)
