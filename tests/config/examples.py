"""A small valid configuration, and ways to load a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dd0c_route.config import Loaded, load
from dd0c_route.errors import ConfigError

KNOWN = {
    "openai": {"dialect": "openai", "base_url": "https://api.openai.com/v1", "source": "https://example.invalid"},
    "anthropic": {"dialect": "anthropic", "base_url": "https://api.anthropic.com/v1", "auth": "x-api-key"},
}

VALID = """\
[server]
host = "127.0.0.1"
port = 4747
grace_s = 12.5
access_keys = [{ env = "ROUTER_KEY" }]

[ledger]
url = "sqlite:///dd0c.db"

[retries]
attempts = 3

[providers.openai]
api_key = { env = "OPENAI_API_KEY" }

[providers.local]
dialect = "openai"
base_url = "http://127.0.0.1:9000/v1/"
on_disconnect = "drain"
retry_unsafe = [408, 500]
timeouts = { connect_s = 1, silence_s = 2.5 }

[[routes]]
match = { model = "gpt-4o*", tags = { team = "core" } }
candidates = ["openai/gpt-4o", "local/small"]
floor = 0.8
mode = "shadow"

[[prices]]
provider = "local"
model = "small"
input = 0.1
output = "0.25"
since = 2026-01-31
"""

ENVIRON = {"OPENAI_API_KEY": "synthetic-openai-key", "ROUTER_KEY": "synthetic-router-key-0123456789"}


def loaded(
    folder: Path,
    text: str,
    environ: Mapping[str, str] = ENVIRON,
    overrides: Mapping[str, object] | None = None,
) -> Loaded:
    """Load *text* as a file in *folder*."""
    path = folder / "dd0c.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return load(path, environ, overrides or {}, KNOWN)


def faults(
    folder: Path,
    text: str,
    environ: Mapping[str, str] = ENVIRON,
    overrides: Mapping[str, object] | None = None,
) -> list[str]:
    """The faults of *text*; at least one."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, environ, overrides)
    assert caught.value.faults
    return caught.value.faults
