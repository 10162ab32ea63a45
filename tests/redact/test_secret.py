"""`types.Secret`: a credential that cannot be printed by accident, and the few places that may read it."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import pytest

from dd0c_route.types import Secret

VALUE = "a value that must not be seen"
SOURCE = Path(__file__).parents[2] / "src" / "dd0c_route"

# Where a credential becomes bytes on the wire, a digest, or something to mask. Add a place only with its reason.
REVEALED_IN = {
    "redact/registry.py": "what to mask",
    "upstream/dial.py": "the header for an HTTP proxy, on a tunnel",
    "upstream/pool.py": "the same, on a plain request",
    "upstream/signing.py": "the provider's own header, and the signature of a request to AWS",
}


@dataclass
class Holder:
    key: Secret


SHOWN: dict[str, Callable[[Secret], str]] = {
    "str": str,
    "repr": repr,
    "f-string": lambda secret: f"{secret}",
    "f-string with =": lambda secret: f"{secret=}",
    "format spec": lambda secret: f"{secret:>60}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - the old way is what is looked at
    "list": lambda secret: repr([secret]),
    "dict": lambda secret: repr({"key": secret}),
    "dataclass": lambda secret: repr(Holder(secret)),
    "exception": lambda secret: "".join(traceback.format_exception(ValueError(secret))),
}


@pytest.mark.parametrize("how", SHOWN)
def test_a_secret_shows_its_fingerprint_only(how: str) -> None:
    shown = SHOWN[how](Secret(VALUE))
    assert Secret(VALUE).fingerprint() in shown
    assert not any(VALUE[i : i + 6] in shown for i in range(len(VALUE) - 5))


@pytest.mark.parametrize(
    "way",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.to_builtins,
        bytes,
        lambda secret: VALUE + secret,
        lambda secret: "".join([secret]),
        lambda secret: asdict(Holder(secret)),
        vars,
        list,
        len,
    ],
)
def test_a_secret_cannot_be_copied_into_anything_else(way: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError):
        way(Secret(VALUE))


def test_a_secret_equals_no_string() -> None:
    assert Secret(VALUE) != VALUE
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert {Secret(VALUE)} == {Secret(VALUE)}
    assert VALUE not in {Secret(VALUE): 1}


def test_an_empty_secret_is_no_secret() -> None:
    assert not Secret("")
    assert Secret(VALUE)


def test_the_value_is_read_in_few_places_only() -> None:
    places = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    ]
    assert set(places) <= REVEALED_IN.keys()
    assert len(places) == len(set(places)) <= 4, places


def test_nobody_reaches_around_reveal() -> None:
    """`secret._value` from outside; a class's own `self._value` is something else."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in SOURCE.rglob("*.py")
        if path.name != "types.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "_value" and ast.unparse(node.value) != "self"
    ]
    assert not wrong
