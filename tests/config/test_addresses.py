"""Addresses of providers as the configuration takes them: what is a fault, what a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.config import load
from dd0c_route.config.addresses import NETS, customer, literal
from dd0c_route.errors import ConfigError


def warnings(tmp_path: Path, url: str, more: str = "") -> tuple[str, ...]:
    path = tmp_path / "dd0c.toml"
    path.write_text(f'[providers.acme]\ndialect = "openai"\nbase_url = "{url}"\n{more}\n')
    return load(path, {}, {}, {}).warnings


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001", "a_b..c", "a%2fb", "a\\\\\\\\b"])
def test_a_host_that_resolvers_read_in_their_own_way_is_a_fault(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match=r"providers\.acme\.base_url: "):
        warnings(tmp_path, f"https://{host}/v1")


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "100.100.100.200"])
def test_an_address_that_gives_out_a_machines_credentials_is_a_fault(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="is no address that a provider can have"):
        warnings(tmp_path, f"http://{host}/v1", "allow_private = true\nallow_plain = true")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "vllm:8000", "10.1.2.3", "[::1]:9", "gpu.internal"])
def test_plain_http_in_ones_own_net_is_taken_without_a_word(tmp_path: Path, host: str) -> None:
    assert warnings(tmp_path, f"http://{host}/v1") == ()


@pytest.mark.parametrize("host", ["api.example.com", "8.8.8.8:8000", "[2606:4700::1]"])
def test_plain_http_to_a_public_place_is_warned_of_unless_it_is_allowed(tmp_path: Path, host: str) -> None:
    (warning,) = warnings(tmp_path, f"http://{host}/v1")
    assert warning.startswith("providers.acme.base_url: http:// would send key and prompt in the clear to ")
    assert warnings(tmp_path, f"http://{host}/v1", "allow_plain = true") == ()
    assert (
        warnings(tmp_path, f"http://{host}/v1", "allow_private = true") == ()
    )  # there it is looked at when connecting
    assert warnings(tmp_path, f"https://{host}/v1") == ()


def test_smaller_nets_are_looked_at_first() -> None:
    lengths = [net.prefixlen for net, _ in NETS]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("peer", "whose"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_of_ipv6_a_network_is_one_customers(peer: str, whose: str) -> None:
    address = literal(peer)
    assert address is not None
    assert customer(address) == whose
