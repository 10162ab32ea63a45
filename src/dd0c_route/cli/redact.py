"""`redact`: a filter that masks secrets."""

from __future__ import annotations

import codecs
import os
import select
import sys

import click

_CHUNK_BYTES = 64 << 10  # what a pipe holds
_PAUSE_S = 0.1  # after which whole lines go out: somebody who follows a log waits for them


@click.command("redact")
@click.option("--count", is_flag=True, help="At the end say on stderr how many secrets of which rule were masked.")
@click.option("--json", "as_json", is_flag=True, help="With --count: as JSON.")
def command(count: bool, as_json: bool) -> None:
    """Copy stdin to stdout with every secret masked, as the router masks its own logs.

    Bytes that are not UTF-8 pass as they are. Whole lines go out as soon as the input pauses.
    """
    from dd0c_route.redact import StreamRedactor

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    redactor = StreamRedactor()
    source = sys.stdin.fileno()
    while True:
        if redactor.held and not select.select([source], [], [], _PAUSE_S)[0]:
            _write(redactor.lines())
        chunk = os.read(source, _CHUNK_BYTES)  # what is there
        if not chunk:
            break
        _write(redactor.feed(decoder.decode(chunk)))
    _write(redactor.feed(decoder.decode(b"", final=True)) + redactor.end())
    if count:
        _say(redactor.masked, as_json)


def _write(text: str) -> None:
    if text:
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def _say(masked: dict[str, int], as_json: bool) -> None:
    import json

    total = sum(masked.values())
    rules = ", ".join(f"{number} {rule}" for rule, number in sorted(masked.items()))
    click.echo(
        json.dumps({"masked": total, "rules": masked})
        if as_json
        else f"{total} masked" + (f": {rules}" if rules else ""),
        err=True,
    )
