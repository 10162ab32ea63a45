"""`doctor`: what is wrong with this installation."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from dd0c_route.cli.options import config_option, found_config, json_option

if TYPE_CHECKING:
    from dd0c_route.cli.findings import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "broken": "red"}


@click.command("doctor")
@config_option
@json_option
def command(config_path: str | None, as_json: bool) -> int:
    """Say what is wrong with this installation, and how to mend it. Keys are never shown.

    Looks at Python, packages, clock, limits, configuration, providers' keys, proxies, port, ledger and journal.
    The exit code is 1 if something is broken.
    """
    from dd0c_route.redact import redact_sensitive

    findings = [
        msgspec.structs.replace(one, text=redact_sensitive(one.text), fix=redact_sensitive(one.fix))
        for one in _findings(config_path)
    ]
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in findings], indent=2))
    else:
        _print(findings)
    return int(any(one.state == "broken" for one in findings))


def _findings(config_path: str | None) -> Iterator[Finding]:
    from dd0c_route import runtime
    from dd0c_route.cli.findings import Finding, of_config, of_machine
    from dd0c_route.errors import ConfigError

    yield from of_machine(time.time_ns())
    path = found_config(config_path)
    try:
        loaded = runtime.load_config(path, {})
    except ConfigError as error:
        for fault in error.faults:
            yield Finding("configuration", "broken", fault)
        return
    yield Finding("configuration", "ok", path or "no dd0c.toml here: defaults and environment")
    yield from of_config(loaded, os.environ)


def _print(findings: list[Finding]) -> None:
    for one in findings:
        # click drops colours where stdout is no terminal; NO_COLOR is the user's word for the same.
        colour = None if os.environ.get("NO_COLOR") else _COLOURS[one.state]
        click.echo(f"{click.style(f'{one.state:<8}', fg=colour)} {one.name}: {one.text}")
        if one.fix:
            click.echo(f"{'':<8} -> {one.fix}")
    broken = sum(one.state == "broken" for one in findings)
    click.echo(f"{broken} broken" if broken else "nothing is broken")
