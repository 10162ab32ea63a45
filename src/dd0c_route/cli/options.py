"""What several commands share: the options, and where the configuration is found."""

from __future__ import annotations

from pathlib import Path

import click

DEFAULT_CONFIG = "dd0c.toml"

config_option = click.option(
    "--config", "config_path", metavar="FILE", help=f"The configuration; without it {DEFAULT_CONFIG}, if it is there."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a text for people.")


def found_config(config_path: str | None) -> str | None:
    """The configuration named, else the one in the current folder, else None."""
    if config_path is not None:
        return config_path
    return DEFAULT_CONFIG if Path(DEFAULT_CONFIG).exists() else None
