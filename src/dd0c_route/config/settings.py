"""Frozen, typed settings.

Every field has a type, a unit in its name where the type cannot say it, a default and a sentence;
`docs/configuration.md` is checked against these classes by a test.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from dd0c_route.types import Secret

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


_AWS_HOST = re.compile(r"//[a-z-]+\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:[:/]|$)")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The base of each table of `dd0c.toml`: unknown fields are refused."""


class AccessKey(Struct, frozen=True):
    """One of `[server] access_keys`: the SHA-256 of the key, never the key.

    Attributes:
        id: First eight hex digits of *digest*; the entry's `key_id`.
    """

    id: str
    digest: bytes


class Server(Settings, frozen=True, forbid_unknown_fields=True):
    """The router itself."""

    host: str = "127.0.0.1"
    port: Port = 4747
    workers: Positive = 1
    grace_s: Seconds = 30.0  # how long SIGTERM lets running calls finish
    access_keys: tuple[AccessKey, ...] = ()
    prompt_secrets: Literal["off", "warn", "mask", "refuse"] = "off"  # that somebody pasted into a prompt
    admin_password: str | None = None  # its stored line; with it the console and the API ask for a login
    public_hosts: tuple[str, ...] = ()  # names under which browsers may ask, besides addresses and local names
    cors_origins: tuple[str, ...] = ()  # of web pages that may make calls
    trust_network: bool = False  # whoever reaches `host` may do all, without a key


class Limits(Settings, frozen=True, forbid_unknown_fields=True):
    """What a client may ask of the router; beyond it is an error, or the end of the connection."""

    head_bytes: Positive = 32 << 10
    header_count: Positive = 100
    header_bytes: Positive = 16 << 10  # one header's name and value, or the request's target
    head_s: Seconds = 5.0
    body_bytes: Positive = 32 << 20
    body_s: Seconds = 60.0
    body_bytes_per_s: Positive = 1 << 10  # below it an upload that takes longer than 5 s is given up
    upload_bytes: Positive = 256 << 20  # of all clients' bodies that a worker holds
    json_depth: Positive = 128
    json_keys: Positive = 100_000  # names in all objects of a body
    requests_ahead: Positive = 16  # sent on a connection before the running one is answered
    ahead_bytes: Positive = 64 << 10  # likewise
    idle_s: Seconds = 75.0  # a client's kept-alive connection without a request
    stalled_client_s: Seconds = 60.0  # a client that takes nothing of an answer that is there
    connections: Positive = 10_000
    connections_per_address: Positive = 1_000  # but for this machine's own
    calls: Positive = 5_000  # running at once


class Ledger(Settings, frozen=True, forbid_unknown_fields=True):
    """Where entries are kept."""

    url: str = "sqlite:///dd0c.db"
    bodies: Literal["off", "on"] = "off"  # of calls, without secrets, in a file of their own
    body_bytes: Positive = 64 << 10  # that are kept of each side of a call
    body_days: Annotated[float, Meta(gt=0)] = 7.0


class Counting(Settings, frozen=True, forbid_unknown_fields=True):
    """The router's own counts of tokens."""

    audits_per_s: Annotated[float, Meta(ge=0)] = 20.0  # compared with the provider's, a worker; 0: none


class Learning(Settings, frozen=True, forbid_unknown_fields=True):
    """What is learned of answers."""

    keep_comments: bool = False  # of feedback: the ledger keeps words of people only where this is on


class Judge(Settings, frozen=True, forbid_unknown_fields=True):
    """Who compares the answers of shadow calls."""

    model: str | None = None  # provider/model


class Brain(Settings, frozen=True, forbid_unknown_fields=True):
    """Deciding: what holds for all routes."""

    enabled: bool = True  # false: every call goes to the model that it asks for
    file: str | None = None  # a predictor of `brain fit` instead of the one that is shipped
    budget_us: Positive = 100_000  # after some decisions that took longer the predictor rests
    sessions: Positive = 10_000  # conversations that a worker remembers
    session_s: Seconds = 3600.0  # how long one is remembered without a call


