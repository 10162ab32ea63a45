"""How many clients there is room for."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from dd0c_route.proxy.room import OF_A_CLIENT, RESERVED, most_clients


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    ("descriptors", "configured", "most"),
    [
        (RESERVED + OF_A_CLIENT * 50, 10_000, 50),
        (RESERVED + OF_A_CLIENT * 50 - 1, 10_000, 49),
        (RESERVED + OF_A_CLIENT * 50, 49, 49),
        (RESERVED, 10_000, 1),  # one is better than none
    ],
)
def test_each_client_needs_its_descriptors_beside_our_own(descriptors: int, configured: int, most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    assert most_clients(configured) == most
