"""Which resolved addresses a provider may have: a table of ranges, and the law that nothing private is public."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.config.addresses import NETS, is_host, is_own, literal, reach
from dd0c_route.upstream.guard import refusal

EVERY = "0.0.0.0"  # noqa: S104  # nothing is bound: Linux connects it to itself

PRIVATE = [
    "127.0.0.1", "127.8.8.8", EVERY, "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.254", "::1", "::", "fc00::1", "fdff::1", "fec0::1", "::ffff:127.0.0.1",
    "::ffff:10.1.2.3", "::127.0.0.1", "::ffff:0:192.168.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:101::",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd20:ce::254",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "2001:0:1::1", "192.88.99.1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "104.18.7.192", "2606:4700::6812:7c0", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1",
    "192.169.0.1", "11.0.0.1", "198.18.0.7", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "9.255.255.255",
]  # fmt: skip
PUBLIC_NAMES = ["api.example.com", "openai.com", "localhost.example.com", "internal.example.com", "a.svc.io"]
OWN_NAMES = ["localhost", "LOCALHOST.", "a.localhost", "vllm", "host.docker.internal", "gpu.local", "llm.home.arpa",
             "vllm.models.svc", "vllm.models.svc.cluster.local", "10.0.0.7", "127.0.0.1", "::1", EVERY]  # fmt: skip


def refused(address: str, host: str = "api.example.com", *, tls: bool = True, private: bool = False,
            plain: bool = False) -> str | None:  # fmt: skip
    return refusal(address, host, tls=tls, allow_private=private, allow_plain=plain)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_public_name_that_leads_into_a_private_net_is_refused_and_one_that_is_meant_to_is_not(address: str) -> None:
    assert "allow_private" in (refused(address) or "")
    assert refused(address, private=True) is None
    assert refused(address, "vllm", tls=False) is None
    assert refused(address, address, tls=False) is None


@pytest.mark.parametrize("address", NEVER)
def test_where_a_machines_own_credentials_are_given_out_no_provider_lives_whatever_is_allowed(address: str) -> None:
    for host in ("api.example.com", "vllm", "localhost", address):
        assert refused(address, host, private=True, plain=True) == f"{address} is no address that a provider can have"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached_by_tls_alone_unless_the_operator_says_so(address: str) -> None:
    assert refused(address) is None
    for host in ("api.example.com", "vllm", address):  # a name of one's own may lead out of the own net
        assert "in the clear" in (refused(address, host, tls=False) or "")
        assert "in the clear" in (refused(address, host, tls=False, private=True) or "")
        assert refused(address, host, tls=False, plain=True) is None


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_a_name_that_only_looks_like_ones_own_is_public(name: str) -> None:
    assert not is_own(name)
    assert refused("127.0.0.1", name) is not None


@pytest.mark.parametrize("name", OWN_NAMES)
def test_names_that_cannot_be_public_are_ones_own(name: str) -> None:
    assert is_own(name)
    assert refused("10.0.0.1", name, tls=False) is None


def test_what_is_no_address_is_refused() -> None:
    assert refused("localhost") == "it resolves to 'localhost', which is no address"


@given(st.ip_addresses(v=4))
def test_no_ipv6_spelling_of_an_ipv4_address_reaches_further_than_it(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for begin in ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "::"):
        spelled = ipaddress.IPv6Address(int(ipaddress.IPv6Address(begin)) + number)
        assert reach(spelled) == reach(address) or spelled == ipaddress.IPv6Address("::1")
    assert reach(ipaddress.IPv6Address((0x2002 << 112) + (number << 80))) == reach(address)


@given(st.ip_addresses())
def test_what_python_knows_as_not_global_is_never_public(address: ipaddress.IPv4Address) -> None:
    known = any(address in net for net, _ in NETS if net.version == address.version)
    if not address.is_global and not known and address not in ipaddress.ip_network("198.18.0.0/15"):
        assert reach(address) != "public" or _is_odd(address)


def _is_odd(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """What Python calls not global and no host ever has: parts of 2001::/23 that are not assigned."""
    return address.version == 6 and address in ipaddress.ip_network("2001::/23")


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "10.1", "1.2.3",
                                  "a.0x1", "a b", "a/b", "a@b", "-a", "a..b", "", ".", "a%00", "a\\b",
                                  "\uff41.com", "1.2.3.4.5"])  # fmt: skip
def test_a_host_that_a_resolver_reads_in_its_own_way_is_none(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize("host", ["a", "api.example.com", "xn--bcher-kva.example", "my_vllm", "127.0.0.1", "::1",
                                  "a.b.", "1.example", "3com.example"])  # fmt: skip
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert is_host(host)
    assert literal(host) is None or is_own(host)
