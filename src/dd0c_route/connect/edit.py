"""A client's settings put into its file's text, one by one, each one checked against what it should have become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from dd0c_route.connect import dotenv, jsonc, toml, yaml
from dd0c_route.connect.clients import Setting
from dd0c_route.connect.forms import CannotEdit, Form, Path

_FORMS: dict[str, Form] = {"jsonc": jsonc, "toml": toml, "yaml": yaml, "dotenv": dotenv}
_BOM = "\ufeff"
_MISSING = object()
_MOST_LEVELS = 100


class Change(NamedTuple):
    """One value that becomes another; *before* is None where nothing was there."""

    path: str
    before: Any
    after: Any


class Edit(NamedTuple):
    """A file's text with the settings in it, and what that changed."""

    text: str
    changes: tuple[Change, ...]


def edited(form: str, text: str, settings: Sequence[Setting]) -> Edit:
    """*text* with *settings* in it; a byte-order mark, line ends, comments and order stay.

    Raises:
        CannotEdit: The text is not of this form, a value stands where a table is needed, or the result would not be
            the same values with these changes.
    """
    kind = _FORMS[form]
    mark = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    changes = []
    for setting in settings:
        values = kind.read(text)
        for path in _paths(values, setting):
            before = _at(values, path)
            if before == setting.value or (setting.unless_there and before is not _MISSING):
                continue
            if path[-1] == "+" and setting.value in _listed(values, path):
                continue
            text = _put(kind, text, path, setting.value)
            shown = ".".join(map(str, path))
            changes.append(Change(shown, None if before is _MISSING else before, setting.value))
    return Edit(mark + text, tuple(changes))


def found(form: str, text: str, path: Sequence[str]) -> list[Any]:
    """What stands at *path* in *text*; `*` stands for each item of a list.

    Raises:
        CannotEdit: The text is not of this form.
    """
    values = _FORMS[form].read(text.removeprefix(_BOM))
    return [value for one in _spread(values, path, {}) if (value := _at(values, one)) is not _MISSING]


def _put(kind: Form, text: str, path: Path, value: Any) -> str:
    """*value* put into *text*; refused if that changed anything else."""
    expected = _with(kind.read(text), path, value)
    changed = kind.put(text, path, value)
    if kind.read(changed) != expected:
        raise CannotEdit(f"cannot set '{'.'.join(map(str, path))}' without changing other parts of it")
    return changed


def _paths(values: Any, setting: Setting) -> Iterator[Path]:
    for path in _spread(values, setting.path, setting.where):
        there = _at(values, path)
        if "*" in setting.path and there is not _MISSING and there not in (*setting.instead_of, setting.value):
            continue
        yield path


def _spread(values: Any, path: Sequence[str], where: dict[str, str]) -> Iterator[Path]:
    if "*" not in path:
        yield tuple(path)
        return
    at = list(path).index("*")
    items = _at(values, path[:at])
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict) and all(item.get(name) == value for name, value in where.items()):
            yield (*path[:at], number, *path[at + 1 :])


def _at(values: Any, path: Path) -> Any:
    for key in path:
        inside = isinstance(values, dict) and key in values
        if not inside and not (isinstance(values, list) and isinstance(key, int) and key < len(values)):
            return _MISSING
        values = values[key]
    return values


def _listed(values: Any, path: Path) -> list[Any]:
    there = _at(values, path[:-1])
    return there if isinstance(there, list) else []


def _with(values: Any, path: Path, value: Any) -> Any:
    """A copy of *values* with *value* at *path*; a new item of a list comes first."""
    values = inner = _copied(values)
    for number, key in enumerate(path[:-1]):
        below: Any = [] if path[number + 1] == "+" else {}
        if isinstance(inner, dict):
            inner = inner.setdefault(key, below)
        elif isinstance(inner, list) and isinstance(key, int):
            inner = inner[key]
    if isinstance(inner, list) and path[-1] == "+":
        inner.insert(0, value)
    elif isinstance(inner, dict) and path[-1] != "+":
        inner[path[-1]] = value
    else:
        raise CannotEdit(f"'{'.'.join(map(str, path[:-1]))}' holds something else than is needed there")
    return values


def _copied(values: Any, level: int = 0) -> Any:
    """A copy in which nothing stands twice: a change at one place must not be one at another."""
    if level > _MOST_LEVELS:
        raise CannotEdit(f"is nested more than {_MOST_LEVELS} deep")
    if isinstance(values, dict):
        return {key: _copied(value, level + 1) for key, value in values.items()}
    return [_copied(value, level + 1) for value in values] if isinstance(values, list) else values
