"""`init`: a first `dd0c.toml` that explains itself."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dd0c_route.cli.keys_found import KEY_VARIABLES, keys_found
from dd0c_route.cli.options import DEFAULT_CONFIG
from dd0c_route.cli.starting import write_new

_HEAD = """\
# dd0c/route. Check it with: dd0c-route check     All fields: docs/configuration.md
# Any field can also be set from the environment: DD0C_ + its path, such as DD0C_SERVER__PORT=4748.

[server]
host = "127.0.0.1"   # another address than loopback needs access_keys
port = 4747
workers = 1
# access_keys = ["sha256:…"]   # dd0c-route key new

[ledger]
url = "sqlite:///dd0c.db"   # relative to this file

# A provider's key is a reference, { env = "NAME" } or { file = "path" }, and stays where it is. Without api_key the
# caller's own credential is forwarded. A known name brings its dialect and base_url along.
"""

_ROUTES = """
# [providers.local]
# dialect = "openai"   # openai | anthropic | gemini | …
# base_url = "http://127.0.0.1:9000/v1"

# Routes: the first match decides; without one the model asked for is called unchanged. Start in mode "shadow": the
# ledger then shows what the route would have chosen, and nothing changes.
#
# [[routes]]
# match = { model = "gpt-4o" }
# candidates = ["openai/gpt-4o", "openai/gpt-4o-mini"]
# policy = "cheapest-capable"
# floor = 0.9      # lowest acceptable probability of a good answer
# mode = "shadow"  # off | shadow | canary | on
"""


def starter(keys: dict[str, str]) -> str:
    """The file's text. *keys*: provider -> the variable that holds its key; these tables are active."""
    tables = []
    for provider, variables in KEY_VARIABLES.items():
        variable = keys.get(provider)
        mark = "" if variable else "# "
        table = f'[providers.{provider}]\napi_key = {{ env = "{variable or variables[0]}" }}'
        tables.append("\n" + "\n".join(mark + line for line in table.splitlines()) + "\n")
    return _HEAD + "".join(tables) + _ROUTES


@click.command("init")
@click.option("--config", "config_path", metavar="FILE", default=DEFAULT_CONFIG, show_default=True, help="Where to.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(config_path: str, force: bool) -> None:
    """Write a commented dd0c.toml (readable by you alone) from the keys found in the environment.

    It refers to the keys by the names of their variables; their values are neither written nor shown.
    """
    path = Path(config_path)
    keys = keys_found(os.environ)
    write_new(path, starter(keys), force=force)
    for provider, variable in keys.items():
        click.echo(f"found {variable}: [providers.{provider}] refers to it")
    if not keys:
        click.echo("no provider key found in the environment: uncomment a [providers.…] table and set its variable")
    click.echo(f"wrote {path}. Next: dd0c-route check, then dd0c-route serve")
