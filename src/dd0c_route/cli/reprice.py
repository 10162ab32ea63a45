"""`reprice`: the entries at the prices of today's catalogue, each for its own date; what they said before is kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Struct, structs

from dd0c_route.cli.ledger import ledger_option, moment, opened_store, settings_without_secrets, shown
from dd0c_route.cli.options import config_option, json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from dd0c_route.ledger.money import PriceOf
    from dd0c_route.ledger.store import Store
    from dd0c_route.types import Entry

BATCH = 500  # entries of a transaction: some 50 ms, in which the running router's own ones wait
_AMOUNTS = ("cost_picodollars", "cost_billable_picodollars", "baseline_picodollars", "saved_picodollars")


class Sums(Struct):
    """Picodollars, over the entries that have them."""

    cost_picodollars: int = 0
    cost_billable_picodollars: int = 0
    baseline_picodollars: int = 0
    saved_picodollars: int = 0

    def add(self, entry: Entry) -> None:
        for name in _AMOUNTS:
            setattr(self, name, getattr(self, name) + (getattr(entry, name) or 0))


class Report(Struct):
    """What was done, or would be.

    Attributes:
        seen: Entries in the time and of the models asked for.
        changed: Of them, those with other amounts now; *priced*: those that had no price before.
        unpriced: Those that still have none.
    """

    dry_run: bool
    seen: int = 0
    changed: int = 0
    priced: int = 0
    unpriced: int = 0
    before: Sums = msgspec.field(default_factory=Sums)
    after: Sums = msgspec.field(default_factory=Sums)
    models: dict[str, int] = {}

    def add(self, before: Entry, after: Entry | None) -> None:
        now = after if after is not None else before
        self.seen += 1
        self.before.add(before)
        self.after.add(now)
        self.unpriced += now.unpriced
        if after is not None and after.repriced != before.repriced:
            self.changed += 1
            self.priced += before.unpriced
            name = f"{after.provider}/{after.served_model}"
            self.models[name] = self.models.get(name, 0) + 1


@click.command("reprice")
@click.option("--since", metavar="WHEN", required=True, help="An age (30d, 2h) or a time (2026-11-24T05:30:00Z).")
@click.option("--until", metavar="WHEN", help="Entries from then on stay as they are.")
@click.option("--provider", metavar="NAME", help="Only calls that it served.")
@click.option("--model", metavar="GLOB", help="Only calls of these models, as they were asked for or served.")
@click.option("--reason", metavar="TEXT", default="reprice", help="Kept with each entry that changes.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@ledger_option
@config_option
@json_option
def command(
    since: str, until: str | None, provider: str | None, model: str | None, reason: str, dry_run: bool,
    ledger_url: str | None, config_path: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Price the ledger's entries anew: after a price came or was corrected, here or in the catalogue.

    Each entry by the price of its own date; what it said before is kept in it. Twice is the same as once, and a router
    may be running.
    """
    from dd0c_route.clock import rfc3339
    from dd0c_route.pricing import Catalog

    catalog = Catalog.of(settings_without_secrets(config_path).config)
    first, last = moment(since, "--since"), moment(until, "--until") if until is not None else None
    wanted = _wanted(provider, model)
    change = _change(catalog.price, rfc3339(time.time_ns()), reason[:200])
    with opened_store(config_path, ledger_url) as store:
        report = _run(store, first, last, wanted, change, dry_run=dry_run)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _print(report)


def _run(
    store: Store, first: str, last: str | None, wanted: Callable[[Entry], bool],
    change: Callable[[Entry], Entry | None], *, dry_run: bool,
) -> Report:  # fmt: skip
    """All batches, oldest first."""
    report = Report(dry_run)
    after: str | None = first  # no whole id: those of that very millisecond are behind it
    while after is not None:
        batch: list[tuple[Entry, Entry | None]] = []

        def rewrite(entry: Entry, batch: list[tuple[Entry, Entry | None]] = batch) -> Entry | None:
            if not wanted(entry):
                return None
            new = change(entry)
            batch.append((entry, new))
            return None if dry_run else new

        after = store.rewrite(after, last, BATCH, rewrite).last
        for old, new in batch:
            report.add(old, new)
    return report


def _change(price_of: PriceOf, at: str, reason: str) -> Callable[[Entry], Entry | None]:
    from dd0c_route.ledger.reprice import repriced

    return lambda entry: repriced(entry, price_of, at, reason)


def _wanted(provider: str | None, model: str | None) -> Callable[[Entry], bool]:
    from fnmatch import fnmatchcase

    def wanted(entry: Entry) -> bool:
        if provider is not None and entry.provider != provider:
            return False
        names = (entry.served_model, entry.requested_model)
        return model is None or any(fnmatchcase(name.lower(), model.lower()) for name in names)

    return wanted


def _print(report: Report) -> None:
    from dd0c_route.pricing import usd

    done = "would change" if report.dry_run else "changed"
    click.echo(
        f"{report.seen} entries: {report.changed} {done}, {report.priced} of them had no price; "
        f"{report.unpriced} still have none"
    )
    for name, number in sorted(report.models.items(), key=lambda item: -item[1]):
        click.echo(f"  {shown(name)}: {number}")
    before: dict[str, Any] = structs.asdict(report.before)
    for name, after in structs.asdict(report.after).items():
        what = name.removesuffix("_picodollars").replace("_", " ")
        click.echo(f"{what:<14} ${usd(before[name])} -> ${usd(after)}")
