"""Where secrets come from, and that no message gives one away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dd0c_route.config import load
from dd0c_route.types import Secret
from tests.config.examples import faults, loaded

PLANTED = "synthetic-Planted-0123456789"


def provider(reference: str) -> str:
    return f"[providers.openai]\napi_key = {reference}\n"


def test_a_reference_to_the_environment_is_resolved(tmp_path: Path) -> None:
    result = loaded(tmp_path, provider('{ env = "K" }'), {"K": f" {PLANTED}\n"})
    assert result.config.providers["openai"].api_key == Secret(PLANTED)
    assert not result.warnings


def test_a_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(PLANTED + "\n")
    (tmp_path / "key.txt").chmod(0o600)
    result = loaded(tmp_path, provider('{ file = "key.txt" }'))
    assert result.config.providers["openai"].api_key == Secret(PLANTED)
    assert not result.warnings


def test_a_secret_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(PLANTED)
    (tmp_path / "key.txt").chmod(0o644)
    (warning,) = loaded(tmp_path, provider('{ file = "key.txt" }')).warnings
    assert warning == "providers.openai.api_key: the secret file 'key.txt' can be read by others: chmod 600"


def test_a_literal_secret_is_accepted_with_a_warning(tmp_path: Path) -> None:
    result = loaded(tmp_path, provider(f'"{PLANTED}"'))
    assert result.config.providers["openai"].api_key == Secret(PLANTED)
    (warning,) = result.warnings
    assert warning.startswith("providers.openai.api_key: a secret stands in the file itself: write { env")
    assert PLANTED not in warning


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ('{ env = "UNSET_KEY" }', "the environment variable UNSET_KEY is not set"),
        (f'{{ env = "{PLANTED}" }}', "the environment variable that it names is not set"),
        ('{ env = "" }', "expected a text behind 'env'"),
        ("{ env = 1 }", "expected a text behind 'env'"),
        ('{ env = "A", file = "b" }', "expected one reference to a secret"),
        ('{ evn = "A" }', "expected one reference to a secret"),
        ("{}", "expected one reference to a secret"),
        ("[1]", "expected one reference to a secret"),
        ("17", "expected one reference to a secret"),
        ('""', "the secret is empty"),
        ('"$MY_KEY"', 'variables are not expanded: write { env = "MY_KEY" }'),
        ('"${MY_KEY}"', 'variables are not expanded: write { env = "MY_KEY" }'),
        ('"os.environ/MY_KEY"', 'variables are not expanded: write { env = "MY_KEY" }'),
        (f'"{PLANTED}\\r\\nx: y"', "holds a line break or a character that cannot stand in a header"),
        ('{ file = "none.txt" }', "the secret file 'none.txt' cannot be read (No such file or directory)"),
        (f'{{ file = "{PLANTED}" }}', "the secret file that it names cannot be read"),
        ('{ file = "./" }', "the secret file './' is not a file of at most"),
        ('{ file = "empty.txt" }', "the secret file 'empty.txt' is empty"),
        ('{ file = "binary.key" }', "the secret file 'binary.key' cannot be read (not a text)"),
        ('{ file = "pipe.key" }', "the secret file 'pipe.key' is not a file of at most"),
        ('{ file = "a\\u0000.b" }', "cannot be read (not a text)"),
    ],
)
def test_a_reference_at_fault_says_how_and_shows_no_secret(tmp_path: Path, reference: str, expected: str) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "binary.key").write_bytes(b"\xff\xfe")
    os.mkfifo(tmp_path / "pipe.key")
    (fault,) = faults(tmp_path, provider(reference))
    assert fault.startswith("providers.openai.api_key: ")
    assert expected in fault
    assert PLANTED not in fault


def test_access_keys_are_kept_as_hashes(tmp_path: Path) -> None:
    stored = "sha256:" + Secret(PLANTED).digest().hex()
    text = f'[server]\naccess_keys = [{{ env = "K" }}, "{stored}", "{PLANTED}"]\n'
    result = loaded(tmp_path, text, {"K": PLANTED})
    assert {key.digest for key in result.config.server.access_keys} == {Secret(PLANTED).digest()}
    assert {key.id for key in result.config.server.access_keys} == {Secret(PLANTED).digest().hex()[:8]}
    assert [warning.split(":")[0] for warning in result.warnings] == ["server.access_keys[2]"]
    assert PLANTED not in repr(result)


def test_an_access_key_that_can_be_guessed_is_a_warning(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, '[server]\naccess_keys = [{ env = "K" }]', {"K": "short"}).warnings
    assert "can be guessed" in warning


def test_a_readable_file_with_literal_secrets_is_a_warning(tmp_path: Path) -> None:
    text = provider(f'"{PLANTED}"')
    loaded(tmp_path, text)
    (tmp_path / "dd0c.toml").chmod(0o644)
    warnings = load(tmp_path / "dd0c.toml", {}, {}, {"openai": {"dialect": "openai", "base_url": "http://h"}}).warnings
    assert warnings[-1].endswith("dd0c.toml: holds a secret and can be read by others: chmod 600")
