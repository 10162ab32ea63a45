"""The status line of Claude Code: what it says, that it never fails, and that it costs next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dd0c_route.access import new_key
from dd0c_route.cli.session_line import line
from tests.cli.programs import environment, ran
from tests.stand import MESSAGES, Stand

PROVIDERS = """
[providers.anthropic]
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
"""
SAID = {"session_id": "one-session", "model": {"id": "claude-opus-4-5", "display_name": "Opus"}}
TOTALS = {
    "calls": 4,
    "unpriced": 0,
    "cost_picodollars": 920_000_000_000,
    "baseline_picodollars": 4_100_000_000_000,
    "saved_picodollars": 3_180_000_000_000,
    "served_model": "claude-haiku-4-5",
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stand, str]]:
    key, stored = new_key()
    folder = tmp_path_factory.mktemp("locked")
    with Stand(folder, f'[server]\naccess_keys = ["{stored}"]\n', providers=PROVIDERS) as running:
        yield running, key


def shown(folder: Path, said: object, **environ: str) -> str:
    done = ran(folder, "statusline", stdin=said if isinstance(said, str) else json.dumps(said), environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    (text,) = done.stdout.decode().splitlines()
    return text


def shown_at_last(folder: Path, awaited: str, **environ: str) -> str:
    """The line once it says *awaited*: a router that a busy machine keeps from answering in time is called away."""
    text = ""
    for _ in range(200):
        if awaited in (text := shown(folder, SAID, **environ)):
            break
    return text


def test_it_says_cost_list_price_saving_and_who_answered() -> None:
    assert line(SAID, TOTALS, "") == "dd0c ▸ $0.9200 billed · $4.10 list · saved 78% · claude-haiku-4-5"


def test_what_was_dearer_or_has_no_price_is_said() -> None:
    text = line(SAID, {**TOTALS, "saved_picodollars": -410_000_000_000, "unpriced": 2}, "")
    assert "dearer by 10%" in text
    assert "2 unpriced" in text


def test_without_a_saving_there_is_only_the_cost() -> None:
    assert line(SAID, {**TOTALS, "saved_picodollars": 0}, "") == "dd0c ▸ $0.9200 billed · claude-haiku-4-5"


def test_a_sessions_calls_are_found_by_the_header_that_claude_code_sends(
    locked: tuple[Stand, str], tmp_path: Path
) -> None:  # fmt: skip
    stand, key = locked
    headers = {"x-claude-code-session-id": "one-session", "authorization": f"Bearer {key}"}
    address = f"http://127.0.0.1:{stand.port}"
    environ = {"ANTHROPIC_BASE_URL": address, "ANTHROPIC_AUTH_TOKEN": key}
    before = shown_at_last(tmp_path, "no calls yet", **environ)
    answer = stand.post("/v1/messages", MESSAGES, headers)
    cost = float(answer.headers["x-dd0c-cost-usd"])
    text = shown_at_last(tmp_path, "billed", **environ)  # an entry is readable within a second
    assert before == "dd0c ▸ no calls yet · Opus"
    assert text == f"dd0c ▸ ${cost:.4f} billed · claude-haiku-4-5"
    assert shown(tmp_path, SAID, ANTHROPIC_BASE_URL=address).startswith("dd0c: no router at 127.0.0.1:")  # no key


@pytest.mark.parametrize("said", ["", "no json", "[]", '{"session_id": 5, "model": "x"}', {"session_id": "a\r\nb: c"}])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://h.example", "nonsense", "http://[::1]:1/x"])
def test_it_prints_one_line_whatever_it_gets(tmp_path: Path, said: object, url: str) -> None:
    assert shown(tmp_path, said, ANTHROPIC_BASE_URL=url).startswith("dd0c: no router at ")


def test_it_imports_neither_click_nor_the_rest_of_the_program(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['dd0c-route', 'statusline']; import dd0c_route.cli; "
        "import atexit; atexit.register(lambda: print(sorted("
        "{'click', 'msgspec', 'http', 'asyncio', 'dd0c_route.redact', 'dd0c_route.errors'} & set(sys.modules)))); "
        "dd0c_route.cli.main()"
    )
    environ = environment({"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"})
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, input=b"{}", capture_output=True, check=True
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"
