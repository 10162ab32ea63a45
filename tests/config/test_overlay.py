"""The environment lies over the file, the command line over both; every field can be reached."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect as kinds

from dd0c_route.config import Config, Match, load
from dd0c_route.config.overlay import NOT_SETTINGS
from dd0c_route.config.values import described
from dd0c_route.errors import ConfigError
from dd0c_route.types import Secret
from tests.config.examples import ENVIRON, KNOWN, VALID, faults, loaded

LOCAL = "DD0C_PROVIDERS__LOCAL__"
BASE = {f"{LOCAL}DIALECT": "openai", f"{LOCAL}BASE_URL": "http://h/v1"}


def overlaid(environ: dict[str, str], overrides: dict[str, object] | None = None) -> Config:
    return load(None, environ, overrides or {}, KNOWN).config


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    environ = {**ENVIRON, "DD0C_SERVER__PORT": "5000", "DD0C_SERVER__WORKERS": "3"}
    server = loaded(tmp_path, VALID, environ, {"server.port": "6000"}).config.server
    assert (server.port, server.workers, server.grace_s) == (6000, 3, 12.5)


def test_values_of_the_command_line_may_be_typed_already() -> None:
    assert overlaid({}, {"server.port": 1, "server.host": "localhost"}).server.port == 1


def test_every_kind_of_field_can_be_set_from_the_environment() -> None:
    environ = {
        **BASE,
        "DD0C_SERVER__HOST": "::1",
        "DD0C_SERVER__GRACE_S": "1e1",
        f"{LOCAL}SIMULATED": "true",
        f"{LOCAL}ON_DISCONNECT": "drain",
        f"{LOCAL}API_KEY": "synthetic-key",
        f"{LOCAL}RETRY_UNSAFE": "408, 500",
        f"{LOCAL}TIMEOUTS__CONNECT_S": "2",
        "DD0C_ROUTES__0__CANDIDATES": "openai/a,local/b",
        "DD0C_ROUTES__0__MATCH__TAGS__TEAM": "core",
        "DD0C_ROUTES__0__USD_PER_HOUR": "2.5",
        "DD0C_PRICES": '[{"provider": "local", "model": "b", "input": "0.1"}]',
        "DD0C_PROVIDERS__OPENAI": '{ api_key = { env = "K" } }',
        "DD0C_SERVER__ACCESS_KEYS": f"sha256:{'a' * 64},synthetic-access-key-0123456789",
        "K": "synthetic-other",
    }
    config = load(None, environ, {}, KNOWN)
    local, openai = config.config.providers["local"], config.config.providers["openai"]
    assert (config.config.server.host, config.config.server.grace_s) == ("::1", 10.0)
    assert (local.simulated, local.on_disconnect, local.retry_unsafe) == (True, "drain", (408, 500))
    assert (local.api_key, openai.api_key) == (Secret("synthetic-key"), Secret("synthetic-other"))
    assert local.timeouts.connect_s == 2.0
    assert config.config.routes[0].candidates == ("openai/a", "local/b")
    assert config.config.routes[0].match == Match(tags={"team": "core"})
    assert config.config.routes[0].usd_per_hour == 2.5
    assert config.config.prices[0].input == Decimal("0.1")
    assert [key.id for key in config.config.server.access_keys] == ["aaaaaaaa", config.config.server.access_keys[1].id]
    assert [one for one in config.warnings if "secret" in one] == []  # in the environment it stands where it should


@pytest.mark.parametrize("section", ["server", "limits", "ledger", "retries"])
def test_every_field_with_a_fixed_path_takes_its_default_as_text(section: str) -> None:
    """The text of a value, given through the environment, is that value."""
    default = getattr(Config(), section)
    texts = {
        f"DD0C_{section}__{name}".upper(): _text(getattr(default, name))
        for name in default.__struct_fields__
        if name not in ("access_keys", "admin_password", "public_hosts", "cors_origins")
    }
    assert getattr(overlaid(texts), section) == default


def test_every_field_of_a_provider_takes_its_default_as_text() -> None:
    expected = overlaid(BASE).providers["local"]
    texts = {
        f"{LOCAL}{name}".upper(): _text(getattr(expected, name))
        for name in expected.__struct_fields__
        if name not in ("name", "timeouts") and getattr(expected, name) is not None
    }
    assert overlaid(texts).providers["local"] == expected


def test_a_name_with_a_hyphen_is_found_by_its_underscore(tmp_path: Path) -> None:
    text = '[providers.my-local]\ndialect = "openai"\nbase_url = "http://a"'
    config = loaded(tmp_path, text, {"DD0C_PROVIDERS__MY_LOCAL__BASE_URL": "http://b"}).config
    assert config.providers["my-local"].base_url == "http://b"


def test_one_reference_to_a_secret_replaces_the_other(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("synthetic-from-file")
    (tmp_path / "key").chmod(0o600)
    environ = {**ENVIRON, "DD0C_PROVIDERS__OPENAI__API_KEY__FILE": "key"}
    assert loaded(tmp_path, VALID, environ).config.providers["openai"].api_key == Secret("synthetic-from-file")


def test_a_provider_is_connected_by_the_path_of_its_reference() -> None:
    config = overlaid({"K": "synthetic-key"}, {"providers.openai.api_key.env": "K"})
    assert config.providers["openai"].api_key == Secret("synthetic-key")


def test_one_field_of_a_route_in_the_file_can_be_replaced(tmp_path: Path) -> None:
    route = loaded(tmp_path, VALID, {**ENVIRON, "DD0C_ROUTES__0__FLOOR": "0.5"}).config.routes[0]
    assert (route.floor, route.mode) == (0.5, "shadow")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DD0C_SERVER_PORT": "1"}, "DD0C_SERVER_PORT: no such setting: did you mean 'DD0C_SERVER__PORT'?"),
        ({"DD0C_NONSENSE": "1"}, "DD0C_NONSENSE: no such setting: its path is the field's, joined by '__'"),
        ({"DD0C_SERVER__PROT": "1"}, "server.prot (DD0C_SERVER__PROT): unknown field 'prot': did you mean 'port'?"),
        (
            {"DD0C_SERVER__PORT": "x"},
            'server.port (DD0C_SERVER__PORT): expected a whole number from 0 to 65535, got "x"',
        ),
        ({"DD0C_SERVER__PORT": ""}, 'server.port (DD0C_SERVER__PORT): expected a whole number from 0 to 65535, got ""'),
        ({"DD0C_SERVER__GRACE_S": "nan"}, "server.grace_s (DD0C_SERVER__GRACE_S): expected a number above 0, got nan"),
        ({"DD0C_SERVER__PORT__X": "1"}, "server.port: expected a whole number from 0 to 65535, got a table"),
        ({"DD0C_SERVER": "x"}, "server (DD0C_SERVER): expected a table, got a text"),
        ({"DD0C_SERVER": "{"}, "server (DD0C_SERVER): neither a TOML value nor JSON"),
        ({"DD0C_SERVER": "{}", "DD0C_SERVER__PORT": "1"}, "DD0C_SERVER__PORT: its path leads through something that"),
        ({"DD0C_ROUTES__1__FLOOR": "1"}, "DD0C_ROUTES__1__FLOOR: there are only 0 of them: the next is 0"),
        ({"DD0C_ROUTES__X__FLOOR": "1"}, "routes: expected a list"),
        ({"DD0C_": "1"}, "DD0C_: no such setting"),
        ({"DD0C_SERVER__": "1"}, "server. (DD0C_SERVER__): unknown field ''"),
        ({**BASE, f"{LOCAL}SIMULATED": "maybe"}, 'expected true or false, got "maybe"'),
        ({**BASE, f"{LOCAL}USAGE": "ASK"}, "did you mean 'ask'?"),
    ],
)
def test_a_variable_at_fault_is_named(environ: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overlaid(environ)
    assert expected in caught.value.message


def test_the_suites_own_variables_are_no_settings() -> None:
    assert overlaid(dict.fromkeys(NOT_SETTINGS, "1")) == Config()


def test_every_variable_that_the_suite_reads_is_known() -> None:
    """Or a router that a test starts would refuse it."""
    read = re.compile(r"""environ(?:\.get)?[\[(]\s*["'](DD0C_\w+)["']""")
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("*.py")]
    assert {name for source in sources for name in read.findall(source)} <= NOT_SETTINGS


def test_an_unknown_option_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, VALID, overrides={"servr.port": "1"})
    assert fault == "servr.port: no such setting: did you mean 'server'?"


def test_no_setting_has_a_kind_that_cannot_be_described() -> None:
    assert all(described(kind) for kind in _kinds(kinds.type_info(Config)))


def _kinds(kind: kinds.Type) -> list[kinds.Type]:
    match kind:
        case kinds.StructType(fields=fields):
            inner = [one for field in fields if field.name != "access_keys" for one in _kinds(field.type)]
        case kinds.VarTupleType(item_type=item):
            inner = _kinds(item)
        case kinds.DictType(value_type=item):
            inner = _kinds(item)
        case _:
            inner = []
    return [kind, *inner]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
