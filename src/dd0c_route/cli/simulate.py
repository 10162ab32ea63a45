"""`simulate`: the simulated provider."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("simulate")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=4748, show_default=True, help="0 takes a free one.")
@click.option("--recordings", type=_FOLDER, metavar="DIR", help="Replay the recorded exchanges in this folder.")
@click.option("--script", type=_FILE, metavar="FILE", help="Behaviour for calls without an x-sim header.")
def command(host: str, port: int, recordings: Path | None, script: Path | None) -> None:
    """Run a provider that costs nothing: OpenAI, Anthropic and Gemini dialects, JSON and SSE.

    A request's header x-sim scripts its answer, such as 'ttft_ms=200; chunks=50; chunk_ms=20'.
    """
    from dd0c_route.upstream import simulator

    try:
        simulator.main(host, port, recordings, script)
    except simulator.ScriptError as error:
        raise click.ClickException(str(error)) from None
