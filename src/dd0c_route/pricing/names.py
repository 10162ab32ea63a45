"""Which row of a provider a model name means: the catalogue's match rules, with the plain names in a dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

# Alternatives, of which one must hold. A text is an operator and its operand: `=` is, `^` starts with, `$` ends with,
# `*` contains, `~` regular expression. A tuple is several that must hold together.
Match = tuple[str | tuple[str, ...], ...]

_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_DATE_BEHIND_LINE = re.compile(r"_(?=20\d{2}-\d{2}-\d{2}$)")
_RESOURCES = ("models/", "publishers/", "projects/", "arn:")
# Other routes to the same model (openrouter.ai/docs, model variants); `:free` is another price, and stays.
_ROUTING = re.compile(r":(?:nitro|floor|exacto|online|thinking|extended)$")


class NameIndex:
    """The rows of one provider by name; where several match, the first in the catalogue's order is meant."""

    def __init__(self, matches: Iterable[Match]) -> None:
        self._exact: dict[str, int] = {}
        self._rules: list[tuple[int, Match]] = []
        for index, match in enumerate(matches):
            rules = tuple(rule for rule in match if not (isinstance(rule, str) and rule.startswith("=")))
            for rule in match:
                if isinstance(rule, str) and rule.startswith("="):
                    self._exact.setdefault(rule[1:], index)
            if rules:
                self._rules.append((index, rules))

    def find(self, model: str) -> int | None:
        """The row's index, or None. *model* is in lower case."""
        exact = self._exact.get(model)
        for index, rules in self._rules:
            if exact is not None and index > exact:
                break
            if any(_holds(rule, model) for rule in rules):
                return index
        return exact


def spellings(model: str, provider: str = "") -> tuple[str, ...]:
    """How the catalogue may spell *model*, the likeliest first.

    As it is; with a dashed date (`-20251211`, `_2025-12-11`); without what clients and hosts put around a name: the
    encoding of a URL, a resource's path (`models/…`, an ARN), the provider's own name, a routing suffix of OpenRouter.
    """
    name = model.lower()
    decoded = unquote(name)
    plain = decoded.rsplit("/", 1)[-1] if decoded.startswith(_RESOURCES) else decoded
    bare = plain.removeprefix(f"{provider.lower()}/") if provider else plain
    unrouted = _ROUTING.sub("", bare)
    dashed = (_DATE_BEHIND_LINE.sub("-", _COMPACT_DATE.sub(r"-\1-\2-\3", spelling)) for spelling in (plain, unrouted))
    return tuple(dict.fromkeys((name, decoded, plain, bare, unrouted, *dashed)))


def _holds(rule: str | tuple[str, ...], model: str) -> bool:
    if isinstance(rule, tuple):
        return all(_holds(part, model) for part in rule)
    operand = rule[1:]
    match rule[0]:
        case "=":
            return model == operand
        case "^":
            return model.startswith(operand)
        case "$":
            return model.endswith(operand)
        case "*":
            return operand in model
        case _:
            return re.search(operand, model) is not None
