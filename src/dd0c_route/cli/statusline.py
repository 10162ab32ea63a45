"""`statusline`: the command around `session_line.py`, which the entry point calls directly where it can."""

from __future__ import annotations

import click


@click.command("statusline")
def command() -> int:
    """Print one line for Claude Code's status line, from the JSON that it gives on stdin.

    It shows what the session cost, what the models asked for would have cost, and who answered last. The router is
    the one that ANTHROPIC_BASE_URL names, else http://127.0.0.1:4747. 'dd0c-route connect claude-code' sets it up.
    """
    from dd0c_route.cli.session_line import main

    return main()
