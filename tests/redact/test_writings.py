# ruff: noqa: RUF001 - letters of other scripts that look like Latin ones stand beside the keys on purpose
"""Recall where keys turn up in practice: shells, configuration files, logs, markup, prose of other scripts."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dd0c_route.redact import redact_sensitive
from tests.redact.synthetic import RULES, credential

KEYS_EACH = 4
SINGLE_WORD = [rule for rule in RULES.format if rule.name != "private-key"]
# As a part of a longer word a key of these cannot be told from the word's other parts.
NOT_WITHIN_WORDS = frozenset(("mailgun", "pk-rk", "telegram"))
WITHIN_WORDS = ("within snake case", "dashes")

WRITINGS: dict[str, Callable[[str], str]] = {
    "full stop": lambda key: f"Incorrect key {key}.",
    "backticks": lambda key: f"use `{key}` here",
    "bold": lambda key: f"**{key}**",
    "export": lambda key: f"export FOO='{key}'",
    "dotenv": lambda key: f"FOO={key}\nBAR=1",
    "yaml": lambda key: f"foo: {key}\nbar: 1",
    "toml": lambda key: f'foo = "{key}"',
    "path of an address": lambda key: f"https://a.test/x/{key}/y?z=1",
    "csv": lambda key: f"1,{key},2",
    "html": lambda key: f"<td>{key}</td>",
    "json": lambda key: json.dumps({"message": f"bad {key}\nnext"}),
    "json log of a json log": lambda key: json.dumps({"log": json.dumps({"message": f"\t{key}\n"})}),
    "traceback": lambda key: f'  File "a.py", line 3\nValueError: bad header {key!r}',
    "curl": lambda key: f"curl -s https://a.test/v1 -H 'X-Token: {key}' -d @body.json",
    "url password": lambda key: f"amqp://user:{key.replace('/', '%2F')}@mq.test:5672/v",
    "Chinese": lambda key: f"密钥{key}无效",
    "Chinese punctuation": lambda key: f"密钥：{key}，无效",
    "Russian": lambda key: f"ключ{key}",
    "right to left": lambda key: f"\u202bالمفتاح {key}\u202c",
    "twice": lambda key: f"{key} {key}",
    "parentheses": lambda key: f"({key})",
    "angles": lambda key: f"<{key}>",
    "ellipsis": lambda key: f"...{key}...",
    "semicolon": lambda key: f"x={key};",
    "tildes": lambda key: f"~{key}~",
    "em dashes": lambda key: f"—{key}—",
    "typographic quotes": lambda key: f"“{key}”",
    "terminal colours": lambda key: f"\x1b[31m{key}\x1b[0m",
    "table": lambda key: f"|{key}|",
    "diff": lambda key: f"+{key}",
    "within snake case": lambda key: f"x_{key}",
    "dashes": lambda key: f"-{key}-",
    "end of text": lambda key: f"x {key}",
    "windows line ends": lambda key: f"a\r\n{key}\r\nb",
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_shape_is_recognised_in_every_writing(writing: str) -> None:
    rules = [rule for rule in SINGLE_WORD if writing not in WITHIN_WORDS or rule.name not in NOT_WITHIN_WORDS]
    keys = [(rule.name, credential(rule.shape, seed)) for rule in rules for seed in range(KEYS_EACH)]
    leaked = [(name, key) for name, key in keys if _reads(key, redact_sensitive(WRITINGS[writing](key)))]
    print(f"{writing}: {len(keys) - len(leaked)} of {len(keys)} keys of {len(rules)} formats masked")
    assert len(leaked) <= 0.005 * len(keys), leaked[:3]


def test_the_check_sees_a_key_that_is_not_masked() -> None:
    key = credential("sk-{A40}", 1)
    assert all(_reads(key, write(key)) for write in WRITINGS.values())


@pytest.mark.parametrize(
    "shape",
    ["acme_{A36}", "newvendor-{A40}", "lab_prod_{A48}", "tk_live_{A32}", "ab12_{A64}", "sk-{A17}", "sk-acme-{A32}"],
)
def test_a_vendor_that_nobody_knows_is_told_by_its_prefix(shape: str) -> None:
    for seed in range(20):
        key = credential(shape, seed)
        assert not _reads(key, redact_sensitive(f"the key {key}, which was refused"))


def test_several_keys_on_one_line_are_masked_one_by_one() -> None:
    keys = [credential(rule.shape, 1) for rule in SINGLE_WORD]
    clean = redact_sensitive(", ".join(keys))
    assert clean.count("[redacted:") == len(keys)
    assert clean.count(", ") == len(keys) - 1


def test_a_key_of_which_a_terminal_marks_a_part_is_masked_whole() -> None:
    key = credential("sk-ant-api03-{W93}AA", 2)
    assert redact_sensitive(f"x \x1b[01;31m{key[:9]}\x1b[m\x1b[K{key[9:]} y").endswith("[redacted:anthropic] y")


def _reads(key: str, text: str) -> bool:
    """Whether sixteen characters of *key* in a row stand in *text*."""
    return any(key[i : i + 16] in text for i in range(max(1, len(key) - 15)))
