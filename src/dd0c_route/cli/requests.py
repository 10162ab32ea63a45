"""`requests`: the ledger's entries as a table or as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from dd0c_route.cli.ledger import ledger_option, moment, opened_store, shown
from dd0c_route.cli.options import config_option, json_option

if TYPE_CHECKING:
    from dd0c_route.ledger.store import Filter, Store
    from dd0c_route.types import Entry

_PAGE = 500  # entries read at once
_ID_CHARS = 29  # an id is copied, so it is never cut
_PIPE_CHARS = 400  # wider than a row, unless a model's name has hundreds of characters
_COLUMNS = ("id", "at (UTC)", "asked for", "served by", "status", "end", "tokens in", "out", "cost USD", "ms")


@click.command("requests")
@click.option("--since", metavar="WHEN", help="An age (30d, 2h, 90s) or a time (2026-11-24T05:30:00Z).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--unpriced", is_flag=True, help="Only calls without a price.")
@ledger_option
@config_option
@json_option
def command(
    since: str | None, limit: int, unpriced: bool, ledger_url: str | None, config_path: str | None, as_json: bool
) -> None:  # fmt: skip
    """List the ledger's entries, newest first; with --json one object a line, as the API has it."""
    from dd0c_route.ledger.store import Filter

    with opened_store(config_path, ledger_url) as store:
        first = moment(since, "--since") if since is not None else None
        entries = _entries(store, Filter(since=first, unpriced=unpriced, confirmed=True), limit)
        if as_json:
            for entry in entries:
                click.echo(msgspec.json.encode(entry))
        else:
            _print_table(list(entries))


def _entries(store: Store, wanted: Filter, limit: int) -> Iterator[Entry]:
    before: str | None = None
    while limit > 0:
        page = store.entries(msgspec.structs.replace(wanted, limit=min(limit, _PAGE), before=before))
        yield from page.entries
        limit -= len(page.entries)
        before = page.next
        if before is None:
            return


def _print_table(entries: list[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not entries:
        click.echo("no entries: send a request through the router first", err=True)
        return
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        numeric = column in _COLUMNS[6:]
        table.add_column(
            column,
            no_wrap=True,
            justify="right" if numeric else "left",
            min_width=_ID_CHARS if column == "id" else None,
        )
    for entry in entries:
        table.add_row(*[Text(shown(cell)) for cell in _cells(entry)])  # Text: what clients write is no markup
    # In a pipe nothing is cut to the width of a screen that is not there.
    Console(width=None if sys.stdout.isatty() else _PIPE_CHARS).print(table)


def _cells(entry: Entry) -> tuple[str, ...]:
    cost = "unpriced" if entry.unpriced else entry.cost_usd or "-"
    return (
        entry.id,
        entry.at[5:19].replace("T", " "),
        entry.requested_model or "-",
        f"{entry.provider}/{entry.served_model}" if entry.provider else "-",
        str(entry.status or "-"),
        entry.end_state,
        str(entry.usage.input_total),
        str(entry.usage.output_total),
        cost,
        f"{entry.duration_ms:.0f}",
    )
