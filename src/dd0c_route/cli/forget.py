"""`forget`: delete stored bodies; entries, which hold no words, stay."""

from __future__ import annotations

import click

from dd0c_route.cli.ledger import bodies_path, ledger_option, moment
from dd0c_route.cli.options import config_option, json_option


@click.command("forget")
@click.argument("entry_ids", metavar="[ID]...", nargs=-1)
@click.option("--since", metavar="WHEN", help="Of calls since then: an age (2h, 30d) or a time.")
@click.option("--before", metavar="WHEN", help="Of calls before then.")
@click.option("--all", "everything", is_flag=True, help="Of all calls.")
@ledger_option
@config_option
@json_option
def command(
    entry_ids: tuple[str, ...], since: str | None, before: str | None, everything: bool, ledger_url: str | None,
    config_path: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Delete stored bodies of the calls named, of a time, or of all. The router may be running."""
    from dd0c_route.ledger.bodies import opened

    by_time = since is not None or before is not None
    if bool(entry_ids) + by_time + everything != 1:
        raise click.UsageError("say which: ids, --since and --before, or --all")
    after = moment(since, "--since") if since is not None else ""
    until = moment(before, "--before") if before is not None else "e"
    with opened(bodies_path(config_path, ledger_url)) as store:
        deleted = store.forget(entry_ids) if entry_ids else store.forget_between(after, until)
    click.echo(f'{{"deleted": {deleted}}}' if as_json else f"deleted the bodies of {deleted} calls")
