"""How far an address reaches: the rows of `addresses.toml`. Pure: a text in, a word out."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any, Literal

Reach = Literal["public", "private", "never"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TABLE: dict[str, Any] = tomllib.loads(
    resources.files("dd0c_route.config").joinpath("addresses.toml").read_text("utf-8")
)
NETS: tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, Reach], ...] = tuple(
    sorted(
        ((ipaddress.ip_network(net), row["reach"]) for row in _TABLE["net"] for net in row["nets"]),
        key=lambda pair: -pair[0].prefixlen,  # the smaller net says more: a service within a private one
    )
)
_HOLDERS = tuple((ipaddress.IPv6Network(row["net"]), int(row["bits"])) for row in _TABLE["holds_ipv4"])
_OWN = tuple(f".{ending}" for row in _TABLE["own"] for ending in row["endings"])
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")


def literal(host: str) -> Address | None:
    """*host* as an address, where it is one; brackets and a zone (`%eth0`) are no part of it."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def unmapped(address: Address) -> Address:
    """*address*; one that a socket of IPv6 shows for IPv4 (`::ffff:192.0.2.1`) as that."""
    return getattr(address, "ipv4_mapped", None) or address


def customer(address: Address) -> str:
    """*address*, or the network that is one customer's: the first 64 bits of an IPv6 address (RFC 6177)."""
    address = unmapped(address)
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def reach(address: Address) -> Reach:
    """How far *address* reaches; one that stands for an IPv4 address, as far as that."""
    for held in _held(address):
        if (found := _of_nets(held)) != "public":
            return found
    return "public"


def _held(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        for net, bits in _HOLDERS:
            if address in net:
                yield ipaddress.IPv4Address((int(address) >> (96 - bits)) & 0xFFFFFFFF)


def _of_nets(address: Address) -> Reach:
    return next((how for net, how in NETS if address.version == net.version and address in net), "public")


def is_own(host: str) -> bool:
    """The operator wrote a place in a net of their own: a private address, or a name that cannot be public."""
    address = literal(host)
    if address is not None:
        return reach(address) == "private"
    name = host.lower().rstrip(".")
    return "." not in name or name.endswith(_OWN)


def is_host(host: str) -> bool:
    """An address, or a name as DNS has them: no number that a resolver takes for an address (`127.1`, `0x7f.1`)."""
    if literal(host) is not None:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    return _HOST.fullmatch(host) is not None and _NUMBER.fullmatch(last) is None
