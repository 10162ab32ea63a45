"""`explain`: one entry in full: why this model, which attempts, what it used, what that cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Struct

from dd0c_route.cli.ledger import bodies_named, entry_named, ledger_option, opened_store, shown
from dd0c_route.cli.options import config_option, json_option
from dd0c_route.types import Usage

if TYPE_CHECKING:
    from dd0c_route.ledger.bodies import Body
    from dd0c_route.types import Entry, PriceLine, Repricing


@click.command("explain")
@click.argument("entry_id", metavar="ID|last")
@click.option("--bodies", "with_bodies", is_flag=True, help="Also what was said and answered, where it is stored.")
@ledger_option
@config_option
@json_option
def command(
    entry_id: str, with_bodies: bool, ledger_url: str | None, config_path: str | None, as_json: bool
) -> None:  # fmt: skip
    """Show one entry of the ledger: its id is the answer's header x-dd0c-request-id, or 'last'."""
    with opened_store(config_path, ledger_url) as store:
        entry = entry_named(store, entry_id)
    bodies = bodies_named(entry.id, config_path, ledger_url) if with_bodies else None
    if as_json:
        said = {**msgspec.to_builtins(entry), "bodies": bodies} if with_bodies else entry
        click.echo(msgspec.json.encode(said))
        return
    paragraphs = (_heading(entry), _decision(entry), _attempts(entry), _usage(entry), _cost(entry), _feedback(entry))
    for paragraph in filter(None, paragraphs):
        click.echo("\n".join(map(shown, paragraph)) + "\n")
    if with_bodies:
        for name in ("request", "answer"):
            body = getattr(bodies, name) if bodies is not None else None
            click.echo("\n".join(map(shown, _body(name, body))) + "\n")


def _body(name: str, body: Body | None) -> list[str]:
    """One side's words, and how much of them they are."""
    if body is None:
        return [f"{name:<11} not kept: see [ledger] bodies"]
    if body.text is None:
        return [f"{name:<11} {body.bytes} bytes, left out: {body.left_out or 'there were none'}"]
    cut = ", only the beginning is kept" if body.cut else ""
    return [f"{name:<11} {body.bytes} bytes{cut}", *(f"  {line}" for line in body.text.splitlines())]


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
        *([f"  secrets   {_secrets(entry)}"] if entry.prompt_secrets else []),
        *([f"  about     {entry.shadow_of}: a call of the router's own"] if entry.shadow_of else []),
    ]


def _secrets(entry: Entry) -> str:
    found = ", ".join(f"{count} {rule}" for rule, count in entry.prompt_secrets.items())
    return f"in the prompt, {entry.prompt_secrets_were}: {found}"


def _decision(entry: Entry) -> list[str]:
    decision = entry.decision
    if not decision:
        return ["decision    none: the call did not come that far"]
    lines = [f"decision    {decision.get('verdict')}: {decision.get('reason')}"]
    if decision.get("fault"):
        lines.append(f"  fault     of the brain: {decision['fault']}")
    if decision.get("dropped"):
        lines.append(f"  dropped   in translation: {', '.join(decision['dropped'])}")
    if decision.get("kind"):
        form = f", {decision['form']} asked for" if decision.get("form") else ""
        lines.append(f"  request   {decision['kind']}{form}")
    if decision.get("policy"):
        mode = f", {decision['mode']}" if decision.get("mode") else ""
        lines.append(
            f"  policy    {decision['policy']} (route {decision.get('route')}{mode}), {decision.get('decide_us')} µs"
        )
    if decision.get("gate") is not None:
        lines.append(f"  odds      {decision['gate']:.0%} by texts like this one, the rest by each model's mean")
    for candidate in decision.get("candidates", ()):
        lines += _candidate(candidate)
    if decision.get("promise"):
        lines.append(f"  promise   {', '.join(f'{name} {value}' for name, value in decision['promise'].items())}")
    if decision.get("control"):
        lines.append("  control   kept to measure against: one of the calls that chance takes out")
    if decision.get("shadow"):
        lines.append(f"  shadow    would have chosen {decision['shadow']}")
    return lines


def _candidate(candidate: dict[str, Any]) -> list[str]:
    """One candidate, what is cached of the prompt, and what rules it out."""
    odds, cost = candidate.get("p_good"), candidate.get("expected_cost_picodollars")
    good = "good: not known" if odds is None else f"good: {odds:.2f}"
    if candidate.get("learned"):
        good += f" ({candidate['learned']:+.2f} learned here)"
    price = "no price" if cost is None else f"expected ${_usd(cost)}"
    price += " (no price: the worst case)" if candidate.get("unpriced") else ""
    if candidate.get("expected_output") is not None:
        price += f" with {candidate['expected_output']} tokens of answer"
    lines = [f"  candidate {candidate.get('target')}: {good}, {price}"]
    if candidate.get("cached_share"):
        lines.append(f"            {candidate['cached_share']:.0%} of the prompt is in its cache")
    if candidate.get("switch_cost_picodollars"):
        lines.append(f"            of that ${_usd(candidate['switch_cost_picodollars'])} for what is cached elsewhere")
    if candidate.get("failing"):
        lines.append(f"            {candidate['failing']:.0%} of its tries fail lately: what then answers is in that")
    if candidate.get("ruled_out"):
        lines.append(f"            ruled out: {candidate['ruled_out']}")
    return lines


