"""What a message shows of a value that is wrong."""

from __future__ import annotations

import pytest

from dd0c_route.config.values import shown


@pytest.mark.parametrize("value", ["aB3xK9mQ2zR7tV5wY1nL8pD4sF6gH0jC3vB9xZ2q", "0123456789abcdef0123456789abcdef"])
def test_what_may_be_a_secret_in_the_wrong_place_is_shown_by_its_beginning(value: str) -> None:
    assert shown(value) == f'"{value[:4]}…"'


@pytest.mark.parametrize("value", ["yes", "4747x", "cheapest capable", "https://api.test/v1/of-2026"])
def test_what_is_none_is_shown(value: str) -> None:
    assert shown(value) == f'"{value}"'
