"""`import`: another gateway's configuration as a `dd0c.toml`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dd0c_route.cli.options import DEFAULT_CONFIG, json_option
from dd0c_route.cli.starting import write_new

if TYPE_CHECKING:
    from dd0c_route.connect.litellm import Imported


@click.group("import")
def command() -> None:
    """Turn another gateway's configuration into a dd0c.toml."""


@command.command("litellm")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", metavar="FILE", default=DEFAULT_CONFIG, show_default=True, help="Where to; - is stdout.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def litellm(file: Path, out: str, force: bool, as_json: bool) -> None:
    """Write what a LiteLLM proxy's FILE (config.yaml) says as a dd0c.toml, and list what it could not carry over.

    A key that stands in FILE is not copied: the result refers to a variable, which is named, and has to be set.
    """
    from dd0c_route.config import Config
    from dd0c_route.connect import CannotEdit
    from dd0c_route.connect.litellm import imported
    from dd0c_route.pricing.catalog import Catalog
    from dd0c_route.upstream.providers import known

    try:
        result = imported(file.read_text(encoding="utf-8-sig"), os.environ, known(), Catalog.of(Config()).owners)
    except (CannotEdit, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    text = f"# Imported from a LiteLLM configuration. Check it with: dd0c-route check\n\n{result.text}"
    if out != "-":
        write_new(Path(out), text, force=force)
    if as_json:
        losses = [{"path": one.path, "reason": one.reason} for one in result.losses]
        said = {"wrote": None if out == "-" else out, "set": result.keys, "not_carried_over": losses}
        click.echo(json.dumps({**said, "config": text} if out == "-" else said))
        return
    if out == "-":
        click.echo(text, nl=False)
    _say(result, out)


def _say(result: Imported, out: str) -> None:
    """For people; beside the configuration, where that goes to stdout."""
    from dd0c_route.redact import redact_sensitive

    aside = out == "-"
    for name, where in result.keys.items():
        click.echo(f"set {name}: the key at {where} was not copied", err=aside)
    for one in result.losses:
        click.echo(redact_sensitive(f"not carried over: {one.path}: {one.reason}"), err=aside)
    if not aside:
        click.echo(f"wrote {out}. Next: dd0c-route check, then dd0c-route serve")
