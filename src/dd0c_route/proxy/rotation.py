"""Keys that change in their files while the router runs: short-lived tokens, and keys that are rotated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import structs

from dd0c_route.config import Config
from dd0c_route.config.settings import SECRETS
from dd0c_route.ledger.published import Watched


class SecretFiles:
    """The files that secrets were read from."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files: dict[Path, Watched] = {}
        self.watch(files)

    def watch(self, files: Iterable[Path]) -> None:
        """From now on look at *files*: those that were looked at before as they were then, and the others as they are.

        So nothing is missed that changed after it was read for the configuration that now begins.
        """
        before = self._files
        self._files = {path: before.get(path) or _as_it_is(path) for path in files}

    def changed(self) -> bool:
        """Whether one is another than when it was looked at last: a system call for each."""
        return sum(one.is_new() for one in self._files.values()) > 0  # all are looked at, also behind one that changed


def _as_it_is(path: Path) -> Watched:
    watched = Watched(path)
    watched.is_new()
    return watched


def with_secrets_of(fresh: Config, now: Config) -> Config:
    """*now* with the secrets of *fresh*, and nothing else of it: who edits the configuration says when it counts."""
    providers = {}
    for name, provider in now.providers.items():
        other = fresh.providers.get(name)
        secrets = {} if other is None else {field: getattr(other, field) for field in SECRETS}
        providers[name] = structs.replace(provider, **secrets)
    server = structs.replace(now.server, access_keys=fresh.server.access_keys)
    return structs.replace(now, providers=providers, server=server)
