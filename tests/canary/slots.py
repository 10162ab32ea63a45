"""Where credentials are planted: one of its own in every place that takes, or might be mistaken for taking, one.

All are synthetic, made from the shapes of `redact/rules.toml`; none was ever issued.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dd0c_route.redact.rules import load
from tests.canary.search import Canary
from tests.redact.synthetic import credential

_RULES = load()
_SHAPES = {one.name: one.shape for one in _RULES.format} | {one.name: one.shape for one in _RULES.bare}
# One line each, fit for a header: those of which a provider's key can be made.
KEY_SHAPES = [
    name
    for name in _SHAPES
    if not any(sign in _SHAPES[name] for sign in ("\n", "/services/", "/api/", "@")) and len(_SHAPES[name]) > 4
]


class Way(NamedTuple):
    """Where a canary belongs: *what* of it may stand in sinks whose name begins with *sink*."""

    sink: str
    what: bytes


class Slot(NamedTuple):
    """A planted credential and the ways that it may go."""

    canary: Canary
    ways: tuple[Way, ...] = ()

    @property
    def name(self) -> str:
        return self.canary.slot

    @property
    def value(self) -> str:
        return self.canary.value


def shaped(slot: str, shape: str, seed: int = 7) -> Canary:
    """A canary of the format *shape*, or of a *shape* written out."""
    shape = _SHAPES.get(shape, shape)
    value = credential(shape, seed + _number(slot))
    other = credential(shape, seed + _number(slot) + 1)
    own = next(at for at, (one, two) in enumerate(zip(value, other, strict=True)) if one != two)
    runs = re.findall(r"[A-Za-z0-9_+/-]{12,}", value[own:])  # what is before it, all of its format share
    return Canary(slot, value, max(runs, key=len))


def _number(text: str) -> int:
    return int.from_bytes(text.encode(), "big") % 1_000_003


def to(origin: str, header: str, value: str) -> tuple[Way, ...]:
    """Its own header, to its own origin, and nothing else."""
    return (Way(f"upstream:{origin}:", f"{header}: {value}\r\n".encode()),)


def with_body(value: str) -> tuple[Way, ...]:
    """What a client says to a model goes to providers as it came, and nowhere else."""
    return (Way("upstream:", value.encode()),)


class Stored(NamedTuple):
    """A provider whose key the configuration names."""

    name: str
    key: Slot
    source: str  # env, file or literal


_SOURCES = ("env", "file", "literal")


def stored_keys() -> list[Stored]:
    """A provider for each format of a key, named by `env`, `file` and literally in turn."""
    found = []
    for number, shape in enumerate(KEY_SHAPES):
        name = f"p-{shape}"
        canary = shaped(f"providers.{name}.api_key", shape)
        ways = to(name, "authorization", f"Bearer {canary.value}")
        found.append(Stored(name, Slot(canary, ways), _SOURCES[number % 3]))
    return found


def _to_body(slot: str, shape: str) -> Slot:
    canary = shaped(slot, shape)
    return Slot(canary, with_body(canary.value))


def _nowhere(slot: str, shape: str) -> Slot:
    return Slot(shaped(slot, shape))


# --- of the configuration, besides the providers of `stored_keys` ---------------------------------------------

ANTHROPIC = shaped("providers.anthropic.api_key", "sk-ant-api03-{W93}AA")
GOOGLE = shaped("providers.google.api_key", "AIza{W35}")
AZURE = shaped("providers.azure.api_key", "{h32}")
AZURE_QUERY = shaped("providers.azure.query", "{h32}")
AWS_ID = shaped("providers.bedrock.aws_access_key_id", "AKIA{U16}")
AWS_SECRET = shaped("providers.bedrock.aws_secret_access_key", "{A40}")
AWS_TOKEN = shaped("providers.bedrock.aws_session_token", "IQoJb3JpZ2luX2Vj{A120}")
PROXY = shaped("HTTP_PROXY userinfo", "{A24}")
PROXIED = shaped("providers.proxied.api_key", "sk-{A48}")
ADMIN = Slot(shaped("admin password", "{A24}"))
ACCESS = Slot(shaped("access key", "dd0c_sk_{A49}"))
ACCESS_BY_ENV = Slot(shaped("access key by env", "dd0c_sk_{A49}"))
OVERLAY = shaped("DD0C_PROVIDERS__OVERLAID__API_KEY", "gsk_{A52}")


def configured() -> dict[str, Slot]:
    return {
        "anthropic": Slot(ANTHROPIC, to("anthropic", "x-api-key", ANTHROPIC.value)),
        "google": Slot(GOOGLE, to("google", "x-goog-api-key", GOOGLE.value)),
        "azure": Slot(AZURE, to("azure", "api-key", AZURE.value)),
        "azure-query": Slot(AZURE_QUERY, (Way("upstream:azure:", f"subscription={AZURE_QUERY.value}".encode()),)),
        "aws-id": Slot(AWS_ID, (Way("upstream:bedrock:", f"Credential={AWS_ID.value}/".encode()),)),
        "aws-secret": Slot(AWS_SECRET),  # it only signs
        "aws-token": Slot(AWS_TOKEN, to("bedrock", "x-amz-security-token", AWS_TOKEN.value)),
        "proxied": Slot(PROXIED, to("proxy", "authorization", f"Bearer {PROXIED.value}")),
        "overlaid": Slot(OVERLAY, to("overlaid", "authorization", f"Bearer {OVERLAY.value}")),
        "proxy": Slot(PROXY, (Way("upstream:proxy:", _basic("operator", PROXY.value)),)),
        "admin": ADMIN,
        "access": ACCESS,
        "access-env": ACCESS_BY_ENV,
    }


def _basic(user: str, password: str) -> bytes:
    import base64

    return b"proxy-authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()) + b"\r\n"


# --- of callers ---------------------------------------------------------------------------------------------

PASSED = {
    "authorization": shaped("caller authorization", "sk-{A48}"),
    "x-api-key": shaped("caller x-api-key", "sk-ant-api03-{W93}AA"),
    "x-goog-api-key": shaped("caller x-goog-api-key", "AIza{W35}"),
    "api-key": shaped("caller api-key", "{h32}"),
    "key": shaped("caller ?key=", "AIza{W35}"),
}
"""Credentials of callers to providers without a stored key: these may pass."""


OWN_HEADS = "good answers to callers whose credential passed"


def passed() -> list[Slot]:
    """Each to its own provider alone, and back to nobody but its owner: of a good answer nothing is changed."""
    values = {name: one.value for name, one in PASSED.items()}

    def passing(name: str, ways: tuple[Way, ...]) -> Slot:
        return Slot(PASSED[name], (*ways, Way(f"heads of {OWN_HEADS}", values[name].encode())))

    return [
        passing("authorization", to("open-openai", "authorization", f"Bearer {values['authorization']}")),
        passing("x-api-key", to("open-anthropic", "x-api-key", values["x-api-key"])),
        passing("x-goog-api-key", to("open-gemini", "x-goog-api-key", values["x-goog-api-key"])),
        passing("api-key", to("open-openai", "api-key", values["api-key"])),
        passing("key", (Way("upstream:open-gemini:", f"?key={values['key']}".encode()),)),
    ]


REFUSED = {name: _nowhere(f"caller {name}, refused", shape) for name, shape in {
    "revoked": "dd0c_sk_{A49}",
    "malformed": "dd0c_sk_{A20}",
    "foreign": "sk-proj-{W74}T3BlbkFJ{W74}",
    "shapeless": "{A40}",
    "bare": "{h32}",
    "?key=": "AIza{W35}",
}.items()}  # fmt: skip
"""No access key of the router: refused, whatever it is."""

BESIDE = {name: _nowhere(f"caller {name} beside a stored key", shape) for name, shape in {
    "authorization": "sk-proj-{W74}T3BlbkFJ{W74}",
    "x-api-key": "sk-ant-api03-{W93}AA",
    "x-goog-api-key": "AIza{W35}",
    "api-key": "{h32}",
    "ocp-apim-subscription-key": "{h32}",
    "proxy-authorization": "{A40}",
    "cookie": "{A40}",
    "x-forwarded-for": "sk-{A48}",
    "forwarded": "sk-{A48}",
    "x-amz-security-token": "{A120}",
    "x-litellm-api-key": "sk-{A22}",
    "helicone-auth": "sk-helicone-{a7}-{a7}-{a7}-{a7}",
    "x-portkey-api-key": "{A24}",
    "x-dd0c-tags": "sk-{A48}",
    "x-dd0c-session": "gsk_{A52}",
    "x-dd0c-policy": "xai-{A80}",
    "x-dd0c-nothing": "{A40}",
    "x-hop": "{A40}",
}.items()}  # fmt: skip
"""Headers that never cross to a provider whose key is stored."""

CROSSING = {name: _to_body(f"caller {name}", shape) for name, shape in {
    "referer": "sk-{A48}",
    "user-agent": "ghp_{A36}",
    "traceparent": "00-{h32}-{h16}-01",
    "baggage": "glpat-{W20}",
}.items()}  # fmt: skip
"""Headers that cross as they came, to providers and nowhere else."""

BODY = {name: _to_body(f"body {name}", shape) for name, shape in {
    "prompt": "sk-proj-{W74}T3BlbkFJ{W74}",
    "system": "npm_{A36}",
    "api_key": "sk-{A48}",
    "metadata": "hf_{A34}",
    "user": "sk_live_{A24}",
    "tool": "pplx-{A48}",
    "model": "sk-or-v1-{h64}",
    "unknown field": "r8_{A37}",
}.items()}  # fmt: skip
"""Said to the model: goes to the provider that is asked."""

DD0C_OBJECT = _nowhere("body dd0c.tags", "lin_api_{A40}")
PATH = _nowhere("path of no address", "dop_v1_{h64}")
PASSED_PATH = _to_body("path passed through", "shpat_{h32}")
PASSED_QUERY = _to_body("query passed through", "tvly-dev-{A32}")
KEY_QUERY = _nowhere("?key= beside a stored key", "AIza{W35}")

# --- of providers ---------------------------------------------------------------------------------------------

SET_COOKIE = _nowhere("set-cookie of a provider", "{A40}")

PANIC = _nowhere("caller authorization in a panic", "{A40}")

# --- of mistakes ----------------------------------------------------------------------------------------------

WRONG = {name: _nowhere(f"wrong {name}", shape) for name, shape in {
    "unknown field": "sk-{A48}",
    "type": "{A40}",
    "userinfo": "{A24}",
    "query": "{h32}",
    "env": "sk-proj-{W74}T3BlbkFJ{W74}",
    "file": "gsk_{A52}",
    "reference": "{A40}",
    "ledger": "{A24}",
    "password": "{A24}",
    "access key": "{A16}",
    "overlay": "xai-{A80}",
    "overlay type": "{A40}",
    "syntax": "sk-ant-api03-{W93}AA",
    "argument": "pplx-{A48}",
    "ledger option": "{A24}",
    "import": "sk-{A48}",
    "import url": "{A24}",
    "environment": "sk-{A20}T3BlbkFJ{A20}",
    "stdin": "ghp_{A36}",
    "client file": "sk-ant-api03-{W93}AA",
    "panic of a command": "sk-{A48}",
}.items()}  # fmt: skip
"""Where somebody puts a key by mistake."""


def all_slots() -> list[Slot]:
    return [
        *(one.key for one in stored_keys()),
        *configured().values(),
        *passed(),
        *REFUSED.values(),
        *BESIDE.values(),
        *CROSSING.values(),
        *BODY.values(),
        DD0C_OBJECT,
        PATH,
        PASSED_PATH,
        PASSED_QUERY,
        KEY_QUERY,
        SET_COOKIE,
        PANIC,
        *WRONG.values(),
    ]
