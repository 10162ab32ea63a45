"""What Gemini counts for the tools of a request."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.tokens.frames.gemini_rows import Band, Row, either, several, table
from dd0c_route.tokens.frames.reading import Sum, string

UNSEEN: Band = (0, 0, 100_000)  # what the provider keeps, runs or fetches
_REFERENCES = 64  # of a schema that are followed


def add_tool(tool: Any, row: Row, total: Sum) -> None:
    """Function declarations count by the constants of *row*; what the provider runs itself cannot be seen."""
    for name in table(tool):
        if name not in ("functionDeclarations", "function_declarations"):
            total.add(UNSEEN)
    for declaration in several(either(tool, "functionDeclarations")):
        _add_function(table(declaration), row, total)


def _add_function(declaration: dict[str, Any], row: Row, total: Sum) -> None:
    before = len(total.texts)
    total.texts.append(string(declaration.get("name", "")))
    description = declaration.get("description")
    if description:
        total.texts.append(string(description))
        total.tokens += row.described
    own = [declaration[name] for name in ("parameters", "response") if declaration.get(name)]
    json = either(declaration, "parametersJsonSchema")
    if own or json:
        total.tokens += row.function if own or row.read_json else 0
    else:
        total.tokens += row.bare
    for schema in own:
        _Schema(schema, row, row.kind, total).add(schema)
    if json and row.read_json:
        _Schema(json, row, 0, total).add(json)
    share = int(row.tools_share * sum(map(len, total.texts[before:])) / 4)
    unread = int(len(msgspec.json.encode(json)) / 4) if json and not row.read_json else 0
    total.below += row.tools_band[0] + share
    total.above += row.tools_band[1] + share + unread


class _Schema:
    """Adds what counts of one schema, in Google's own form or as JSON schema."""

    def __init__(self, root: Any, row: Row, kind: int, total: Sum) -> None:
        self._definitions = table(root).get("$defs") or table(root).get("definitions") or {}
        self._row = row
        self._kind = kind
        self._total = total
        self._left = _REFERENCES

    def add(self, schema: Any, *, inside: bool = False) -> None:
        if not isinstance(schema, dict):
            return
        row, total = self._row, self._total
        if isinstance(reference := schema.get("$ref"), str):
            self._left -= 1
            if self._left >= 0:
                self.add(table(self._definitions).get(reference.rpartition("/")[2]), inside=inside)
        total.tokens += self._kind
        for name, tokens in (("format", 0), ("description", row.described), ("title", row.titled)):
            if isinstance(text := schema.get(name), str) and text and (name != "title" or tokens):
                total.texts.append(text)
                total.tokens += tokens
        choices = [choice for choice in several(schema.get("enum")) if isinstance(choice, str)]
        required = [name for name in several(schema.get("required")) if isinstance(name, str)]
        total.texts += choices + required
        total.tokens += row.choice * len(choices) + row.list * bool(required)
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties:
            total.tokens += row.property * len(properties) + row.nested * inside
            total.tokens += row.optional * len(properties.keys() - set(required))
            for name, inner in properties.items():
                total.texts.append(name)
                self.add(inner, inside=True)
        if items := schema.get("items"):
            total.tokens += row.array
            self.add(items, inside=True)
        for alternative in several(schema.get("anyOf")):
            self.add(alternative, inside=True)
