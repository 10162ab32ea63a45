"""The table of clients: what it names is as the rest of the brain knows it."""

from __future__ import annotations

from datetime import date

from dd0c_route.brain.clients import clients
from dd0c_route.brain.kinds import AUXILIARY

KINDS = AUXILIARY | {"main", "subagent"}


def test_every_row_leads_to_a_kind_and_has_its_source_and_day() -> None:
    for hint in clients().hints.values():
        assert set(hint.values.values()) | ({hint.any} if hint.any else set()) <= KINDS
        assert hint.source
        assert date(2026, 1, 1) <= hint.checked
    for row in clients().wordings:
        assert row.kind in KINDS
        assert all(word == word.lower() for word in row.words)
        assert row.source


def test_names_of_headers_are_in_lower_case_and_values_are_too() -> None:
    known = clients()
    assert all(name == name.lower() for name in known.sessions | known.parts)
    for header, hint in known.hints.items():
        assert header == header.lower()
        assert all(value == value.lower() for value in hint.values)
        assert header.startswith(("x-", "openai-"))  # what is looked at
