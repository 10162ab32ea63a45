"""What says who pays: the stored key, or AWS Signature Version 4, for calls to Bedrock with an access key.

Source: "Create a signed AWS API request", IAM User Guide
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read 2026-11-24); checked
with the vectors that AWS publishes, and with what botocore makes of model ids in paths.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

from dd0c_route.config import Provider
from dd0c_route.types import Secret
from dd0c_route.upstream.origin import origin_of

Headers = list[tuple[bytes, bytes]]

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "bedrock"  # the name in the scope, also of the endpoint `bedrock-runtime`
_OLD = frozenset((b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256"))
_SIGNED = (b"content-type",)  # beside `host` and `x-amz-*`: nothing on the way changes these


def credential_line(provider: Provider) -> str:
    """The stored key of *provider* as a line of a request's head, or nothing.

    Only the pool of that provider asks for it: nothing that could be sent elsewhere ever holds the key.
    """
    if provider.api_key is None:
        return ""
    name, scheme = ("authorization", "Bearer ") if provider.auth == "bearer" else (provider.auth, "")
    return f"{name}: {scheme}{_value(provider.api_key).decode()}\r\n"


def secrets_of(provider: Provider) -> tuple[bytes, ...]:
    """What must not come back from it."""
    return tuple(map(_value, provider.secrets))


class Signer(Struct, frozen=True):
    """Signs the requests to one provider.

    Attributes:
        authority: What the `host` header says.
        base_path: What stands before each call's own path.
    """

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None
    region: str
    authority: str
    base_path: str = ""
    service: str = SERVICE

    @classmethod
    def of(cls, provider: Provider) -> Signer | None:
        """The signer of *provider*, where it has an access key (the configuration was checked to have all of it)."""
        key, secret, region = provider.aws_access_key_id, provider.aws_secret_access_key, provider.region
        if key is None or secret is None or region is None:
            return None
        origin = origin_of(provider.base_url)
        return cls(key, secret, provider.aws_session_token, region, origin.authority, origin.path)

    def signed(self, method: str, target: str, headers: Headers, body: bytes, at_ns: int) -> Headers:
        """*headers* with the signature of the request; an earlier one is replaced.

        Args:
            target: Path and query below the base URL, as they go out.
            at_ns: Wall time; AWS takes a signature for five minutes.
        """
        moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
        out = [pair for pair in headers if pair[0] not in _OLD]
        out.append((b"x-amz-date", moment.encode()))
        if self.session_token is not None:
            out.append((b"x-amz-security-token", _value(self.session_token)))
        covered = sorted(
            [(name, b" ".join(value.split())) for name, value in out if name in _SIGNED or name.startswith(b"x-amz-")]
            + [(b"host", self.authority.encode())]
        )
        names = b";".join(dict.fromkeys(name for name, _ in covered)).decode()
        request = "\n".join((
            method,
            *_canonical_target(self.base_path + target),
            _canonical_headers(covered),
            names,
            hashlib.sha256(body).hexdigest(),
        ))  # fmt: skip
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode('latin-1')).hexdigest()}"
        key = _signing_key(self.secret_access_key, moment[:8], self.region, self.service)
        signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
        rest = f"/{scope}, SignedHeaders={names}, Signature={signature}"
        value = b"%b Credential=%b%b" % (ALGORITHM.encode(), _value(self.access_key_id), rest.encode())
        return [*out, (b"authorization", value)]


def _value(secret: Secret) -> bytes:
    return secret.reveal().encode()


def _canonical_target(target: str) -> tuple[str, str]:
    """Path and query as they are signed: the path, which is percent-encoded already, is encoded once more; the
    query's pairs are in order.
    """
    path, _, query = target.partition("?")
    pairs = sorted(tuple(pair.partition("=")[::2]) for pair in query.split("&") if pair)
    return quote(path or "/", safe="/~"), "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs)


def _encoded(text: str) -> str:
    """Percent-encoded, once: what is so already stays as it is."""
    return quote(text, safe="~%")


def _canonical_headers(covered: Headers) -> str:
    """One line a name, values of a repeated one joined, an empty line behind them."""
    lines: dict[bytes, bytes] = {}
    for name, value in covered:
        lines[name] = lines[name] + b"," + value if name in lines else value
    return b"".join(b"%b:%b\n" % line for line in lines.items()).decode("latin-1")


@lru_cache(maxsize=64)  # the same for a day; a signature then costs one hash
def _signing_key(secret: Secret, day: str, region: str, service: str) -> bytes:
    key = b"AWS4" + _value(secret)
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
