"""Lay single settings over the tree that the file gave: the environment first, then the command line.

`DD0C_` + the path in capitals, parts joined by `__`: `DD0C_PROVIDERS__LOCAL__BASE_URL`, `DD0C_ROUTES__0__FLOOR`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from dd0c_route.config.settings import SECRETS, Config
from dd0c_route.config.values import Fault, Text, did_you_mean

PREFIX = "DD0C_"
# The test suite's own; a router that it starts sees them, too.
NOT_SETTINGS = frozenset(
    {
        *("DD0C_CANARY_ALL", "DD0C_COMPATIBILITY", "DD0C_CORPUS", "DD0C_CORPUS_ALL"),
        *("DD0C_DISCONNECTS", "DD0C_DOOR", "DD0C_FAULTS", "DD0C_FAULTS_ALL", "DD0C_FAULTS_MB"),
        *("DD0C_KILL_ROUNDS", "DD0C_NO_SKIP", "DD0C_SEED", "DD0C_XSS"),
    }
)


class Assignment(Struct, frozen=True):
    """One setting from outside the file.

    Attributes:
        parts: Its path; from the environment in capitals, else as written.
    """

    parts: tuple[str, ...]
    value: Any
    origin: str


def from_environ(environ: Mapping[str, str]) -> list[Assignment]:
    """All settings in *environ*, in the order of their names."""
    return [
        Assignment(tuple(name.removeprefix(PREFIX).split("__")), Text(environ[name], name), name)
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    ]


def from_options(options: Mapping[str, object]) -> list[Assignment]:
    """Settings by dotted path (`server.port`), as the command line gives them."""
    return [
        Assignment(tuple(path.split(".")), Text(value, "command line") if isinstance(value, str) else value, path)
        for path, value in options.items()
    ]


def lay(tree: dict[str, Any], assignment: Assignment, provider_names: Iterable[str]) -> None:
    """Set one value in *tree*, in place; tables on the way are made. Unknown fields are found later, with the types.

    Raises:
        Fault: The path leads through something that is no table, or beyond the end of a list.
    """
    if assignment.parts[0].lower() not in Config.__struct_fields__:
        raise Fault(f"no such setting{_near_setting(assignment)}")
    node: Any = tree
    names: Iterable[str] = Config.__struct_fields__
    for part, following in pairwise(assignment.parts):
        key = _existing(part, node, names)
        if key in SECRETS:
            _place(node, key, {})  # one reference replaces the other, or a literal
        node = _step(node, key, [] if following.isdecimal() else {})
        names = provider_names if key == "providers" else ()
    _place(node, _existing(assignment.parts[-1], node, names), assignment.value)


def environment_names() -> list[str]:
    """The variables of all settings whose path is fixed."""
    sections = zip(Config.__struct_fields__, Config.__struct_defaults__, strict=True)
    return [
        f"{PREFIX}{section}__{field}".upper()
        for section, default in sections
        if isinstance(default, Struct)
        for field in default.__struct_fields__
    ]


def _existing(part: str, node: Any, names: Iterable[str]) -> str:
    """The key of *node* that *part* means: `MY_LOCAL` is `my-local` where that exists."""
    for name in (*(node if isinstance(node, dict) else ()), *names):
        if part in (name, name.upper().replace("-", "_")):
            return str(name)
    return part.lower()


def _step(node: Any, key: str, new: Any) -> Any:
    if isinstance(node, list) and (index := _index(node, key)) is not None:
        if index == len(node):
            node.append(new)
        return node[index]
    if isinstance(node, dict):
        return node.setdefault(key, new)
    raise Fault("its path leads through something that is no table")


def _place(node: Any, key: str, value: Any) -> None:
    if isinstance(node, list) and (index := _index(node, key)) is not None:
        node[index : index + 1] = [value]
    elif isinstance(node, dict):
        node[key] = value
    else:
        raise Fault("its path leads through something that is no table")


def _index(node: list[Any], key: str) -> int | None:
    """A position in *node*; its end appends."""
    if not key.isdecimal() or len(key) > 4:
        return None
    if (index := int(key)) > len(node):
        raise Fault(f"there are only {len(node)} of them: the next is {len(node)}")
    return index


def _near_setting(assignment: Assignment) -> str:
    if isinstance(assignment.value, Text) and assignment.origin.startswith(PREFIX):
        near = did_you_mean(assignment.origin, environment_names())
        return near if "did you mean" in near else ": its path is the field's, joined by '__' (DD0C_SERVER__PORT)"
    return did_you_mean(assignment.parts[0], Config.__struct_fields__)
