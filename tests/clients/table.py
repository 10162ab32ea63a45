"""The table of `docs/compatibility.md`, written by the run that `DD0C_COMPATIBILITY` names the file of."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

BEGIN, END = "<!-- clients: begin -->", "<!-- clients: end -->"
COLUMNS = ("JSON", "stream", "tools", "error", "cancel", "other dialect")
HEAD = ("client", "version", "dialect", *COLUMNS, "run on")
DIALECTS = {
    "openai.chat": "chat",
    "openai.responses": "Responses",
    "anthropic.messages": "Messages",
    "gemini.generate": "Gemini",
    "bedrock.converse": "Converse",
}

Outcomes = defaultdict[str, defaultdict[str, set[str]]]  # client, column: how its tests ended


def none_yet() -> Outcomes:
    """Before the first test."""
    return defaultdict(lambda: defaultdict(set))


def rewritten(text: str, outcomes: Outcomes, known: Mapping[str, tuple[str, str]], day: datetime.date) -> str:
    """*text* with the cells that were tested; others stay, if the client is *known* and its version the same.

    Args:
        known: Each client, in the table's order: its version and what the router calls its API.
    """
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    rows = {cells[0]: cells for line in old.splitlines() if (cells := [cell.strip() for cell in line.split("|")[1:-1]])}
    for client, columns in outcomes.items():
        if client in known and not any("skipped" in ended for ended in columns.values()):
            version, api = known[client]
            kept = rows.get(client, [])
            kept = kept[3:-1] if kept[1:2] == [version] else ["—"] * len(COLUMNS)
            tested = [
                _cell(columns[name]) if name in columns else cell for name, cell in zip(COLUMNS, kept, strict=True)
            ]
            rows[client] = [client, version, DIALECTS[api], *tested, day.isoformat()]
    table = [HEAD, ["---"] * len(HEAD), *(rows[client] for client in known if client in rows)]
    return "\n".join([before + BEGIN, *(f"| {' | '.join(cells)} |" for cells in table), END]) + after


def _cell(ended: set[str]) -> str:
    return "✓" if ended == {"passed"} else "✗"


def write(path: Path, outcomes: Outcomes, known: Mapping[str, tuple[str, str]]) -> None:
    """Bring the table in *path* up to date."""
    day = datetime.datetime.now(datetime.UTC).date()
    path.write_text(rewritten(path.read_text("utf-8"), outcomes, known, day), "utf-8")
