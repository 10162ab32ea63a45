"""`explain`: one entry in full: why this model, which attempts, what it used, what that cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from dd0c_route.cli.ledger import ledger_option, opened_store, settings_without_secrets, shown
from dd0c_route.cli.options import config_option, json_option
from dd0c_route.types import Usage

if TYPE_CHECKING:
    from dd0c_route.pricing import Cost
    from dd0c_route.types import Entry


@click.command("explain")
@click.argument("entry_id", metavar="ID|last")
@ledger_option
@config_option
@json_option
def command(entry_id: str, ledger_url: str | None, config_path: str | None, as_json: bool) -> None:
    """Show one entry of the ledger: its id is the answer's header x-dd0c-request-id, or 'last'."""
    entry = _entry(entry_id, config_path, ledger_url)
    bill = _bill(entry, config_path)
    if as_json:
        lines = [line.record() for line in bill.lines] if bill is not None else []
        click.echo(msgspec.json.encode({**msgspec.to_builtins(entry), "price_lines": lines}))
        return
    for paragraph in (_heading(entry), _decision(entry), _attempts(entry), _usage(entry), _cost(entry, bill)):
        click.echo("\n".join(map(shown, paragraph)) + "\n")


def _entry(entry_id: str, config_path: str | None, ledger_url: str | None) -> Entry:
    from dd0c_route.ledger.store import Filter

    with opened_store(config_path, ledger_url) as store:
        if entry_id == "last":
            entry = next(iter(store.entries(Filter(limit=1, confirmed=True)).entries), None)
        else:
            entry = store.entry(entry_id, confirmed=True)
    if entry is None:
        raise click.ClickException(f"no entry '{entry_id[:64]}' in the ledger: 'dd0c-route requests' lists them")
    return entry


def _bill(entry: Entry, config_path: str | None) -> Cost | None:
    """The entry's usage priced again, for the lines; None where that does not give the recorded cost.

    It has no price, the price has left the catalogue, or the provider bills other units than it processed.
    """
    from dd0c_route.errors import PriceMissing
    from dd0c_route.ledger.store import moment_ns
    from dd0c_route.pricing import Catalog, cost

    if entry.price is None:
        return None
    catalog = Catalog.of(settings_without_secrets(config_path).config)
    at_ns, tier = moment_ns(entry.at, 0), entry.price.get("tier")
    row = str(entry.price.get("id", ""))
    seller, _, model = row.partition("/")  # where the provider itself is not configured any more
    names = ((entry.provider, entry.served_model), (entry.provider, entry.requested_model), (seller, model))
    for price in (catalog.price(*name, at_ns, tier) for name in names):
        if price is not None and price.id == row:
            try:
                bill = cost(entry.usage, price)
            except PriceMissing:
                return None
            return bill if bill.picodollars == entry.cost_picodollars else None
    return None


def _heading(entry: Entry) -> list[str]:
    ending = f"{entry.end_state}, status {entry.status}{f', {entry.error}' if entry.error else ''}"
    tags = ", ".join(f"{name}={value}" for name, value in entry.tags.items())
    first = f", first byte after {entry.ttft_ms:.1f} ms" if entry.ttft_ms is not None else ""
    return [
        f"{entry.id}   {entry.at}",
        f"  call      {entry.api}{' (stream)' if entry.stream else ''}, asked for {entry.requested_model or '-'}",
        f"  served    {f'{entry.provider}/{entry.served_model}' if entry.provider else '-'}",
        f"  ending    {ending}",
        f"  time      {entry.duration_ms:.1f} ms, of it the router's own {entry.overhead_ms:.3f} ms{first}",
        *([f"  tags      {tags}"] if tags else []),
        *([f"  session   {entry.session}"] if entry.session else []),
    ]


def _decision(entry: Entry) -> list[str]:
    decision = entry.decision
    if not decision:
        return ["decision    none: the call did not come that far"]
    lines = [f"decision    {decision.get('verdict')}: {decision.get('reason')}"]
    if decision.get("policy"):
        lines.append(
            f"  policy    {decision['policy']} (route {decision.get('route')}), {decision.get('decide_us')} µs"
        )
    for candidate in decision.get("candidates", ()):
        odds, cost = candidate.get("p_good"), candidate.get("expected_cost_picodollars")
        good = "good: not known" if odds is None else f"good: {odds:.2f}"
        price = "no price" if cost is None else f"expected ${_usd(cost)}"
        lines.append(f"  candidate {candidate.get('target')}: {good}, {price}")
    if decision.get("shadow"):
        lines.append(f"  shadow    would have chosen {decision['shadow']}")
    return lines


def _attempts(entry: Entry) -> list[str]:
    lines = [f"attempts    {len(entry.attempts)}"]
    for attempt in entry.attempts:
        ended = f" to {attempt.ended_ms:.1f}" if attempt.ended_ms is not None else ""
        outcome = attempt.error or (f"status {attempt.status}" if attempt.status is not None else "no answer")
        connection = f", connection {attempt.connection}" if attempt.connection else ""
        lines.append(f"  {attempt.target}: {outcome}, {attempt.started_ms:.1f}{ended} ms{connection}")
    return lines


def _usage(entry: Entry) -> list[str]:
    classes = [f"{name} {tokens}" for name, tokens in msgspec.structs.asdict(entry.usage).items() if tokens]
    band = f" (between {entry.error_band[0]} and {entry.error_band[1]})" if entry.error_band else ""
    return [
        f"usage       {', '.join(classes) or 'no tokens'}; source: {entry.usage_source}{band}",
        f"  output    delivered {entry.delivered_output_tokens} tokens ({entry.delivered_bytes} bytes), "
        f"received {entry.received_output_tokens}, billable {entry.billable_output_tokens}",
    ]


def _cost(entry: Entry, bill: Cost | None) -> list[str]:
    said = [f"  the provider says ${entry.cost_provider_usd}"] if entry.cost_provider_usd is not None else []
    if entry.unpriced and entry.usage != Usage():
        return ["cost        unpriced: add the model under [[prices]] in dd0c.toml", *said]
    if entry.cost_picodollars is None or entry.price is None:
        return ["cost        none", *said]
    price = entry.price
    report = [f"cost        ${entry.cost_usd}   (price {price.get('id')}, {price.get('source')}, {price.get('date')})"]
    if bill is not None:
        report += [
            f"  {line.name:<15} {line.tokens:>10} x ${line.rate_usd_per_mtok}/M = ${_usd(line.picodollars)}"
            for line in bill.lines
        ]
    elif entry.cost_picodollars:
        report.append("  (today's prices do not itemise it; the recorded cost stands)")
    if entry.cost_billable_picodollars not in (None, entry.cost_picodollars):
        report.append(f"  the provider will bill ${_usd(entry.cost_billable_picodollars or 0)}")
    if entry.saved_picodollars:
        report.append(f"  saved ${_usd(entry.saved_picodollars)} against {entry.requested_model}")
    return report + said


def _usd(picodollars: int) -> str:
    from dd0c_route.pricing import usd

    return usd(picodollars)