def _attempts(entry: Entry) -> list[str]:
    lines = [f"attempts    {len(entry.attempts)}"]
    for attempt in entry.attempts:
        ended = f" to {attempt.ended_ms:.1f}" if attempt.ended_ms is not None else ""
        outcome = attempt.error or (f"status {attempt.status}" if attempt.status is not None else "no answer")
        connection = f", connection {attempt.connection}" if attempt.connection else ""
        lines.append(f"  {attempt.target}: {outcome}, {attempt.started_ms:.1f}{ended} ms{connection}")
        if attempt.billable_input_tokens:
            due = attempt.billable_picodollars
            price = "no price" if due is None else f"${_usd(due)}"
            lines.append(f"            may be billed all the same: {attempt.billable_input_tokens} tokens, {price}")
    return lines


def _usage(entry: Entry) -> list[str]:
    lines = [
        f"usage       {_counts(entry.usage) or 'no tokens'}; source: {entry.usage_source}{_between(entry.error_band)}",
        f"  output    delivered {entry.delivered_output_tokens} tokens ({entry.delivered_bytes} bytes), "
        f"received {entry.received_output_tokens}, "
        f"billable {entry.billable_output_tokens}{_between(entry.billable_band)}",
    ]
    if entry.usage_media is not None:
        lines.append(f"  media     of them {_counts(entry.usage_media)}")
    if entry.server_tools is not None:
        lines.append(f"  tools     of the provider: {_counts(entry.server_tools)}")
    if not entry.usage_consistent:
        lines.append("  doubtful  the parts of the provider's report do not make up its total")
    return lines


def _cost(entry: Entry) -> list[str]:
    if entry.unpriced and entry.usage != Usage():
        return [
            "cost        unpriced: add the model under [[prices]] in dd0c.toml, "
            f"then run 'dd0c-route reprice --since {entry.at[:10]}'",
            *_said(entry),
        ]
    if entry.cost_picodollars is None or entry.price is None:
        return ["cost        none", *_said(entry)]
    report = [f"cost        ${entry.cost_usd}   (price {_row(entry.price)})", *map(_line, entry.price_lines)]
    if entry.not_priced:
        report.append(f"  without a rate: {', '.join(entry.not_priced)}")
    if entry.cost_picodollars and not entry.price_lines:
        report.append("  (not itemised: written by an earlier version; 'dd0c-route reprice' does)")
    if entry.cost_billable_picodollars not in (None, entry.cost_picodollars):
        report.append(f"  the provider will bill ${_usd(entry.cost_billable_picodollars or 0)}")
        report += [f"  {_line(line)}" for line in entry.billable_lines]
    if entry.saved_picodollars:
        row = f" ({_row(entry.baseline_price)})" if entry.baseline_price is not None else ""
        report.append(f"  saved ${_usd(entry.saved_picodollars)} against {entry.requested_model}{row}")
    return [*report, *_said(entry), *map(_before, entry.repriced)]


def _feedback(entry: Entry) -> list[str]:
    """What was said of the answer; nothing where nobody did."""
    lines = []
    for label in entry.feedback:
        whose = f" on {label.target}" if label.target else ""
        failed = ", ".join(name for name, passed in label.checks.items() if not passed)
        lines.append(
            f"  {label.score:<9.3g} {label.kind} of {label.source}{whose}{f': failed {failed}' if failed else ''}"
        )
    return ["feedback    0 is bad, 1 is good", *lines] if lines else []


def _said(entry: Entry) -> list[str]:
    """What the provider itself charged, and by how much that differs where it is more than a rounding."""
    from dd0c_route.ledger.money import NOTABLE, provider_difference

    if entry.cost_provider_usd is None:
        return []
    off = provider_difference(entry)
    return [
        f"  the provider says ${entry.cost_provider_usd}"
        + (f": {off:+.1%} against ours" if off is not None and abs(off) > NOTABLE else "")
    ]


def _before(one: Repricing) -> str:
    cost = "unpriced" if one.cost_picodollars is None else f"${_usd(one.cost_picodollars)}"
    row = f" ({_row(one.price)})" if one.price is not None else ""
    return f"  until {one.at[:19]} it was {cost}{row}; {one.reason}"


def _line(line: PriceLine) -> str:
    per = "/M" if line.unit == "token" else f" a million of '{line.unit}'"
    return f"  {line.name:<15} {line.tokens:>10} x ${line.rate_usd_per_mtok}{per} = ${_usd(line.amount_picodollars)}"


def _row(price: dict[str, Any]) -> str:
    tier = price.get("tier")
    named = [price.get("id"), price.get("source"), price.get("date"), tier if tier != "standard" else None]
    return ", ".join(str(part) for part in named if part)


def _counts(counts: Struct) -> str:
    return ", ".join(f"{name} {count}" for name, count in msgspec.structs.asdict(counts).items() if count)


def _between(band: tuple[int, int] | None) -> str:
    return f" (between {band[0]} and {band[1]})" if band is not None else ""


def _usd(picodollars: int) -> str:
    from dd0c_route.pricing import usd

    return usd(picodollars)
