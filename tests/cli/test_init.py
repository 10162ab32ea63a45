"""`init` writes a private file that is valid and holds no key; `check` reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dd0c_route.cli.init import starter
from dd0c_route.cli.keys_found import KEY_VARIABLES, keys_found
from dd0c_route.config import load
from dd0c_route.upstream.providers import known
from tests.cli.programs import ran

PLANTED = {"OPENAI_API_KEY": "synthetic-planted-openai", "GOOGLE_API_KEY": "synthetic-planted-google"}


def test_init_writes_a_private_valid_file_without_keys(tmp_path: Path) -> None:
    result = ran(tmp_path, "init", environ=PLANTED)
    assert result.returncode == 0, result.stderr
    path = tmp_path / "dd0c.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    said = result.stdout + result.stderr + path.read_bytes()
    assert not [value for value in PLANTED.values() if value.encode() in said]
    assert list(load(path, PLANTED, {}, known()).config.providers) == ["openai", "google"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dd0c.toml"]


def test_init_replaces_a_file_only_when_told_to(tmp_path: Path) -> None:
    path = tmp_path / "dd0c.toml"
    path.write_text("# mine\n")
    refused = ran(tmp_path, "init")
    assert refused.returncode == 1
    assert b"--force replaces it" in refused.stderr
    assert path.read_text() == "# mine\n"
    assert ran(tmp_path, "init", "--force").returncode == 0
    assert path.read_text() != "# mine\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    result = ran(tmp_path, "init", "--config", "none/dd0c.toml")
    assert result.returncode == 1
    assert result.stderr.startswith(b"error: ")


@pytest.mark.parametrize("provider", KEY_VARIABLES)
def test_every_provider_with_a_usual_variable_is_known(provider: str) -> None:
    variable = KEY_VARIABLES[provider][0]
    assert keys_found({variable: "synthetic"}) == {provider: variable}
    assert known()[provider]["base_url"]
    assert f'[providers.{provider}]\napi_key = {{ env = "{variable}" }}\n' in starter({provider: variable})


def test_an_empty_variable_is_no_key() -> None:
    assert keys_found({"OPENAI_API_KEY": " "}) == {}


def test_a_starter_with_everything_uncommented_is_valid(tmp_path: Path) -> None:
    lines = starter({}).splitlines()
    first = lines.index("# [providers.openai]")
    wanted = [line.removeprefix("# ") for line in lines[first:] if line.startswith("# [") or " = " in line]
    path = tmp_path / "all.toml"
    path.write_text("\n".join(wanted))
    environ = {names[0]: "synthetic" for names in KEY_VARIABLES.values()}
    config = load(path, environ, {}, known()).config
    assert len(config.providers) == len(KEY_VARIABLES) + 1
    assert config.routes[0].mode == "shadow"


def test_check_reports_every_fault_as_text_and_as_json(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text('[server]\nprot = 1\nport = "x"\n')
    as_text = ran(tmp_path, "check")
    assert as_text.returncode == 1
    assert b"  server.port: expected a whole number from 0 to 65535" in as_text.stderr
    assert b"  server.prot: unknown field 'prot': did you mean 'port'?" in as_text.stderr
    as_json = ran(tmp_path, "check", "--json")
    report = json.loads(as_json.stdout)
    assert (as_json.returncode, report["valid"], len(report["faults"])) == (1, False, 2)


def test_check_shows_warnings_and_the_version(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text('[providers.openai]\napi_key = "synthetic-planted-literal"\n')
    result = ran(tmp_path, "check")
    assert result.returncode == 0
    assert b"providers: openai" in result.stdout
    assert b"warning: providers.openai.api_key: a secret stands in the file itself" in result.stderr
    assert b"synthetic-planted" not in result.stdout + result.stderr