class Timeouts(Settings, frozen=True, forbid_unknown_fields=True):
    """Waiting for a provider."""

    connect_s: Seconds = 5.0
    first_byte_s: Seconds = 600.0
    silence_s: Seconds = 120.0
    total_s: Seconds = 3600.0


class Provider(Settings, frozen=True, forbid_unknown_fields=True):
    """One provider: a row of `upstream/providers.toml`, overlaid with the operator's table."""

    name: str
    dialect: Literal["openai", "anthropic", "gemini", "bedrock", "cohere", "ollama"]
    base_url: str
    api_key: Secret | None = None
    aws_access_key_id: Secret | None = None
    aws_secret_access_key: Secret | None = None
    aws_session_token: Secret | None = None
    aws_region: str | None = None
    address: Literal["usual", "azure-deployments", "vertex-claude"] = "usual"
    query: str | None = None  # added to each call's: `api-version=…`
    auth: Literal["bearer", "x-api-key", "x-goog-api-key", "api-key"] = "bearer"
    on_disconnect: Literal["abort", "drain"] = "abort"
    billed_after_abort: Literal["delivered", "whole", "nothing", "unknown"] = "unknown"  # of an answer that we cut
    drain_bytes: Positive = 8 << 20  # cap on what a drain reads on
    drain_s: Seconds = 120.0
    retry_unsafe: tuple[int, ...] = ()  # of 408, 500, 504: those that the provider documents as not billed
    without: tuple[Literal["chat", "responses"], ...] = ()  # APIs of OpenAI's that it does not have
    only_responses: tuple[str, ...] = ()  # globs of models that it has by no other API
    drop: bool = False  # what it cannot be given of a translated request is left out, and named
    usage: Literal["ask", "always", "never"] = "ask"  # is `stream_options.include_usage` needed and accepted
    connections: Positive = 512  # per worker
    warm_connections: Annotated[int, Meta(ge=0)] = 0
    idle_s: Seconds = 30.0  # shorter than the provider's own limit
    price_as: str | None = None  # the provider whose catalogue prices hold for this one
    simulated: bool = False  # answers are marked `x-dd0c-provider: simulated`
    max_age_s: Seconds = 300.0  # a connection is not reused after this, so that DNS changes are followed
    ca_file: str | None = None
    allow_private: bool = False  # its name may lead into a private net
    allow_plain: bool = False  # key and prompt may go in the clear to a public address
    timeouts: Timeouts = Timeouts()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that must never be shown of it."""
        return tuple(one for name in SECRETS if (one := getattr(self, name)) is not None)

    @property
    def region(self) -> str | None:
        """The AWS region: as configured, else the one in the address, `bedrock-runtime.REGION.amazonaws.com`."""
        found = _AWS_HOST.search(self.base_url)
        return self.aws_region or (found[1] if found else None)

    @property
    def has_key(self) -> bool:
        """Calls go with a credential of ours, and never with the caller's."""
        return self.api_key is not None or self.aws_access_key_id is not None


SECRETS = ("api_key", "aws_access_key_id", "aws_secret_access_key", "aws_session_token")
"""The fields of a provider that are secrets."""


class Retries(Settings, frozen=True, forbid_unknown_fields=True):
    """Second tries, before the first byte has gone to the client."""

    attempts: Positive = 2  # upstream tries for one call, the first included
    budget_share: Share = 0.2  # of recent calls; further retries are not made
    retry_after_cap_s: Seconds = 2.0  # a longer `retry-after` is handed to the client instead of waited for


class Match(Settings, frozen=True, forbid_unknown_fields=True):
    """Which calls a route is for; all that is named must fit."""

    model: str | None = None  # a glob
    dialect: str | None = None
    tags: dict[str, str] = {}  # every one must match; values are globs
    kind: str | None = None


