"""Recall on generated credentials: every format, in every context in which credentials were seen to leak."""

from __future__ import annotations

import re

import pytest

from dd0c_route.redact import redact_sensitive
from dd0c_route.redact.rules import Bare, Format
from tests.redact.synthetic import BARE, NAMED, RULES, credential, leaks

KEYS_EACH = 20
SHAPES: list[Format | Bare] = [*RULES.format, *RULES.bare]
SINGLE_WORD = [rule for rule in RULES.format if rule.name != "private-key"]


@pytest.mark.parametrize("rule", RULES.format, ids=lambda rule: rule.name)
def test_a_key_in_a_sentence_is_masked_under_its_own_name_and_nothing_else_is(rule: Format) -> None:
    for seed in range(KEYS_EACH):
        key = credential(rule.shape, seed)
        assert redact_sensitive(f"the key {key} was refused") == f"the key [redacted:{rule.name}] was refused"


@pytest.mark.parametrize("rule", RULES.format, ids=lambda rule: rule.name)
def test_each_rule_names_a_head_or_a_probe_that_its_keys_hold(rule: Format) -> None:
    for seed in range(KEYS_EACH):
        key = credential(rule.shape, seed)
        head = re.match("[A-Za-z0-9]*", key)
        assert any(probe in key for probe in rule.probes) or (head is not None and head.group() in rule.heads)


@pytest.mark.parametrize("context", [*NAMED, *BARE])
def test_a_shape_is_recognised_in_every_context(context: str) -> None:
    write = (NAMED | BARE)[context]
    keys = [credential(rule.shape, seed) for rule in SINGLE_WORD for seed in range(KEYS_EACH)]
    leaked = [key for key in keys if leaks(key, redact_sensitive(write(key)))]
    assert len(leaked) <= 0.005 * len(keys), f"{len(leaked)} of {len(keys)}: {leaked[:3]}"


@pytest.mark.parametrize("context", NAMED)
def test_a_credential_without_a_shape_is_told_by_its_carrier(context: str) -> None:
    keys = [credential(rule.shape, seed) for rule in RULES.bare for seed in range(KEYS_EACH)]
    leaked = [key for key in keys if leaks(key, redact_sensitive(NAMED[context](key)))]
    assert len(leaked) <= 0.005 * len(keys), f"{len(leaked)} of {len(keys)}: {leaked[:3]}"


def test_the_leak_check_sees_what_is_not_masked() -> None:
    key = credential("sk-{A40}", 1)
    assert all(leaks(key, write(key)) for write in (NAMED | BARE).values())


@pytest.mark.parametrize(
    "text",
    [*(miss for rule in RULES.format for miss in rule.miss), *(miss for rule in RULES.carrier for miss in rule.miss)],
)
def test_look_alikes_pass_unchanged(text: str) -> None:
    assert redact_sensitive(text) == text
    assert redact_sensitive(f"see {text} there") == f"see {text} there"


def test_no_rule_stores_a_key() -> None:
    for rule in SHAPES:
        assert not re.search(r"[A-Za-z0-9]{24,}", re.sub(r"\{\w+\}", " ", rule.shape)), rule.name


def test_rules_have_names_of_their_own_and_a_source() -> None:
    names = [rule.name for rule in SHAPES]
    assert len(names) == len(set(names)) >= 44
    assert all(rule.source for rule in SHAPES)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Digest username=bob, response=6629fae49393a05397450978507c4ef1",
        "cookie: session=abc; theme=dark",
        "password=hunter2",
        '"password": "correct horse battery"',
        "host=db.test user=app password=hunter2 dbname=main",
        "postgres://app:hunter2@db.test/main",
        "redis://:hunter2@cache.test:6379/0",
        "?token=hunter2hunter2&x=1",
        "Your API key: 9f8e7d6c5b4a39281706f5e4d3c2b1a0 is wrong",
        "{'headers': {'authorization': ['Bearer abcdefgh12345678']}}",
        "aws_secret_access_key = " + credential("{B40}", 3),
        "bearer abcdef1234567890",
        "my password is hunter2!xY",
        "tool --api-key hunter2hunter2 --verbose",
        "tool --password 'hunter2!xY'",
        "<apiKey>hunter2hunter2</apiKey>",
        '<input name="api_key" value="hunter2hunter2">',
        "apiKey: `hunter2hunter2`",
        "api_key：hunter2hunter2",  # noqa: RUF001 - as Chinese is typed
        '"api_keys": ["' + credential("{A40}", 4) + '"]',
        "curl -u admin:hunter2 https://a.test",
        "machine a.test login bob password hunter2!xY",
    ],
)
def test_carriers_give_their_value_up(text: str) -> None:
    clean = redact_sensitive(text)
    assert "[redacted:" in clean
    for word in (
        "hunter2",
        "6629fae4",
        "session=abc",
        "correct horse",
        "9f8e7d6c",
        "abcdefgh1234",
        credential("{A40}", 4)[:12],
        credential("{B40}", 3)[:12],
        "abcdef123",
    ):
        assert word not in clean
