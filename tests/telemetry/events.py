"""Every event that the log can say, with its fields: found in the source, so that a new one is tested as it comes."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "dd0c_route"
_LOGGED_BY = {"log", "_safely", "_report"}
_NO_FIELDS = {"level", "kind", "tb", None}


def said_in_the_source() -> dict[str, set[str]]:
    """Event → its fields, of every place of the source that logs.

    Raises:
        AssertionError: An event or a field's name is made at run time, so that nobody could list it.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in _LOGGED_BY and _is_ours(path, node):
                event, fields = _event(path, node)
                found.setdefault(event, set()).update(fields)
    return found


def _is_ours(path: Path, node: ast.Call) -> bool:
    """`_report` and `_safely` are the hooks'; there, the event is handed on from one function to the next."""
    name = ast.unparse(node.func)
    return (path.name == "hooks.py" or name == "log") and ast.unparse(node.args[0]) != "event"


def _event(path: Path, node: ast.Call) -> tuple[str, set[str]]:
    where = f"{path.relative_to(SOURCE)}:{node.lineno}"
    event = node.args[0]
    assert isinstance(event, ast.Constant), f"{where}: an event's name stands in the source"
    assert len(node.args) <= 2 or ast.unparse(node.func) != "log", f"{where}: fields have names"
    assert all(keyword.arg for keyword in node.keywords), f"{where}: no field comes out of a table"
    fields = {keyword.arg for keyword in node.keywords} - _NO_FIELDS
    if ast.unparse(node.func) == "_report":
        fields.add("traceback")
    return str(event.value), {field for field in fields if field is not None}
