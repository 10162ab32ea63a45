"""The ledger: journals that workers append to, and the store that the entries end up in.

A worker needs `ledger.journal` only; the store is loaded when it is opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dd0c_route.errors import ConfigError

if TYPE_CHECKING:
    from dd0c_route.ledger.store import Store

_SQLITE = "sqlite:///"


def open_store(url: str, base: Path = Path()) -> Store:
    """Open the store at *url*: `sqlite:///relative/to/base.db` or `sqlite:////absolute.db`; made where it is missing.

    Raises:
        ConfigError: No store goes by such an address.
        StoreUnavailable: It cannot be opened.
    """
    from dd0c_route.ledger.sqlite import SqliteStore

    return SqliteStore(database(url, base))


def journal_directory(url: str, base: Path = Path()) -> Path:
    """Where the workers of the ledger at *url* journal: `<database>.journal/` beside it.

    Raises:
        ConfigError: No store goes by such an address.
    """
    path = database(url, base)
    return path.with_name(path.name + ".journal")


def database(url: str, base: Path = Path()) -> Path:
    """The file that the ledger at *url* keeps its entries in.

    Raises:
        ConfigError: No store goes by such an address.
    """
    name = url.removeprefix(_SQLITE)
    if name == url or not name:
        raise ConfigError([f"ledger.url: {url!r} is no store: write sqlite:///dd0c.db or sqlite:////absolute/path.db"])
    return base / name
