"""The table of clients says what the run showed, and keeps what it did not run."""

from __future__ import annotations

import datetime

from tests.clients.conftest import known
from tests.clients.table import BEGIN, END, none_yet, rewritten
from tests.environments import ROOT

KNOWN = {"one": ("1.0", "openai.chat"), "two": ("2.0", "anthropic.messages")}
TEXT = f"before\n{BEGIN}\n| one | 0.9 | chat | ✓ | ✓ | ✓ | ✓ | ✓ | — | 2026-01-01 |\n{END}\nafter\n"
DAY = datetime.date(2026, 2, 3)


def test_a_client_that_ran_gets_its_line_and_the_others_keep_theirs() -> None:
    outcomes = none_yet()
    outcomes["two"]["JSON"].add("passed")
    outcomes["two"]["stream"] |= {"passed", "failed"}
    text = rewritten(TEXT, outcomes, KNOWN, DAY)
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| one | 0.9 | chat | ✓" in text
    assert "| two | 2.0 | Messages | ✓ | ✗ | — | — | — | — | 2026-02-03 |" in text
    assert rewritten(text, outcomes, KNOWN, DAY) == text


def test_what_was_not_tested_stays_as_it_was_in_the_same_version() -> None:
    outcomes = none_yet()
    outcomes["one"]["cancel"].add("failed")
    assert "| one | 1.0 | chat | — | — | — | — | ✗ | — | 2026-02-03 |" in rewritten(TEXT, outcomes, KNOWN, DAY)
    same = {"one": ("0.9", "openai.chat")}
    assert "| one | 0.9 | chat | ✓ | ✓ | ✓ | ✓ | ✗ | — | 2026-02-03 |" in rewritten(TEXT, outcomes, same, DAY)


def test_a_client_that_was_skipped_or_is_gone_says_nothing_new() -> None:
    outcomes = none_yet()
    outcomes["one"]["JSON"].add("skipped")
    assert "| one | 0.9 | chat | ✓" in rewritten(TEXT, outcomes, KNOWN, DAY)
    assert "| one |" not in rewritten(TEXT, outcomes, {"two": KNOWN["two"]}, DAY)


def test_the_table_that_is_shipped_is_of_the_versions_that_are_pinned() -> None:
    text = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    for client, (version, _) in known().items():
        assert f"| {client} | {version} |" in text
