"""Whatever is done to a valid configuration, it is either loaded or refused with faults; it never crashes."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.config import Config, load
from dd0c_route.config.reader import Reader
from dd0c_route.errors import ConfigError
from tests.config.examples import ENVIRON, KNOWN, VALID

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_bytes_changed_at_random_are_loaded_or_refused(folder: Path, data: st.DataObject) -> None:
    content = bytearray(VALID.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, min(len(content), start + 20)))
        content[start:end] = data.draw(st.binary(max_size=6) | st.text(max_size=6).map(str.encode))
    path = folder / "dd0c.toml"
    path.write_bytes(content)
    with suppress(ConfigError):
        load(path, ENVIRON, {}, KNOWN)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_values_changed_at_random_are_read_or_refused(folder: Path, data: st.DataObject) -> None:
    tree: Any = tomllib.loads(VALID)
    node = tree
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        node = inner
    node[key] = data.draw(VALUES)
    reader = Reader(folder, ENVIRON, KNOWN)
    config = reader.config(tree)
    assert isinstance(config, Config)
    assert all(fault.isprintable() for fault in reader.faults), reader.faults


@given(
    environ=st.dictionaries(
        st.lists(
            st.sampled_from(
                ["SERVER", "PROVIDERS", "ROUTES", "LOCAL", "PORT", "API_KEY", "ENV", "0", "1", "TAGS", "", "É"]
            ),
            max_size=4,
        ).map(lambda parts: "DD0C_" + "__".join(parts)),
        st.text() | st.sampled_from(["{", "[", "{}", "[]", "[1]", '{ env = "K" }', "1", "true"]),
        max_size=5,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_environment_is_laid_over_or_refused(folder: Path, environ: dict[str, str]) -> None:
    path = folder / "valid.toml"
    path.write_text(VALID)
    with suppress(ConfigError):
        load(path, {**ENVIRON, **environ}, {}, KNOWN)


@given(
    port=st.integers(0, 65535),
    grace_s=st.floats(0.001, 1e6),
    attempts=st.integers(1, 100),
    host=st.sampled_from(["127.0.0.1", "::1", "localhost"]),
)
@settings(max_examples=100, deadline=None)
def test_settings_survive_a_round_trip(folder: Path, port: int, grace_s: float, attempts: int, host: str) -> None:
    text = f"[server]\nport = {port}\ngrace_s = {grace_s!r}\nhost = '{host}'\n[retries]\nattempts = {attempts}\n"
    path = folder / "round.toml"
    path.write_text(text)
    first = load(path, {}, {}, {})
    again = msgspec.json.decode(msgspec.json.encode(first.config.server))
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in again.items() if value is not None]
    path.write_text("[server]\n" + "".join(lines))
    second = load(path, {}, {"retries.attempts": str(attempts)}, {})
    assert (second.config, second.version) == (first.config, first.version)
