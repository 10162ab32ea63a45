from __future__ import annotations

import pytest

from dd0c_route.console.api import BadParameter, read_filter
from dd0c_route.ledger.store import Filter, id_at

NOW = 1_800_000_000_000_000_000


def test_without_parameters_the_newest_are_asked_for() -> None:
    assert read_filter([], NOW) == Filter()


def test_every_parameter_has_its_place() -> None:
    wanted = read_filter(
        [
            ("limit", "7"), ("since", "2h"), ("before", "dd_0"), ("provider", "acme"), ("model", "m"),
            ("end_state", "timed_out"), ("session", "s"), ("tag", "team=core=a"), ("tag", "beta"),
        ],
        NOW,
    )  # fmt: skip
    assert wanted == Filter(
        limit=7,
        since=id_at(NOW - 7200 * 10**9),
        before="dd_0",
        provider="acme",
        model="m",
        end_state="timed_out",
        session="s",
        tags=(("team", "core=a"), ("beta", "")),
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("limit", "0", "1 to 1000"),
        ("limit", "1001", "1 to 1000"),
        ("limit", "-1", "1 to 1000"),
        ("limit", "٣", "1 to 1000"),
        ("limit", "", "1 to 1000"),
        ("since", "soon", "an age like 30d"),
        ("before", "", "an age like 30d"),
        ("end_state", "done", "expected one of complete, "),
        ("provider", "", "is empty"),
        ("tag", "=x", "expected name=value"),
        ("colour", "red", "no such parameter"),
        ("session", "x" * 2000, "longer than 1000"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_expected(name: str, value: str, reason: str) -> None:
    with pytest.raises(BadParameter, match=reason) as caught:
        read_filter([(name, value)], NOW)
    assert caught.value.name == name


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(BadParameter, match="given twice"):
        read_filter([("limit", "1"), ("limit", "2")], NOW)
