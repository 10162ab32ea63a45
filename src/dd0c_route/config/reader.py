"""From a tree of plain values to the typed settings, collecting every fault on the way instead of the first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import inspect as kinds

from dd0c_route.config import checks, references
from dd0c_route.config.settings import SECRETS, AccessKey, Config, Provider
from dd0c_route.config.values import Fault, Text, described, did_you_mean, scalar, shown, structured

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_NOTHING: Any = object()  # what a value at fault is read as; its fault is noted


class Reader:
    """Reads one configuration.

    Attributes:
        faults: What makes it unusable, in the order of the settings; empty when all is well.
        warnings: What works, but should not stay.
        secret_files: Where secrets were read from.
    """

    def __init__(self, base_dir: Path, environ: Mapping[str, str], known: Mapping[str, Mapping[str, Any]]) -> None:
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self.secret_files: list[Path] = []
        self._base_dir = base_dir
        self._environ = environ
        self._known = known

    def config(self, tree: dict[str, Any]) -> Config:
        """Read the whole; where a value is at fault its default stands in, so that the rest can be checked too."""
        config: Config = self._read(kinds.type_info(Config), tree, "")
        return config

    def _read(self, kind: kinds.Type, value: Any, path: str) -> Any:
        try:
            return self._typed(kind, value, path)
        except Fault as fault:
            self._fault(path, value, str(fault))
            return _NOTHING

    def _typed(self, kind: kinds.Type, value: Any, path: str) -> Any:
        match kind:
            case kinds.StructType(cls=cls) if cls is AccessKey:
                self._note_file(value)
                return references.access_key(value, self._base_dir, self._environ, self._warn(path))
            case kinds.CustomType():
                return self._secret(value, path)
            case kinds.StructType():
                return self._struct(kind, self._table(value), path)
            case kinds.DictType():
                return self._dict(kind, self._table(value), path)
            case kinds.VarTupleType():
                return self._tuple(kind, value, path)
            case kinds.UnionType(types=types) if any(isinstance(one, kinds.CustomType) for one in types):
                return self._secret(value, path)
            case _:
                return scalar(kind, value)

    def _secret(self, value: Any, path: str) -> Any:
        self._note_file(value)
        return references.secret(value, self._base_dir, self._environ, self._warn(path))

    def _note_file(self, value: Any) -> None:
        """Remember the file that a reference names, so that a change of it is noticed."""
        name = value.get("file") if isinstance(value, dict) else None
        name = name.value if isinstance(name, Text) else name
        if isinstance(name, str) and name and "\0" not in name:
            self.secret_files.append(self._base_dir / name)

    def _fault(self, path: str, value: Any, message: str) -> None:
        origin = f" ({value.origin})" if isinstance(value, Text) else ""
        self.faults.append(f"{path}{origin}: {message}")

    def _struct(self, kind: kinds.StructType, table: dict[str, Any], path: str, **given: Any) -> Any:
        fields = {field.name: field for field in kind.fields if field.name not in given}
        values = dict(given)
        for name, field in fields.items():
            if name in table:
                value = self._field(kind.cls, field, table[name], _join(path, name))
                if value is not _NOTHING:
                    values[name] = value
            elif field.required:
                self.faults.append(f"{_join(path, name)}: is missing: expected {described(field.type)}")
        for name in (name for name in table if name not in fields):
            near = did_you_mean(name, fields)
            self._fault(_join(path, name), table[name], f"unknown field '{_brief(name)}'{near}")
        if any(field.required and name not in values for name, field in fields.items()):
            return _NOTHING
        try:
            return kind.cls(**values)
        except (TypeError, ValueError) as error:  # the struct's own rule
            raise Fault(str(error)) from None

    def _field(self, cls: type, field: kinds.Field, value: Any, path: str) -> Any:
        """One field: its type, then the rule that its type cannot say."""
        read = self._read(field.type, value, path)
        if read is _NOTHING:
            return read
        try:
            return checks.field(cls, field.name, read, self._base_dir)
        except Fault as fault:
            self._fault(path, value, str(fault))
            return _NOTHING

    def _provider(self, kind: kinds.StructType, name: str, table: dict[str, Any], path: str) -> Any:
        """A known provider's row, overlaid with the operator's table."""
        if not _PROVIDER_NAME.fullmatch(name):
            raise Fault("a provider's name is letters, digits and single - or _ between them")
        row = {key: value for key, value in self._known.get(name, {}).items() if key in Provider.__struct_fields__}
        if name not in self._known and not {"dialect", "base_url"} <= table.keys():
            near = did_you_mean(name, self._known)
            hint = near if "did you mean" in near else ""
            self.faults.append(f"{path}: '{name}' is no known provider, so it needs dialect and base_url{hint}")
            row = {"dialect": "openai", "base_url": "http://stand-in.invalid"}  # to read on; the fault is noted
        return self._struct(kind, _merged(row, table), path, name=name)

    def _dict(self, kind: kinds.DictType, table: dict[str, Any], path: str) -> dict[str, Any]:
        item = kind.value_type
        result = {}
        for name, value in table.items():
            inner = f"{path}.{_brief(name)}"
            try:
                if isinstance(item, kinds.StructType) and item.cls is Provider:
                    read = self._provider(item, name, self._table(value), inner)
                else:
                    read = self._read(item, value, inner)
            except Fault as fault:
                self.faults.append(f"{inner}: {fault}")
                continue
            if read is not _NOTHING:
                result[name] = read
        return result

    def _tuple(self, kind: kinds.VarTupleType, value: Any, path: str) -> tuple[Any, ...]:
        if isinstance(value, Text):
            value = _listed(value)
        if not isinstance(value, list | tuple):
            raise Fault(f"expected {described(kind)}, got {shown(value)}")
        items = [self._read(kind.item_type, item, f"{path}[{index}]") for index, item in enumerate(value)]
        return tuple(item for item in items if item is not _NOTHING)

    def _table(self, value: Any) -> dict[str, Any]:
        if isinstance(value, Text) and value.value.startswith("{"):
            value = structured(value)
        if not isinstance(value, dict):
            raise Fault(f"expected a table, got {'a text' if isinstance(value, str | Text) else shown(value)}")
        return value

    def _warn(self, path: str) -> references.Warn:
        return lambda message: self.warnings.append(f"{path}: {message}")


def _listed(text: Text) -> Any:
    """A list as text: `[…]`, or its items with commas between them."""
    if text.value.startswith("["):
        return structured(text)
    return [Text(item.strip(), text.origin) for item in text.value.split(",") if item.strip()]


def _merged(row: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """*table* over *row*; tables inside them are merged too, but a reference to a secret is one value."""
    result = dict(row)
    for name, value in table.items():
        inner = result.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict) and name not in SECRETS
        result[name] = _merged(inner, value) if both else value  # type: ignore[arg-type]  # `both` says so
    return result


def _join(path: str, name: str) -> str:
    return f"{path}.{_brief(name)}" if path else _brief(name)


def _brief(name: str) -> str:
    """A name for a message: on one line, and bounded."""
    return name if name.isprintable() and len(name) <= 40 else f"{name[:40]!r}…"
