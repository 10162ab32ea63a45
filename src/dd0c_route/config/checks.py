"""Rules that a type cannot say: addresses, names that must exist, what may stand open to a network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from msgspec import structs

from dd0c_route.config import settings
from dd0c_route.config.addresses import is_host, is_own, literal, reach
from dd0c_route.config.settings import Config, PriceRow, Provider, Route
from dd0c_route.config.values import Fault, did_you_mean, shown
from dd0c_route.types import Dialect

_MAY_BE_RETRIED = (408, 500, 504)
_LEDGER_PREFIX = "sqlite:///"
_PASSWORD = re.compile(r"scrypt:(?:1[4-9]|20):8:(?:[1-9]|1[0-6]):[\w-]{22}:[\w-]{43}", re.ASCII)  # up to 1 GiB a try
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?", re.ASCII)


def field(cls: type, name: str, value: Any, base_dir: Path) -> Any:
    """Return the final form of one field that has the right type.

    Raises:
        Fault: It breaks a rule that its type cannot say.
    """
    match cls, name:
        case (_, "base_url"):
            return base_url(value)
        case (_, "ca_file"):
            return readable(value, base_dir, "give the path of a PEM file")
        case (settings.Route, "calibration"):
            return readable(value, base_dir, "give the path of a file of JSON lines")
        case (settings.Brain, "file"):
            return readable(value, base_dir, "make one with 'dd0c-route brain fit'")
        case (_, "retry_unsafe"):
            return retry_unsafe(value)
        case (settings.PriceRow, _) if isinstance(value, Decimal) and value < 0:
            raise Fault(f"expected a rate of at least 0, got {value}")
        case (settings.Server, "admin_password") if value is not None:
            return stored_password(value)
        case (settings.Server, "public_hosts"):
            return tuple(map(public_host, value))
        case (settings.Server, "cors_origins"):
            return tuple(map(cors_origin, value))
        case (settings.Match, "dialect") if value not in get_args(Dialect):
            raise Fault(f"{shown(value)} would never match{did_you_mean(value, get_args(Dialect))}")
    return value


def stored_password(line: str) -> str:
    """A line of `key password`; whatever else stands there may be the password itself, and is not repeated."""
    if _PASSWORD.fullmatch(line) is None:
        raise Fault("expected a line 'scrypt:…': make one with 'dd0c-route key password'")
    return line


def public_host(name: str) -> str:
    """A host's name, as it stands in addresses, in lower case."""
    if _HOST_NAME.fullmatch(name) is None:
        raise Fault(f"{shown(name)} is no host name: write it as in an address, without scheme, port and path")
    return name.lower()


def cors_origin(origin: str) -> str:
    """The origin of a web page. Never all of them, nor `null`, which any page can be made to have."""
    if _ORIGIN.fullmatch(origin) is None:
        raise Fault(f"{shown(origin)} is no origin: write scheme://host or scheme://host:port, one for each page")
    return origin.lower()


def base_url(url: str) -> str:
    """Return *url* without trailing slashes.

    Raises:
        Fault: Not http(s), no host, or more than an address: credentials, query, fragment. What may be secret in
            it is not repeated.
    """
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise Fault("holds a space, a control character or a letter beyond ASCII: expected http(s)://host/path")
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it is what checks it
    except ValueError:
        raise Fault("is no address: expected http(s)://host[:port]/path") from None
    if parts.scheme not in ("http", "https"):
        raise Fault(f"expected http:// or https://, got {shown(parts.scheme)}")
    if parts.username is not None or parts.password is not None:
        raise Fault("holds credentials: put them into api_key")
    if not parts.hostname:
        raise Fault("names no host: expected http(s)://host[:port]/path")
    if not is_host(parts.hostname) or "\\" in url:
        raise Fault("names no host as DNS has them: write a name, four decimals with dots, or [IPv6]")
    where = literal(parts.hostname)
    if where is not None and reach(where) == "never":
        raise Fault(f"{parts.hostname} is no address that a provider can have")
    if "?" in url or "#" in url:
        raise Fault("holds a query or a fragment: end it with the path")
    return url.rstrip("/")


def readable(name: str, base_dir: Path, fix: str) -> str:
    """Return the absolute path of a file that can be opened; what is in it is found out when it is read."""
    path = base_dir / name
    try:
        path.open("rb").close()
    except (OSError, ValueError):
        raise Fault(f"the file {shown(name)} cannot be read: {fix}") from None
    return str(path)


def retry_unsafe(statuses: tuple[int, ...]) -> tuple[int, ...]:
    """Only what is neither always nor never safe to retry can be listed."""
    for status in statuses:
        if status not in _MAY_BE_RETRIED:
            raise Fault(f"{status} is not one of {', '.join(map(str, _MAY_BE_RETRIED))}")
    return statuses