class Route(Settings, frozen=True, forbid_unknown_fields=True):
    """Which models may answer in the place of the one asked for, and who decides."""

    candidates: tuple[str, ...]
    match: Match = Match()
    policy: Literal["cheapest-capable", "risk-bound", "budget", "cascade", "pinned", "weighted", "ordered"] = (
        "cheapest-capable"
    )
    floor: Share = 0.9
    answer_usd: Annotated[float, Meta(gt=0)] = 3.0  # three minutes of somebody who repairs what a bad answer did
    mode: Literal["off", "shadow", "canary", "on"] = "shadow"
    share: Share = 0.05  # of calls, in mode `canary`
    control_share: Share = 0.02
    drop: bool = False  # likewise, of the route's calls
    prompt_secrets: Literal["off", "warn", "mask", "refuse"] | None = None  # None: as `[server]` says
    bodies: Literal["off", "on"] | None = None  # None: as `[ledger]` says
    shadow_share: Share = 0.0  # of calls, sent to the other model too
    shadow_usd_per_day: Annotated[float, Meta(gt=0)] = 1.0
    epsilon: Share = 0.05
    delta: Share = 0.05
    usd_per_hour: Annotated[float, Meta(gt=0)] | None = None
    weights: tuple[Annotated[float, Meta(ge=0)], ...] = ()  # of the candidates, in their order; empty: all alike
    calibration: str | None = None  # a file of labels, JSON lines as `brain fit` takes them


class ModelRow(Settings, frozen=True, forbid_unknown_fields=True):
    """One of `[[models]]`: what an own model can do; it goes before what is known of its family."""

    model: str  # a glob
    provider: str | None = None
    can: tuple[
        Literal[
            "tools", "parallel_tools", "vision", "audio", "files", "video", "schema", "json", "reasoning", "logprobs",
            "n", "server_tools",
        ],
        ...,
    ] = ()  # fmt: skip
    context: Positive | None = None  # tokens of prompt and answer together
    output: Positive | None = None  # tokens of an answer


class PriceRow(Settings, frozen=True, forbid_unknown_fields=True):
    """One of `[[prices]]`: an own price, in US dollars per million tokens; it goes before the catalogue.

    A class without a rate is billed as the class that contains it: the caches as `input`, `cache_write_1h` as
    `cache_write_5m`, `reasoning` as `output`, a medium as its class. Searches and requests are by the thousand.
    """

    provider: str
    model: str  # a glob
    input: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write_5m: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    input_audio: Decimal | None = None
    cache_read_audio: Decimal | None = None
    output_audio: Decimal | None = None
    input_image: Decimal | None = None
    output_image: Decimal | None = None
    web_search: Decimal | None = None  # a thousand
    file_search: Decimal | None = None  # a thousand
    request: Decimal | None = None  # a thousand
    since: date | None = None  # the first day (UTC) on which it holds; without it, always
    source: str = "dd0c.toml"  # the page or contract it was read from


class Config(Settings, frozen=True, forbid_unknown_fields=True):
    """The whole configuration."""

    server: Server = Server()
    limits: Limits = Limits()
    ledger: Ledger = Ledger()
    counting: Counting = Counting()
    learning: Learning = Learning()
    judge: Judge = Judge()
    brain: Brain = Brain()
    retries: Retries = Retries()
    providers: dict[str, Provider] = {}
    routes: tuple[Route, ...] = ()
    models: tuple[ModelRow, ...] = ()
    prices: tuple[PriceRow, ...] = ()

    @property
    def looks_at_prompts(self) -> bool:
        """Some route, or the server by default, wants something done about secrets in prompts."""
        wanted = [self.server.prompt_secrets, *(route.prompt_secrets for route in self.routes)]
        return any(action not in (None, "off") for action in wanted)

    @property
    def stores_bodies(self) -> bool:
        """Those of some calls at least."""
        return self.ledger.bodies == "on" or any(route.bodies == "on" for route in self.routes)
