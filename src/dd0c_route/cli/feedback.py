"""`feedback`: say how good an answer was; the route that chose it learns from that."""

from __future__ import annotations

import click

from dd0c_route.cli.ledger import entry_named, ledger_option, opened_store, settings_without_secrets
from dd0c_route.cli.options import config_option, json_option


@click.command("feedback")
@click.argument("entry_id", metavar="ID|last")
@click.argument("score", metavar="good|bad|SCORE")
@click.option("--source", default="cli", show_default=True, help="Who says so; the last word of a source counts.")
@click.option("--comment", metavar="TEXT", help="Kept only where [learning] keep_comments is on.")
@ledger_option
@config_option
@json_option
def command(
    entry_id: str, score: str, source: str, comment: str | None, ledger_url: str | None, config_path: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Say how good an answer was: 'good', 'bad' or a number from 0 to 1. The router need not be running."""
    import msgspec

    from dd0c_route.clock import SystemClock
    from dd0c_route.ledger import journal_directory
    from dd0c_route.ledger.feedback import Said, label_of, note, refuse_one_too_many

    clock = SystemClock()
    loaded = settings_without_secrets(config_path)
    with opened_store(config_path, ledger_url) as store:
        entry = entry_named(store, entry_id)
    keeps = loaded.config.learning.keep_comments
    label = label_of(entry.id, Said(_number(score), source, comment), clock, keep_comment=keeps)
    refuse_one_too_many(label, entry)
    note(journal_directory(ledger_url or loaded.config.ledger.url, loaded.base_dir), label, clock)
    click.echo(msgspec.json.encode(label) if as_json else f"{label.id}: {label.score:g} from {label.source}")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
