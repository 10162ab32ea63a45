"""`key`: what is shown once, and what is stored."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from dd0c_route.access import is_password
from dd0c_route.cli.key import command
from dd0c_route.types import Secret

WORDS = "synthetic words for a test"


def test_the_line_of_a_password_is_of_that_password_and_does_not_show_it() -> None:
    done = CliRunner().invoke(command, ["password", "--json"], input=WORDS + "\n")
    assert done.exit_code == 0
    stored = json.loads(done.stdout)["stored"]
    assert is_password(Secret(WORDS), stored)
    assert WORDS not in done.output


@pytest.mark.parametrize("given", ["", "short\n", "eleven chars"[:11] + "\n"])
def test_a_password_that_can_be_tried_out_is_refused(given: str) -> None:
    done = CliRunner().invoke(command, ["password"], input=given)
    assert done.exit_code == 2
    assert "at least 12" in done.output


def test_the_hash_of_a_key_stands_beside_it() -> None:
    done = CliRunner().invoke(command, ["new", "--json"])
    made = json.loads(done.stdout)
    assert made["stored"].startswith("sha256:")
    assert made["key"] not in made["stored"]
