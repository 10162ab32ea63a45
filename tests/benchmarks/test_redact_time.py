"""The lines that are measured are what they are said to be."""

from __future__ import annotations

from benchmarks.redact_time import LINE_BYTES, LINES, microseconds, texts
from dd0c_route.redact import redact_sensitive


def test_lines_without_a_secret_have_none_and_the_others_have() -> None:
    for name, text in texts().items():
        assert (len(text) == LINE_BYTES) == (name in LINES)
        assert ("[redacted:" in redact_sensitive(text)) == (name == "a line with a key")


def test_a_line_takes_time() -> None:
    assert microseconds(next(iter(texts().values())), runs=2) > 0
