"""`import litellm`: the file that it writes, and what it says about the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.programs import ran

LITERAL = "synthetic-literal-key-0123456789"
CONFIG = f"""\
model_list:
  - model_name: fast
    litellm_params: {{model: openai/gpt-4o-mini, api_key: {LITERAL}}}
general_settings:
  master_key: {LITERAL}-master
"""


def test_the_file_passes_check_and_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = ran(tmp_path, "import", "litellm", "config.yaml")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "dd0c.toml"
    assert LITERAL not in path.read_text() + done.stdout.decode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"set OPENAI_API_KEY: the key at model_list[0].litellm_params.api_key was not copied" in done.stdout
    assert b"set LITELLM_MASTER_KEY: " in done.stdout
    environ = {"OPENAI_API_KEY": "synthetic", "LITELLM_MASTER_KEY": "synthetic-master-key-0123"}
    checked = ran(tmp_path, "check", environ=environ)
    assert checked.returncode == 0, checked.stderr


def test_a_file_that_is_there_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "dd0c.toml").write_text("# mine\n")
    assert ran(tmp_path, "import", "litellm", "config.yaml").returncode == 1
    assert (tmp_path / "dd0c.toml").read_text() == "# mine\n"
    assert ran(tmp_path, "import", "litellm", "config.yaml", "--force").returncode == 0


def test_to_stdout_goes_the_configuration_alone(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    done = ran(tmp_path, "import", "litellm", "config.yaml", "--out", "-")
    assert done.stdout.startswith(b"# Imported from")
    assert b"was not copied" in done.stderr
    as_json = json.loads(ran(tmp_path, "import", "litellm", "config.yaml", "--out", "-", "--json").stdout)
    assert as_json["config"] == done.stdout.decode()
    assert list(as_json["set"]) == ["OPENAI_API_KEY", "LITELLM_MASTER_KEY"]


@pytest.mark.parametrize(("text", "code"), [("a: [", 1), ("[]", 1), ("just words", 1), ("\xff", 1), (None, 2)])
def test_what_is_no_such_configuration_is_refused(tmp_path: Path, text: str | None, code: int) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_bytes(text.encode("latin-1"))
    done = ran(tmp_path, "import", "litellm", "config.yaml")
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "dd0c.toml").exists()
