"""`docs/reference.md` names what the program has, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dd0c_route.cli.commands import COMMANDS
from dd0c_route.console.api import _READERS
from dd0c_route.errors import RouteError
from dd0c_route.proxy import app, call
from dd0c_route.redact.log import FIELDS, Level, Role
from dd0c_route.telemetry import Metrics
from dd0c_route.types import Attempt, EndState, Entry, Media, PriceLine, ServerTools, Usage, UsageSource
from tests.ledger.examples import an_entry
from tests.test_telemetry import NOW

PAGE = (Path(__file__).parents[1] / "docs" / "reference.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def words(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def rows(section: str, column: int = 0) -> set[str]:
    """The words in one column of a section's tables."""
    cells = [line.split(" | ")[column] for line in SECTIONS[section].splitlines() if line.startswith("| `")]
    return {word for cell in cells for word in words(cell)}


def errors(kind: type[RouteError] = RouteError) -> Iterator[type[RouteError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from errors(below)


def test_every_field_of_an_entry_is_described() -> None:
    assert rows("Entries") == set(Entry.__struct_fields__) | set(get_args(EndState))
    assert words(SECTIONS["Entries"]) >= {*Usage.__struct_fields__, *Attempt.__struct_fields__, *get_args(UsageSource)}


def test_every_medium_and_every_server_tool_is_described() -> None:
    assert rows("Media and server tools") == {*Media.__struct_fields__, *ServerTools.__struct_fields__}


@pytest.mark.parametrize("kind", list(errors()))
def test_every_error_is_described_with_its_status(kind: type[RouteError]) -> None:
    (row,) = [line for line in SECTIONS["Errors"].splitlines() if line.startswith(f"| `{kind.code}` |")]
    assert str(kind.status) in row.split("|")[2]


def test_no_error_is_described_that_does_not_exist() -> None:
    assert rows("Errors") == {kind.code for kind in errors()}


def test_every_metric_is_described_with_its_labels() -> None:
    metrics = Metrics()
    known: dict[str, Any] = {
        "price_lines": (PriceLine("input", 1, "1", 1),),
        "cost_provider_usd": "1",
        "usage_consistent": False,
    }
    metrics.observe([an_entry(unpriced=True, baseline_picodollars=1, cost_billable_picodollars=1, **known)])
    families = {
        family.name + ("_total" if family.type == "counter" else ""): {
            label for sample in family.samples for label in sample.labels if label != "le"
        }
        for family in text_string_to_metric_families(metrics.render(NOW).decode())
    }
    described = {
        name: words(line.split(" | ")[1])
        for line in SECTIONS["Metrics"].splitlines()
        if line.startswith("| `")
        for name in words(line.split(" | ")[0])
    }
    assert described == families


def test_every_field_of_the_log_is_described() -> None:
    heading = {"time", "level", "role", "event"}
    assert words(SECTIONS["Log"]) == heading | set(FIELDS) | set(get_args(Level)) | set(get_args(Role))


def test_every_command_is_described() -> None:
    assert {cell.split()[0] for cell in rows("Commands")} == set(COMMANDS)


def test_every_address_is_described() -> None:
    named = {word.removeprefix("POST ").removeprefix("GET ") for word in words(SECTIONS["Addresses"])}
    assert named >= {*call.ADDRESSES, *app._OPEN, *_READERS}
    assert all(any(word.startswith(path) for word in named) for path in app._CONTROL)
