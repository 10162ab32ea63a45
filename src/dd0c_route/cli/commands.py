"""The list of commands, and what becomes of their errors: one clear line on stderr, 1 for failed, 2 for wrong usage."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from dd0c_route import __version__
from dd0c_route.errors import ConfigError, RouteError

# Name -> what it does. Each is `command` in the module of its name; `--help` imports none of them.
COMMANDS = {
    "up": "Start the router as it is: your configuration, the keys in the environment, or a simulated provider.",
    "serve": "Run the router until it is told to stop.",
    "init": "Write a commented dd0c.toml from the keys found in the environment.",
    "check": "Validate a configuration: each fault with its path and the fix.",
    "doctor": "Say what is wrong with this installation, and how to mend it.",
    "connect": "Point a client (Claude Code, Codex, aider, …) to the router; undo that.",
    "run": "Run one command whose calls go through the router.",
    "statusline": "For Claude Code's status line: what this session cost, and what was saved.",
    "import": "Turn another gateway's configuration into a dd0c.toml.",
    "requests": "List the ledger's entries, newest first.",
    "explain": "Show one entry: why this model, which attempts, what it cost.",
    "forget": "Delete stored bodies of calls; their entries stay.",
    "feedback": "Say how good an answer was, so that its route learns.",
    "reprice": "Price the ledger's entries anew, after a price came or was corrected.",
    "route": "Decide for requests on stdin as 'serve' would, without a call.",
    "brain": "Fit a predictor to labels; ask one how likely each model answers a prompt well.",
    "price": "Price usage on stdin.",
    "prices": "List the catalogue, explain a price, compare with another catalogue.",
    "count": "Count the tokens of requests or texts on stdin.",
    "redact": "Copy stdin to stdout with every secret masked.",
    "key": "Make access keys for the router itself.",
    "simulate": "Run the simulated provider.",
}


class _Commands(click.Group):
    """Imports a command when it is called, so that the others cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = import_module(f"dd0c_route.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="dd0c-route")
def commands() -> None:
    """dd0c/route, an LLM cost router: one address before your providers, each call billed to the token."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code: 0, 1 failed, 2 wrong usage, 130 interrupted."""
    if not {"-h", "--help", "--version"} & set(arguments):  # those print fixed texts, and should be fast
        from dd0c_route.redact import hooks

        hooks.install("cli")
    try:
        outcome: Any = commands.main(list(arguments), prog_name="dd0c-route", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except click.Abort:
        return 130
    except ConfigError as error:
        _say("the configuration cannot be used:", *error.faults)
        return 1
    except RouteError as error:
        _say(error.message)
        return 1
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output has had enough: no fault of anybody
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return 1
        _say(f"{error.strerror or type(error).__name__}{f': {error.filename}' if error.filename else ''}")
        return 1
    return outcome if isinstance(outcome, int) else 0


def _say(line: str, *more: str) -> None:
    """An error on stderr. It may repeat what the user typed or wrote, so it goes through the redactor."""
    from dd0c_route.redact import redact_sensitive

    text = "\n".join([f"error: {line}", *(f"  {one}" for one in more)])
    click.echo(redact_sensitive(text), err=True)
