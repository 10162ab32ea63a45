"""Programs for the terminal, connected by `connect` and by `run`, in homes of their own (`make agents` makes them)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.sdk import ENVIRON
from tests.environments import AGENTS, ROOT
from tests.stand import Stand, until

PACKAGES = AGENTS.folder / "node_modules"
ASKED = "Say hi."

pytestmark = pytest.mark.skipif(not PACKAGES.exists(), reason="no programs in .node-agents (make agents)")


class Agent(NamedTuple):
    """A program, how it is asked one thing, and what it needs to be set; all keys are synthetic."""

    words: tuple[str, ...]
    environ: dict[str, str]
    api: str


OPENAI = {"OPENAI_API_KEY": "synthetic-key"}
AGENTS_BY_NAME = {
    "claude-code": Agent(
        ("@anthropic-ai/claude-code-linux-x64/claude", "-p", ASKED, "--model", "claude-haiku-4-5"),
        {"ANTHROPIC_AUTH_TOKEN": "synthetic-key", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        "anthropic.messages",
    ),
    "codex": Agent((".bin/codex", "exec", "--skip-git-repo-check", ASKED), OPENAI, "openai.responses"),
    "opencode": Agent(
        ("opencode-linux-x64/bin/opencode", "run", "-m", "openai/gpt-4o-mini", ASKED), OPENAI, "openai.responses"
    ),
    "gemini-cli": Agent(
        (".bin/gemini", "-p", ASKED, "-m", "gemini-2.5-flash", "--skip-trust"),
        {"GEMINI_API_KEY": "synthetic-key"},
        "gemini.generate",
    ),
    "qwen-code": Agent((".bin/qwen", "-p", ASKED), {**OPENAI, "OPENAI_MODEL": "gpt-4o-mini"}, "openai.chat"),
    "continue": Agent((".bin/cn", "-p", ASKED), OPENAI, "openai.chat"),
}
RUN = [name for name in AGENTS_BY_NAME if name != "continue"]  # reads its address in its file alone


def ran(home: Path, command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    work = home / "work"
    work.mkdir(exist_ok=True)
    isolated = {**ENVIRON, "HOME": str(home), "TERM": "xterm-256color", **environ}
    return subprocess.run(
        command, env=isolated, cwd=work, capture_output=True, stdin=subprocess.DEVNULL, timeout=150, check=False
    )


def route(home: Path, *words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """`dd0c-route WORDS` as that home's user."""
    command = [sys.executable, "-m", "dd0c_route", *words]
    return ran(home, command, {**environ, "PYTHONPATH": str(ROOT / "src")})


def new_calls(stand: Stand, before: str) -> list[dict[str, object]]:
    """The calls that came after the one of the id *before*."""
    found: list[dict[str, object]] = until(
        lambda: [entry for entry in stand.entries(1) if entry["id"] > before], "a call of the program"
    )
    return found


@pytest.fixture
def before(stand: Stand) -> str:
    """The id of a call that is in the ledger already."""
    answer = stand.post("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": []})
    stand.entry(answer.id)
    return answer.id


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", AGENTS_BY_NAME)
def test_a_connected_program_is_answered_through_the_router(
    name: str, tmp_path: Path, stand: Stand, before: str
) -> None:
    agent, url = AGENTS_BY_NAME[name], f"http://127.0.0.1:{stand.port}"
    connected = route(tmp_path, "connect", name, "--yes", "--url", url, environ=agent.environ)
    assert connected.returncode == 0, connected.stderr
    done = ran(tmp_path, [str(PACKAGES / agent.words[0]), *agent.words[1:]], agent.environ)
    assert done.returncode == 0, done.stderr[-2000:]
    calls = new_calls(stand, before)
    assert {(call["api"], call["end_state"]) for call in calls} == {(agent.api, "complete")}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", RUN)
def test_a_program_that_is_run_is_answered_through_the_router(
    name: str, tmp_path: Path, stand: Stand, before: str
) -> None:
    agent, url = AGENTS_BY_NAME[name], f"http://127.0.0.1:{stand.port}"
    words = (str(PACKAGES / agent.words[0]), *agent.words[1:])
    done = route(tmp_path, "run", "--url", url, "--", *words, environ=agent.environ)
    assert done.returncode == 0, done.stderr[-2000:]
    calls = new_calls(stand, before)
    assert {(call["api"], call["end_state"]) for call in calls} == {(agent.api, "complete")}
