"""One line about a session of Claude Code, in a few milliseconds.

Claude Code starts a process for each line that it draws, so nothing is imported here that takes time: not click, not
`http.client`, nothing else of ours. The router is asked over a bare socket, and never waited for.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

_WAIT_S = 0.3  # for all of it; the router answers in 2 ms
_MOST_BYTES = 1 << 16
_HERE = "http://127.0.0.1:4747"


def main() -> int:
    """Read Claude Code's JSON, print the line. Always 0: another exit code blanks the line."""
    raw = sys.stdin.buffer.read()
    try:
        said = json.loads(raw or b"{}")
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    router = os.environ.get("ANTHROPIC_BASE_URL") or _HERE
    sys.stdout.write(line(said, _asked(router, str(said.get("session_id") or "")), router) + "\n")
    return 0


def line(said: dict[str, Any], session: dict[str, Any] | None, router: str) -> str:
    """The line. *said*: what Claude Code knows; *session*: what the router does, None where it is away."""
    model = said.get("model")
    name = str((model.get("display_name") if isinstance(model, dict) else None) or "")
    if session is None:
        return " · ".join(filter(None, (f"dd0c: no router at {router.partition('://')[2] or router}", name)))
    if not session.get("calls"):
        return " · ".join(filter(None, ("dd0c ▸ no calls yet", name)))
    cost, baseline = session["cost_picodollars"] / 1e12, session["baseline_picodollars"] / 1e12
    parts = [f"dd0c ▸ {_dollars(cost)} billed"]
    if baseline > 0 and session["saved_picodollars"]:
        saved = session["saved_picodollars"] / 1e12
        parts.append(f"{_dollars(baseline)} list")
        parts.append(f"{'saved' if saved >= 0 else 'dearer by'} {abs(saved) / baseline:.0%}")
    if session.get("unpriced"):
        parts.append(f"{session['unpriced']} unpriced")
    parts.append(str(session.get("served_model") or name))
    return " · ".join(parts)


def _dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${amount:.4f}"


def _asked(router: str, session: str) -> dict[str, Any] | None:
    """`GET /api/v1/sessions/{id}`; None where there is no such answer."""
    scheme, _, rest = router.partition("://")
    where, slash, path = rest.partition("/")
    host, _, port = where.rpartition(":") if ":" in where.rsplit("]", 1)[-1] else (where, "", "80")
    if scheme != "http" or not port.isdigit():  # TLS takes longer than there is time for
        return None
    name = "".join(c for c in session if c.isalnum() or c in "-_.")[:256] or "none"
    # The key goes where Claude Code sends it anyway.
    key = os.environ.get("ANTHROPIC_AUTH_TOKEN") or os.environ.get("ANTHROPIC_API_KEY") or ""
    shown = f"authorization: Bearer {key}\r\n" if key.isascii() and key.isprintable() and key else ""
    address = f"{slash}{path}".rstrip("/") + f"/api/v1/sessions/{name}"
    head = f"GET {address} HTTP/1.1\r\nhost: {where}\r\n{shown}connection: close\r\n\r\n"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_WAIT_S) as connection:
            connection.sendall(head.encode())
            answer = b""
            while len(answer) < _MOST_BYTES and (piece := connection.recv(_MOST_BYTES)):
                answer += piece
        top, _, body = answer.partition(b"\r\n\r\n")
        found = json.loads(body) if top.startswith(b"HTTP/1.1 200") else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