def across(config: Config, provider_names: Collection[str], *, keys_listed: bool) -> Iterator[str]:
    """The faults between the parts of *config*.

    Args:
        provider_names: All that have a table, also those that are themselves at fault.
        keys_listed: Something stands in `server.access_keys`, be it at fault.
    """
    if not config.ledger.url.startswith(_LEDGER_PREFIX) or config.ledger.url == _LEDGER_PREFIX:
        yield "ledger.url: expected sqlite:///path (relative to the configuration) or sqlite:////absolute/path"
    stored = sorted(provider.name for provider in config.providers.values() if provider.has_key)
    if stored and not keys_listed and not config.server.trust_network and not is_loopback(config.server.host):
        yield (
            f"server.host: {shown(config.server.host)} can be reached from the network, and anybody could spend the "
            f"stored key of '{stored[0]}': set server.host to 127.0.0.1, or add server.access_keys "
            "('dd0c-route key new' makes one), or say server.trust_network = true"
        )
    for name, provider in config.providers.items():
        yield from (f"providers.{name}.{fault}" for fault in _aws(provider))
    for index, route in enumerate(config.routes):
        yield from (f"routes[{index}].{fault}" for fault in _route(route, provider_names))
    if config.judge.model is not None:
        yield from _judge(config.judge.model, config.providers)
    yield from _prices(config.prices)


def doubts(config: Config) -> Iterator[str]:
    """What can be read and will not work, or should not stay: a line each."""
    for name, provider in config.providers.items():
        parts = urlsplit(provider.base_url)
        host = parts.hostname or ""
        if parts.scheme == "http" and not (is_own(host) or provider.allow_plain or provider.allow_private):
            yield (
                f"providers.{name}.base_url: http:// would send key and prompt in the clear to {host}: no call is made "
                f"while that is a public address; use https://, or set providers.{name}.allow_plain = true"
            )


def _aws(provider: Provider) -> Iterator[str]:
    """An access key is of use whole, and where nothing else is the credential."""
    key, secret = provider.aws_access_key_id, provider.aws_secret_access_key
    if (key is None) != (secret is None):
        yield f"{'aws_access_key_id' if key is None else 'aws_secret_access_key'}: is missing: the two come as a pair"
    elif key is None and provider.aws_session_token is not None:
        yield "aws_access_key_id: is missing: a session token only signs together with an access key"
    elif key is not None and provider.api_key is not None:
        yield "aws_access_key_id: there is an api_key as well: keep one of them"
    elif key is not None and provider.region is None:
        yield "aws_region: is missing, and base_url names none (bedrock-runtime.REGION.amazonaws.com)"


def _prices(rows: Sequence[PriceRow]) -> Iterator[str]:
    first: dict[tuple[str, str, date | None], int] = {}
    for index, row in enumerate(rows):
        if not any(isinstance(rate, Decimal) for rate in structs.astuple(row)):
            yield f"prices[{index}]: has no rate: give input and output, in US dollars per million tokens"
        if set(row.provider) & set("*?["):
            yield f"prices[{index}].provider: {shown(row.provider)} is a pattern: a price is one provider's"
        same = first.setdefault((row.provider, row.model, row.since), index)
        if same != index:
            yield f"prices[{index}]: prices the same provider, model and day as prices[{same}]: keep one of them"


def _judge(model: str, providers: Mapping[str, Provider]) -> Iterator[str]:
    name, slash, rest = model.partition("/")
    if not (slash and rest):
        yield f"judge.model: {shown(model)} is no model: write provider/model"
    elif name not in providers:
        yield f"judge.model: {shown(model)} names no configured provider{did_you_mean(name, providers)}"
    elif providers[name].dialect not in ("openai", "anthropic", "gemini"):
        yield f"judge.model: the provider {shown(name)} does not speak OpenAI's, Anthropic's or Gemini's dialect"


def is_loopback(host: str) -> bool:
    """Only this machine can reach *host*. A name other than `localhost` may be anything, so it is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _route(route: Route, provider_names: Collection[str]) -> Iterator[str]:
    if not route.candidates:
        yield 'candidates: is empty: name at least one model, such as "openai/gpt-4o"'
    for index, candidate in enumerate(route.candidates):
        provider, slash, model = candidate.partition("/")
        if not provider or (slash and not model):
            yield f"candidates[{index}]: {shown(candidate)} is no model: write model or provider/model"
        elif not provider_names:
            yield f"candidates[{index}]: {shown(candidate)} has no provider to go to: add a [providers.NAME] table"
        elif slash and provider not in provider_names:
            near = did_you_mean(provider, provider_names)
            yield f"candidates[{index}]: {shown(candidate)} names no configured provider{near}"
        elif (same := route.candidates.index(candidate)) != index:
            yield f"candidates[{index}]: {shown(candidate)} is candidates[{same}] again: keep one of them"
    yield from _of_policy(route)


def _of_policy(route: Route) -> Iterator[str]:
    """What the policy of *route* needs, and what would never have an effect under it."""
    if route.policy == "budget" and route.usd_per_hour is None:
        yield "usd_per_hour: is missing: the policy 'budget' needs it"
    if route.policy == "risk-bound":
        for name, value in (("epsilon", route.epsilon), ("delta", route.delta)):
            if not 0 < value < 1:
                yield f"{name}: expected a number between 0 and 1, got {value:g}: nothing can be promised by it"
    if route.weights and len(route.weights) != len(route.candidates):
        yield f"weights: has {len(route.weights)} for {len(route.candidates)} candidates: give one for each, in order"
    elif route.weights and not any(route.weights):
        yield "weights: are all 0: give one that is above"
