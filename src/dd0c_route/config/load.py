"""From `dd0c.toml`, the environment and the command line to one checked, frozen `Config`."""

from __future__ import annotations

import hashlib
import re
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from dd0c_route.config import checks, overlay
from dd0c_route.config.reader import Reader
from dd0c_route.config.settings import SECRETS, Config
from dd0c_route.config.values import Fault
from dd0c_route.errors import ConfigError

Known = Mapping[str, Mapping[str, Any]]

_MAX_FILE_BYTES = 1 << 20  # thousands of routes; a longer file is another one
_VERSION_CHARS = 12  # 48 bits tell apart what one operator ever writes
_AT_LINE = re.compile(r" \((at .*)\)$")


class Loaded(Struct, frozen=True):
    """A configuration that can be used.

    Attributes:
        warnings: What works but should not stay, one line each; no secret in it.
        base_dir: What its relative paths are relative to: the folder of the file, or the current one.
        version: Hex digits of a hash over the effective configuration without its secrets.
        secret_files: Where secrets were read from; a key that is rotated there is to be read again.
    """

    config: Config
    warnings: tuple[str, ...]
    base_dir: Path
    version: str
    secret_files: tuple[Path, ...] = ()


def load(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    known: Known,
) -> Loaded:
    """Read and check the whole configuration.

    Args:
        path: The TOML file; None: defaults only, and what *environ* and *overrides* set.
        environ: `DD0C_…` settings, and the variables that secrets refer to.
        overrides: By dotted path (`server.port`); they win over *environ*, and that over the file.
        known: Rows of the providers we know, by name; the operator's table is laid over its row.

    Raises:
        ConfigError: With all faults found, each with its path, the value (never of a secret) and the fix.
    """
    base_dir = _base_dir(path)
    assignments = [*overlay.from_environ(environ), *overlay.from_options(overrides)]
    tree, faults = _laid(path, assignments, known)
    loaded = _read(tree, faults, Reader(base_dir, environ, known), base_dir)
    exposed = _exposed(path, loaded.warnings) if path is not None else ()
    return structs.replace(loaded, warnings=(*loaded.warnings, *exposed))


def load_without_secrets(path: Path | None, environ: Mapping[str, str], known: Known) -> Loaded:
    """The same for whoever only reads the ledger or the prices: secrets are neither needed nor looked for.

    Raises:
        ConfigError: As `load`.
    """
    base_dir = _base_dir(path)
    tree, faults = _laid(path, overlay.from_environ(environ), known)
    providers, server = _get(tree, "providers"), _get(tree, "server")
    for table in [*(providers.values() if isinstance(providers, dict) else ()), server]:
        if isinstance(table, dict):
            for name in (*SECRETS, "access_keys"):
                table.pop(name, None)
    return _read(tree, faults, Reader(base_dir, environ, known), base_dir)


def _read(tree: dict[str, Any], faults: list[str], reader: Reader, base_dir: Path) -> Loaded:
    config = reader.config(tree)
    tables, keys = _get(tree, "providers"), _get(tree, "server", "access_keys")
    names = list(tables) if isinstance(tables, dict) else list(config.providers)
    faults = [*faults, *reader.faults, *checks.across(config, names, keys_listed=bool(keys))]
    if faults:
        raise ConfigError(faults)
    warnings = (*reader.warnings, *checks.doubts(config))
    return Loaded(config, warnings, base_dir, _version(config), tuple(reader.secret_files))


def _base_dir(path: Path | None) -> Path:
    return (path.parent if path is not None else Path()).absolute()


def _laid(
    path: Path | None, assignments: list[overlay.Assignment], names: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """The file with *assignments* laid over it, and the faults of those that have no place there."""
    tree = _tree(path) if path is not None else {}
    faults = []
    for assignment in assignments:
        try:
            overlay.lay(tree, assignment, names)
        except Fault as fault:
            faults.append(f"{assignment.origin}: {fault}")
    return tree, faults


def _tree(path: Path) -> dict[str, Any]:
    """The file as plain values."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file: 'dd0c-route init' writes one"]) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise ConfigError([f"{path}: cannot be read ({reason}): give the path of a TOML file"]) from None
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigError([f"{path}: longer than {_MAX_FILE_BYTES} bytes: is this the right file?"])
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}: line {line}: not UTF-8: save the file in that encoding"]) from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = found.group(1) if (found := _AT_LINE.search(message)) else "somewhere"
        what = _AT_LINE.sub("", message)
        raise ConfigError([f"{path}: {where}: {what} (TOML syntax; texts need quotes)"]) from None
    except (RecursionError, ValueError):  # ValueError: an integer of thousands of digits
        raise ConfigError([f"{path}: nested too deeply, or a number too long to be meant"]) from None


def _get(tree: Any, *names: str) -> Any:
    """What stands at a path of *tree*, or None, whatever shape it has."""
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _exposed(path: Path, warnings: Iterable[str]) -> tuple[str, ...]:
    """A warning if literal secrets stand in a file that others can read."""
    literal = any("stands in the file itself" in warning for warning in warnings)
    readable = path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    return (f"{path}: holds a secret and can be read by others: chmod 600",) if literal and readable else ()


def _version(config: Config) -> str:
    nothing = dict.fromkeys(SECRETS)
    bare = {name: structs.replace(provider, **nothing) for name, provider in config.providers.items()}
    content = msgspec.json.encode(structs.replace(config, providers=bare), order="sorted")
    return hashlib.sha256(content).hexdigest()[:_VERSION_CHARS]
