"""`redact`: a filter that masks secrets."""

from __future__ import annotations

import codecs
import io
import sys
from typing import cast

import click

_CHUNK_BYTES = 64 << 10  # what a pipe holds


@click.command("redact")
def command() -> None:
    """Copy stdin to stdout with every secret masked, as the router masks its own logs.

    Bytes that are not UTF-8 pass as they are.
    """
    from dd0c_route.redact import StreamRedactor

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    redactor = StreamRedactor()
    source = cast(io.BufferedReader, sys.stdin.buffer)
    while chunk := source.read1(_CHUNK_BYTES):  # what is there, so that a slow writer is not waited for
        _write(redactor.feed(decoder.decode(chunk)))
    _write(redactor.feed(decoder.decode(b"", final=True)) + redactor.end())


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
