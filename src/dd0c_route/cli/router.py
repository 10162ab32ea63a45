"""Where the running router is, for the commands that point others to it, and whether it answers."""

from __future__ import annotations

import http.client
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from dd0c_route.cli.options import config_option, found_config

DEFAULT_PORT = 4747
_WAIT_S = 2.0

State = Literal["ready", "locked", "other", "away"]


def router_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which router is meant."""
    url = click.option("--url", metavar="URL", help="The router's address; else that of the configuration.")
    return url(config_option(function))


def address(url: str | None, config_path: str | None) -> str:
    """The router's address without a slash at its end: *url*, else `[server]` of the environment and configuration.

    Raises:
        click.UsageError: *url* is none.
    """
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise click.UsageError(f"--url: expected http://host:port, got {url!r}")
        return url.rstrip("/").removesuffix("/v1")
    server = _server(config_path)
    host = os.environ.get("DD0C_SERVER__HOST") or str(server.get("host", "127.0.0.1"))
    port = os.environ.get("DD0C_SERVER__PORT") or str(server.get("port", DEFAULT_PORT))
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _server(config_path: str | None) -> dict[str, Any]:
    """The table `[server]` alone: whether the rest can be used is `check`'s business."""
    path = found_config(config_path)
    if path is None:
        return {}
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("server", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} is no TOML: {error}") from None
    return table if isinstance(table, dict) else {}


def state(router: str) -> State:
    """What answers at *router*: the router (`locked`: it asks for an access key), something else, nothing."""
    parts = urlsplit(router)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_WAIT_S)
    try:
        connection.request("GET", f"{parts.path}/api/v1/brain")
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return "away"
    finally:
        connection.close()
    if answer.getheader("x-dd0c-request-id") is None:
        return "other"
    return "locked" if answer.status == 401 else "ready"
