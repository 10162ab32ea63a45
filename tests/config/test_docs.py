"""`docs/configuration.md` names every field of the settings, with its type, its default and a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from msgspec import NODEFAULT, Struct
from msgspec import inspect as kinds

from dd0c_route.config import Config, Route, load
from dd0c_route.config.overlay import NOT_SETTINGS
from dd0c_route.config.values import described
from dd0c_route.types import Secret
from dd0c_route.upstream.providers import known
from tests.config.examples import KNOWN

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
HEADING = re.compile(r"^## .*`(\[+[^`]+\]+)`")
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<type>[^|]+) \| (?P<default>[^|]+) \| (?P<sentence>[^|]+) \|$")
GIVEN = {"name"}  # a provider's name is its table's


def documented() -> dict[str, dict[str, tuple[str, str, str]]]:
    """Table heading -> field -> type, default, sentence."""
    tables: dict[str, dict[str, tuple[str, str, str]]] = {}
    rows: dict[str, tuple[str, str, str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if found := HEADING.match(line):
            rows = tables[found[1]] = {}
        elif line.startswith("## "):
            rows = {}  # a section about something else
        elif found := ROW.match(line):
            rows[found["name"]] = (found["type"], found["default"], found["sentence"])
    return tables


def expected() -> dict[str, dict[str, tuple[str, str]]]:
    """Table heading -> field -> type, default, from the classes."""
    tables: dict[str, dict[str, tuple[str, str]]] = {}
    _walk(kinds.type_info(Config), "", tables)
    return tables


def _walk(kind: kinds.Type, path: str, tables: dict[str, dict[str, tuple[str, str]]]) -> None:
    assert isinstance(kind, kinds.StructType)
    rows: dict[str, tuple[str, str]] = {}
    for field in kind.fields:
        inner = f"{path.strip('[]')}.{field.name}" if path else field.name
        match field.type:
            case kinds.StructType():
                _walk(field.type, inner, tables)
            case kinds.DictType(value_type=kinds.StructType() as item):
                _walk(item, f"{inner}.NAME", tables)
            case kinds.VarTupleType(item_type=kinds.StructType() as item) if item.cls.__name__ != "AccessKey":
                _walk(item, f"[{inner}]", tables)
            case _ if field.name not in GIVEN:
                rows[field.name] = (type_words(field.type), default_words(field))
    if path:
        tables[f"[{path}]"] = rows


def type_words(kind: kinds.Type) -> str:
    match kind:
        case kinds.VarTupleType(item_type=kinds.StructType()):
            return "a list of hashes or secrets"
        case kinds.DictType():
            return "a table of texts"
        case kinds.UnionType(types=types) if any(isinstance(one, kinds.CustomType) for one in types):
            return "a secret"
        case _:
            return described(kind)


def default_words(field: kinds.Field) -> str:
    if field.required:
        return "(required)"
    value: Any = {} if field.default is NODEFAULT else field.default
    if value is None:
        return "none"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple | dict):
        return "empty"
    return f"`{str(value).lower()}`"


def test_every_table_is_there_and_no_other() -> None:
    assert documented().keys() == expected().keys()


@pytest.mark.parametrize("table", expected())
def test_every_field_has_its_type_its_default_and_a_sentence(table: str) -> None:
    rows = documented()[table]
    assert {name: row[:2] for name, row in rows.items()} == expected()[table]
    assert all(row[2].lstrip("*")[0].isupper() and row[2].endswith(".") for row in rows.values())


def test_no_policy_is_missing() -> None:
    policies = re.findall(
        r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (?!one of)", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    named = {name for cell in policies for name in re.findall(r"[a-z-]+", cell)}
    assert set(get_args(get_type_hints(Route)["policy"])) <= named


def test_every_known_provider_is_listed_with_what_it_brings_along() -> None:
    table = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+?) \| (abort|drain) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    listed = {name: (dialect, url.strip("`"), how) for name, dialect, url, how in table}
    assert listed.keys() == known().keys()
    for name, row in known().items():
        dialect, url, how = listed[name]
        assert (dialect, how) == (row["dialect"], row["on_disconnect"])
        assert url == row["base_url"] if "base_url" in row else url.startswith("yours")


def test_the_example_on_the_page_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "dd0c.toml"
    path.write_text(example)
    loaded = load(path, {"OPENAI_API_KEY": "synthetic", "LOCAL_KEY": "synthetic-2"}, {}, KNOWN)
    assert loaded.warnings == ()
    assert loaded.config.providers["openai"].api_key == Secret("synthetic")


def test_variables_that_are_no_settings_are_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in NOT_SETTINGS if f"`{name}`" not in page] == []


def test_every_settings_class_is_frozen_and_refuses_unknown_fields() -> None:
    def classes(kind: kinds.Type) -> list[type[Struct]]:
        match kind:
            case kinds.StructType(cls=cls, fields=fields):
                return [cls, *(one for field in fields for one in classes(field.type))]
            case kinds.DictType(value_type=item) | kinds.VarTupleType(item_type=item):
                return classes(item)
            case _:
                return []

    found = [cls for cls in classes(kinds.type_info(Config)) if cls.__name__ != "AccessKey"]
    assert all(cls.__struct_config__.frozen and cls.__struct_config__.forbid_unknown_fields for cls in found)
