"""Every error has what its readers need, and says whose fault it is in one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest

from dd0c_route import errors
from dd0c_route.errors import ConfigError, RouteError, UpstreamError, UpstreamTimeout
from dd0c_route.types import EndState


def kinds(kind: type[RouteError] = RouteError) -> Iterator[type[RouteError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


KINDS = list(kinds())


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_can_be_answered_and_recorded(kind: type[RouteError]) -> None:
    assert 400 <= kind.status <= 599
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert kind.end_state in get_args(EndState)
    assert kind.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_whose_fault_it_is_shows_in_the_status(kind: type[RouteError]) -> None:
    assert (kind.side == "client") is (kind.status < 500)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clients_fault_costs_nothing_and_is_not_tried_elsewhere(kind: type[RouteError]) -> None:
    if kind.side == "client":
        assert kind.end_state in ("denied", "client_gone")
        assert not kind.retryable


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_a_provider_did_not_do_is_tried_elsewhere(kind: type[RouteError]) -> None:
    if kind.retryable:
        assert issubclass(kind, UpstreamError)
    if issubclass(kind, UpstreamError):
        assert kind.side == "upstream"
        assert kind.end_state == ("timed_out" if issubclass(kind, UpstreamTimeout) else "upstream_failed")


def test_each_code_means_one_thing() -> None:
    """Two classes may share a code only where they are told to the reader alike."""
    statuses: dict[str, set[int]] = {}
    for kind in KINDS:
        statuses.setdefault(kind.code, set()).add(kind.status)

    assert all(len(found) == 1 for found in statuses.values()), statuses


@pytest.mark.parametrize("name", ["UpstreamUnreachable", "UpstreamBusy", "UpstreamConnectTimeout"])
def test_without_a_connection_nothing_was_sent(name: str) -> None:
    assert getattr(errors, name)("synthetic").sent is False


def test_otherwise_the_provider_may_have_seen_it() -> None:
    assert UpstreamError("synthetic").sent is True


def test_the_faults_of_a_configuration_stand_line_by_line() -> None:
    error = ConfigError(["server.port: one", "routes[0]: two"])

    assert error.faults == ["server.port: one", "routes[0]: two"]
    assert error.message == "server.port: one\nroutes[0]: two" == str(error)
