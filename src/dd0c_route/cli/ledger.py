"""Reading the ledger: it is found by the configuration, and needs none of its secrets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dd0c_route.cli.options import found_config

if TYPE_CHECKING:
    from dd0c_route.config import Loaded
    from dd0c_route.ledger.bodies import Bodies
    from dd0c_route.ledger.store import Store
    from dd0c_route.types import Entry

ledger_option = click.option("--ledger", "ledger_url", metavar="URL", help="Another ledger than the configuration's.")


def settings_without_secrets(config_path: str | None) -> Loaded:
    """The configuration as far as reading needs it."""
    from dd0c_route.config import load_without_secrets
    from dd0c_route.upstream.providers import known

    path = found_config(config_path)
    return load_without_secrets(Path(path) if path is not None else None, os.environ, known())


def shown(text: str) -> str:
    """*text* for one line of a terminal: names come from clients, and none may steer the reader's screen."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def moment(text: str, option: str) -> str:
    """The lowest id of the time that *option* names: an age or RFC 3339.

    Raises:
        BadParameter: It is neither.
    """
    from dd0c_route.ledger.store import id_at, moment_ns

    try:
        return id_at(moment_ns(text, time.time_ns()))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint=option) from None


@contextmanager
def opened_store(config_path: str | None, ledger_url: str | None) -> Iterator[Store]:
    """The ledger's store, which must be there already: reading makes nothing."""
    from dd0c_route.ledger import database, open_store

    loaded = settings_without_secrets(config_path)
    url = ledger_url or loaded.config.ledger.url
    path = database(url, loaded.base_dir)
    if not path.exists():
        raise click.ClickException(f"there is no ledger at {path} yet: 'dd0c-route serve' makes it")
    store = open_store(url, loaded.base_dir)
    try:
        yield store
    finally:
        store.close()


def bodies_path(config_path: str | None, ledger_url: str | None) -> Path:
    """Where the ledger's bodies are kept, if any are."""
    from dd0c_route.ledger.bodies import bodies_file

    loaded = settings_without_secrets(config_path)
    return bodies_file(ledger_url or loaded.config.ledger.url, loaded.base_dir)


def bodies_named(entry_id: str, config_path: str | None, ledger_url: str | None) -> Bodies | None:
    """What is kept of what one call said and was answered."""
    from dd0c_route.ledger.bodies import opened

    with opened(bodies_path(config_path, ledger_url)) as store:
        return store.get(entry_id)


def entry_named(store: Store, entry_id: str) -> Entry:
    """The entry of this id, or the newest one for `last`.

    Raises:
        ClickException: There is none.
    """
    from dd0c_route.ledger.store import Filter

    if entry_id == "last":
        entry = next(iter(store.entries(Filter(limit=1, confirmed=True)).entries), None)
    else:
        entry = store.entry(entry_id, confirmed=True)
    if entry is None:
        raise click.ClickException(f"no entry '{entry_id[:64]}' in the ledger: 'dd0c-route requests' lists them")
    return entry
