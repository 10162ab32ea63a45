"""Figures in documents: what stands between two marks is replaced by what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def put(document: Path, mark: str, lines: Sequence[str]) -> None:
    """Replace what stands between `<!-- MARK -->` and `<!-- end of MARK -->`."""
    text = document.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    if not after:
        raise SystemExit(f"{document} has no '{begin.strip()}' … '{end}'")
    document.write_text(before + begin + "\n".join(lines) + "\n" + end + after, encoding="utf-8")
