"""The redactor: what it knows never comes out, whatever stands around it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from dd0c_route.redact import StreamRedactor, redact_bytes, redact_label, redact_sensitive, registered
from dd0c_route.types import Secret
from tests.fuzz.target import Target, body_of, chosen, cut, pieces, with_body

# Made up: one that no rule knows, and one with signs that encodings change.
PLANTED = ("zq7Lw0pXv3Rk9TbN2mYc", 'p"/+ä\\w0rd&of=acme')
MOST_MASK_CHARS = 64  # of `[redacted:…]`
LONG_CHARS = 20_000  # more than a stream holds back


def check_redactor(data: bytes) -> None:
    """Registered secrets are masked in every writing, a second time changes nothing, a stream is as the whole."""
    choice = chosen(data)
    text = body_of(data).decode("utf-8", "surrogateescape")
    secret = PLANTED[choice & 1]
    at = int.from_bytes(data[1:3], "big") % (len(text) + 1)
    with registered(Secret(PLANTED[0])), registered(Secret(PLANTED[1])):
        planted = text[:at] + _written(secret, choice >> 1) + text[at:]
        clean = redact_sensitive(planted)
        assert secret not in clean
        assert _written(secret, choice >> 1) not in clean, "an encoded secret survives"
        alone = redact_sensitive(
            text
        )  # a known secret in the middle of another may leave the rest of that to a second time
        assert redact_sensitive(alone) == alone, "a second time changes what the first left"
        masks = clean.count("[redacted:") - planted.count("[redacted:")
        assert len(clean) <= len(planted) + MOST_MASK_CHARS * max(masks, 0), "it grows by more than its masks"
        assert redact_bytes(planted.encode("utf-8", "surrogateescape")) == clean.encode("utf-8", "surrogateescape")
        redact_label(text[:200])
        _check_stream(data, planted, clean, long=choice >= 192)


def _check_stream(data: bytes, text: str, clean: str, *, long: bool) -> None:
    stream = StreamRedactor()
    if long:  # the text is only the end of it: how the pieces before are cut must not matter
        line = "GET /v1/models HTTP/1.1 200 of the day\n"
        before = line * (LONG_CHARS // len(line))
        out = stream.feed(before[:-7]) + stream.feed(before[-7:] + text) + stream.end()
        assert out == redact_sensitive(before + text)
        return
    out = ""
    for piece in pieces(with_body(data, text.encode("utf-8", "surrogateescape"))):
        out += stream.feed(piece.decode("latin-1"))
    out += stream.end()
    assert out == redact_sensitive(text.encode("utf-8", "surrogateescape").decode("latin-1"))


def _written(secret: str, how: int) -> str:
    raw = secret.encode()
    ways = (
        lambda: secret,
        lambda: json.dumps(secret)[1:-1],
        lambda: quote(secret, safe=""),
        lambda: base64.b64encode(raw + b"\0" * (-len(raw) % 3)).decode(),
        lambda: base64.urlsafe_b64encode(b"Bearer " + raw).decode().rstrip("="),
        lambda: raw.hex(),
    )
    return ways[how % len(ways)]()


def _seeds() -> list[bytes]:
    fake = "sk-" + "proj-" + "A1b2C3d4E5f6G7h8" * 3  # made up
    texts = [
        "authorization: Bearer , password = , ?token=&x=1",
        f'{{"api_key": "{fake}", "text": "é😀"}} {fake[:20]}\n{fake[20:]}',
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "https://user:word@example.test/?key=abc \\u0073\\u006b-live \x1b[1mcurl -u a:b --api-key x",
        "[redacted:known] [redacted:openai] <apiKey>x</apiKey> the password is hunter2x9",
    ]
    return [cut(choice, text.encode(), 1, 20, 5) for text in texts for choice in (0, 1, 5, 6, 8, 11, 200)]


REDACTOR = Target(
    check_redactor,
    _seeds,
    tuple(
        b'Bearer |Basic |sk-|sk-proj-|sk-ant-api03-|ghp_|AKIA|AIza|eyJ|xoxb-|password=|token: |"api_key": "|'
        b"authorization|-----BEGIN |[redacted:|\\u00|\\\\|%3D|&amp;|\x1b[0m|=\n|://|@|A1b2C3d4E5f6G7h8A1b2C3d4E5f6G7h8".split(
            b"|"
        )
    ),
    1024,
)
