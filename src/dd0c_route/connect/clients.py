"""What is known of each client, read from `clients.toml` and `environment.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """One key of a client's file (the fields are explained in `clients.toml`)."""

    path: tuple[str, ...]
    value: Any
    unless_there: bool = False
    where: dict[str, str] = {}
    instead_of: tuple[str, ...] = ()
    with_variable: str = ""
    without_variable: str = ""


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """One program that can be connected (the fields are explained in `clients.toml`)."""

    title: str
    program: str
    folder: str
    names: tuple[str, ...]
    form: str
    address: tuple[str, ...]
    expects: str
    environment: dict[str, str]
    elsewhere: tuple[str, ...]
    files_before: tuple[str, ...]
    credential: str
    arguments: tuple[str, ...]
    version: str
    source: str
    checked: date
    settings: tuple[Setting, ...]
    folder_variable: str = ""
    folder_inside: str = ""
    default_name: str = ""
    starter: str = ""
    beside: Client | None = None

    def wanted(self, router: str, command: str, environ: Mapping[str, str]) -> tuple[Setting, ...]:
        """The settings that hold where these variables are set, with their values filled in."""
        return tuple(
            msgspec.structs.replace(one, value=filled(one.value, router, command))
            for one in self.settings
            if (not one.with_variable or environ.get(one.with_variable))
            and not (one.without_variable and environ.get(one.without_variable))
        )


@cache
def clients() -> dict[str, Client]:
    """By the name that the command line takes."""
    return msgspec.convert(_load("clients.toml"), dict[str, Client])


def variables(router: str, *, running: bool = False) -> dict[str, str]:
    """The environment that points programs to *router*; *running*: with what only `run` sets."""
    tables = _load("environment.toml")
    wanted = {**tables["variables"], **(tables["run"] if running else {})}
    folder = str(files(__package__))
    return {name: filled(value, router, data=folder) for name, value in wanted.items()}


def filled(value: Any, router: str, command: str = "", **more: str) -> Any:
    """*value* with the router's address in the place of `{router}`, in every text of it."""
    if isinstance(value, dict):
        return {key: filled(item, router, command, **more) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    for name, text in {"router": router, "command": command, **more}.items():
        value = value.replace(f"{{{name}}}", text)
    return value


@cache
def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
