"""The operator's password."""

from __future__ import annotations

from dd0c_route.access import is_password, stored_password
from dd0c_route.config.checks import stored_password as checked
from dd0c_route.types import Secret

WORDS = Secret("synthetic: four words and a dot.")


def test_only_the_password_itself_is_right() -> None:
    stored = stored_password(WORDS)
    assert checked(stored) == stored
    assert is_password(WORDS, stored)
    for other in ("", "synthetic: four words and a dot", stored, stored.rpartition(":")[2], "ü"):
        assert not is_password(Secret(other), stored)


def test_two_lines_of_one_password_differ_and_neither_shows_it() -> None:
    lines = {stored_password(WORDS) for _ in range(2)}
    assert len(lines) == 2
    assert not any("four" in line or WORDS.digest().hex() in line for line in lines)


def test_a_try_costs_memory() -> None:
    """2^15 blocks of 8 times 128 bytes, three times over: what makes guessing dear."""
    assert stored_password(WORDS).startswith("scrypt:15:8:3:")
