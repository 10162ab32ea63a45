"""`connect` and its undoing, with real processes, homes and files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.cli.connect import CLIENTS
from dd0c_route.connect import clients, variables
from tests.cli.programs import ran
from tests.stand import Stand

ROUTER = "http://127.0.0.1:4747"
NAMES = tuple(clients())
# Synthetic; in the form of a real one, so that the redactor knows it.
KEY = "sk-ant-" + "api03-" + "Synthetic0planted" * 5 + "AA"
SETTINGS = f'{{\r\n  // mine\r\n  "env": {{ "ANTHROPIC_AUTH_TOKEN": "{KEY}" }},\r\n}}\r\n'


class Home:
    """A user's home, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder)}

    def run(self, *words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[bytes]:
        return ran(self.folder, "connect", *words, stdin=stdin, environ={**self.environ, **environ})

    def files(self) -> dict[str, bytes]:
        """All files but what `connect` remembers."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and ".local" not in path.parts)
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def settings(self, text: str = SETTINGS) -> Path:
        path = self.folder / ".claude" / "settings.json"
        path.parent.mkdir()
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        path.chmod(0o640)
        return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand")) as running:
        yield running


def test_the_command_names_the_clients_that_are_known() -> None:
    assert (*NAMES, "env") == CLIENTS


@pytest.mark.parametrize("name", NAMES)
def test_a_client_without_a_file_is_connected_and_left_without_one(home: Home, name: str) -> None:
    done = home.run(name, "--yes")
    assert done.returncode == 0, done.stderr
    assert len(home.files()) == 1 + (clients()[name].beside is not None)
    undone = home.run(name, "--undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert home.files() == {}
    assert [one.name for one in home.folder.iterdir()] == [".local"]
    assert home.run(name, "--undo").returncode == 1  # nothing left to undo


def test_a_file_comes_back_to_the_byte_with_its_mode(home: Home) -> None:
    path = home.settings()
    before = path.read_bytes()
    assert home.run("claude", "--yes").returncode == 0
    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf{\r\n  // mine\r\n")
    assert f'"ANTHROPIC_BASE_URL": "{ROUTER}"'.encode() in after
    assert path.stat().st_mode & 0o777 == 0o640
    assert home.run("claude", "--undo", "--yes").returncode == 0
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in path.parent.iterdir()) == ["settings.json"]


def test_a_link_stays_a_link(home: Home) -> None:
    kept = home.folder / "dotfiles.json"
    kept.write_text("{}")
    path = home.folder / ".claude" / "settings.json"
    path.parent.mkdir()
    path.symlink_to(kept)
    assert home.run("claude", "--yes").returncode == 0
    assert path.is_symlink()
    assert "ANTHROPIC_BASE_URL" in kept.read_text()
    assert home.run("claude", "--undo", "--yes").returncode == 0
    assert path.is_symlink()
    assert kept.read_text() == "{}"


def test_what_would_change_is_shown_and_no_secret_with_it(home: Home) -> None:
    path = home.settings()
    before = path.read_bytes()
    done = home.run("claude", "--print")
    assert done.returncode == 0
    assert f'"ANTHROPIC_BASE_URL": "{ROUTER}"'.encode() in done.stdout
    assert KEY.encode() not in done.stdout + done.stderr
    assert path.read_bytes() == before
    assert home.run("claude", "--print", "--json").returncode == 0
    assert not (home.folder / ".local").exists()


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("", 1), ("y\n", 0)])
def test_it_asks_before_it_writes(home: Home, answer: str, code: int) -> None:
    path = home.settings()
    before = path.read_bytes()
    assert home.run("claude", stdin=answer).returncode == code
    assert (path.read_bytes() == before) == bool(code)


def test_the_backup_is_private(home: Home) -> None:
    home.settings()
    home.run("claude", "--yes")
    kept = home.folder / ".local/state/dd0c-route/connect/claude-code"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in kept.iterdir()} == {0o600}


def test_a_file_that_was_changed_since_is_left_alone_and_the_difference_shown(home: Home) -> None:
    path = home.settings()
    home.run("claude", "--yes")
    mine = path.read_bytes().replace(b"// mine", b"// changed")
    path.write_bytes(mine)
    for words in (["--undo", "--yes"], ["--yes", "--url", "http://127.0.0.1:9"]):
        refused = home.run("claude", *words)
        assert refused.returncode == 1
        assert b"-  // mine" in refused.stderr
        assert b"+  // changed" in refused.stderr
        assert KEY.encode() not in refused.stderr
        assert path.read_bytes() == mine


def test_connecting_twice_keeps_the_first_original(home: Home) -> None:
    path = home.settings()
    before = path.read_bytes()
    home.run("claude", "--yes")
    again = home.run("claude", "--yes")
    assert b"already" in again.stdout
    assert home.run("claude", "--yes", "--url", "http://127.0.0.1:9999").returncode == 0
    assert b"127.0.0.1:9999" in path.read_bytes()
    assert home.run("claude", "--undo", "--yes").returncode == 0
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_edited_is_refused_by_its_path(home: Home) -> None:
    path = home.settings('{"env": 5}')
    refused = home.run("claude", "--yes")
    assert refused.returncode == 1
    assert str(path).encode() in refused.stderr
    assert not (home.folder / ".local").exists()


def test_a_variable_moves_the_folder(home: Home) -> None:
    assert home.run("codex", "--yes", CODEX_HOME=str(home.folder / "elsewhere")).returncode == 0
    assert list(home.files()) == ["elsewhere/config.toml"]


@pytest.mark.parametrize("words", [["nobody"], [], ["claude", "--url", "ftp://x"], ["claude", "--what"]])
def test_wrong_usage_is_two(home: Home, words: list[str]) -> None:
    assert home.run(*words).returncode == 2


def test_the_environment_is_lines_for_a_shell(home: Home) -> None:
    script = home.run("env").stdout.decode()
    shown = subprocess.run(
        ["sh", "-c", f"{script}\nenv"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    ).stdout
    assert all(f"{name}={value}" in shown.splitlines() for name, value in variables(ROUTER).items())
    assert {line.split()[1] for line in home.run("env", "--undo").stdout.decode().splitlines()} == set(
        variables(ROUTER)
    )


@pytest.mark.parametrize("name", NAMES)
def test_check_says_whether_the_client_reaches_the_router(home: Home, stand: Stand, name: str) -> None:
    url = f"http://127.0.0.1:{stand.port}"
    before = home.run(name, "--check", "--json", "--url", url)
    assert (before.returncode, json.loads(before.stdout)["connected"]) == (1, False)
    home.run(name, "--yes", "--url", url)
    after = home.run(name, "--check", "--url", url)
    assert after.returncode == 0, after.stdout
    away = json.loads(home.run(name, "--check", "--json", "--url", "http://127.0.0.1:1").stdout)
    assert [one["fix"] for one in away["findings"] if one["name"] == "router"] == ["start it: dd0c-route up"]


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("claude-code", {"CLAUDE_CODE_USE_BEDROCK": "1"}),
        ("gemini-cli", {"GOOGLE_GEMINI_BASE_URL": "http://other.example"}),
        ("qwen-code", {"OPENAI_BASE_URL": "http://other.example/v1"}),
    ],
)
def test_check_finds_variables_that_lead_elsewhere(
    home: Home, stand: Stand, name: str, environ: dict[str, str]
) -> None:  # fmt: skip
    url = f"http://127.0.0.1:{stand.port}"
    home.run(name, "--yes", "--url", url)
    found = home.run(name, "--check", "--url", url, **environ)
    assert found.returncode == 1
    assert next(iter(environ)).encode() in found.stdout


def test_check_finds_a_projects_file_that_leads_elsewhere(home: Home, stand: Stand) -> None:
    url = f"http://127.0.0.1:{stand.port}"
    home.run("claude", "--yes", "--url", url)
    (home.folder / ".claude" / "settings.local.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "http://x.example"}}')
    found = home.run("claude", "--check", "--url", url)
    assert found.returncode == 1
    assert b"settings.local.json goes before" in found.stdout


def test_check_of_the_environment(home: Home, stand: Stand) -> None:
    url = f"http://127.0.0.1:{stand.port}"
    assert home.run("env", "--check", "--url", url).returncode == 1
    assert home.run("env", "--check", "--url", url, **variables(url)).returncode == 0


def test_the_address_is_that_of_the_configuration(home: Home) -> None:
    (home.folder / "dd0c.toml").write_text('[server]\nhost = "0.0.0.0"\nport = 4999\n')
    assert b"http://127.0.0.1:4999/v1" in home.run("env").stdout
    assert b"http://127.0.0.1:5000/v1" in home.run("env", DD0C_SERVER__PORT="5000").stdout
    assert b"http://h.example:1/v1" in home.run("env", "--url", "http://h.example:1/v1/").stdout


@pytest.mark.parametrize(("answer", "why"), [("n\n", b"nothing was changed\n"), ("", b"there is nobody to ask (--yes")])
def test_without_a_yes_nothing_is_changed_and_that_is_said(home: Home, answer: str, why: bytes) -> None:
    path = home.settings()
    before = path.read_bytes()
    refused = home.run("claude-code", stdin=answer)
    assert (refused.returncode, path.read_bytes()) == (1, before)
    assert why in refused.stderr
    home.run("claude-code", "--yes")
    after = path.read_bytes()
    refused = home.run("claude-code", "--undo", stdin=answer)
    assert (refused.returncode, path.read_bytes()) == (1, after)
    assert why in refused.stderr
