"""Who counts as one client, and what all of them hold together."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.proxy.crowd import Crowd, Uploads, address_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.1", 5000), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5000, 0, 0), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 5000, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::/64"),
        (("127.0.0.1", 5000), None),
        (("127.9.9.9", 5000), None),
        (("::1", 5000, 0, 0), None),
        (("::ffff:127.0.0.1", 5000, 0, 0), None),
        ("", None),
        (b"", None),
        (None, None),
        ("/run/some.sock", None),
    ],
)
def test_a_client_is_an_address_and_this_machine_is_none(peer: Any, address: str | None) -> None:
    assert address_of(peer) == address


def test_an_address_is_forgotten_with_its_last_connection() -> None:
    crowd = Crowd()
    assert [crowd.join("a"), crowd.join("b"), crowd.join("a")] == [1, 1, 2]
    crowd.leave("a")
    assert crowd.join("a") == 2
    for address in "aab":
        crowd.leave(address)
    assert crowd.join("a") == 1


def test_no_more_is_held_than_there_is_room_for() -> None:
    uploads = Uploads()
    assert uploads.take(60, 100)
    assert not uploads.take(41, 100)
    assert uploads.take(40, 100)
    uploads.give_back(100)
    assert uploads.held == 0
