"""Clients that are programs for the terminal: how each is asked one thing, and the tool by which it runs a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients.habits import CHAT, GEMINI, MESSAGES, RESPONSES
from tests.clients.sdk import ENVIRON
from tests.environments import AGENTS, AIDER, ROOT

PACKAGES = AGENTS.folder / "node_modules"
ASKED = "Say hi."
RUN_S = 120.0
OPENAI = {"OPENAI_API_KEY": "synthetic-key"}


class Program(NamedTuple):
    """A program, and what it needs to be asked without a person; all keys are synthetic.

    Attributes:
        title: Its name in the table.
        package: What is pinned.
        api: What the router calls the API that it uses.
        words: The command; the file of the program first, without a folder.
        environ: Variables that it needs.
        call: The tool that runs a command and its arguments, `{command}` in them; None where it has no tools.
        by_run: It can be pointed to the router by `run` too.
    """

    title: str
    package: str
    api: str
    words: tuple[str, ...]
    environ: dict[str, str]
    call: tuple[str, dict[str, Any]] | None
    by_run: bool = True

    @property
    def made(self) -> bool:
        """It is installed, in the version that is pinned."""
        return AIDER.made() if self.package == "aider-chat" else AGENTS.made()

    def version(self) -> str:
        """What is pinned."""
        if self.package == "aider-chat":
            return (AIDER.lock.with_name("requirements.in").read_text("utf-8").strip()).rpartition("==")[2]
        wanted = json.loads((AGENTS.source / "package.json").read_text("utf-8"))["dependencies"]
        return str(wanted[self.package])

    def command(self) -> list[str]:
        folder = AIDER.folder / "bin" if self.package == "aider-chat" else PACKAGES
        return [str(folder / self.words[0]), *self.words[1:]]

    def script(self, command: str) -> str:
        """A rule for the simulator: the tool runs *command*, then the answer is text."""
        assert self.call is not None
        name, arguments = self.call
        asked = json.dumps({"name": name, "arguments": arguments}).replace("{command}", command)
        return f"[[rule]]\ncall = '{asked}'\n"


PROGRAMS = {
    "claude-code": Program(
        "Claude Code",
        "@anthropic-ai/claude-code-linux-x64",
        MESSAGES,
        (
            *("@anthropic-ai/claude-code-linux-x64/claude", "-p", ASKED, "--model", "claude-haiku-4-5"),
            *("--allowedTools", "Bash"),
        ),
        {"ANTHROPIC_AUTH_TOKEN": "synthetic-key", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
        ("Bash", {"command": "{command}", "description": "Make a file"}),
    ),
    "codex": Program(
        "Codex",
        "@openai/codex",
        RESPONSES,
        (
            *(".bin/codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
            *("-m", "gpt-4o-mini", ASKED),
        ),
        OPENAI,
        ("exec_command", {"cmd": "{command}"}),
    ),
    "opencode": Program(
        "OpenCode",
        "opencode-linux-x64",
        RESPONSES,
        ("opencode-linux-x64/bin/opencode", "run", "-m", "openai/gpt-4o-mini", ASKED),
        OPENAI,
        ("bash", {"command": "{command}", "description": "Make a file"}),
    ),
    "gemini-cli": Program(
        "Gemini CLI",
        "@google/gemini-cli",
        GEMINI,
        (".bin/gemini", "-p", ASKED, "-m", "gemini-2.5-flash", "--skip-trust", "--approval-mode", "yolo"),
        {"GEMINI_API_KEY": "synthetic-key"},
        ("run_shell_command", {"command": "{command}", "description": "Make a file"}),
    ),
    "qwen-code": Program(
        "Qwen Code",
        "@qwen-code/qwen-code",
        CHAT,
        (".bin/qwen", "-p", ASKED, "--yolo"),
        {**OPENAI, "OPENAI_MODEL": "gpt-4o-mini"},
        ("run_shell_command", {"command": "{command}", "is_background": False}),
    ),
    "cline": Program(
        "Cline CLI",
        "@cline/cli-linux-x64",
        CHAT,
        ("@cline/cli-linux-x64/bin/cline", "-P", "openai-compatible", "-k", "synthetic-key", ASKED),
        OPENAI,
        ("run_commands", {"commands": ["{command}"]}),
        by_run=False,  # it reads its address in its file alone
    ),
    "continue": Program(
        "Continue CLI",
        "@continuedev/cli",
        CHAT,
        (".bin/cn", "-p", ASKED, "--allow", "Bash"),
        OPENAI,
        ("Bash", {"command": "{command}"}),
        by_run=False,  # the same
    ),
    "aider": Program(
        "aider",
        "aider-chat",
        CHAT,
        (
            *("aider", "--model", "openai/gpt-4o-mini", "--message", ASKED, "--yes-always", "--no-git"),
            *("--no-check-update", "--no-show-model-warnings", "--no-show-release-notes", "--analytics-disable"),
        ),
        OPENAI,
        None,
    ),
}


class Home(NamedTuple):
    """An empty home, for one program."""

    folder: Path
    environ: dict[str, str]

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        """*command* to its end."""
        with self.started(command) as process:
            out, err = process.communicate(timeout=RUN_S)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def route(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """`dd0c-route WORDS` as this home's user."""
        return self.run([sys.executable, "-m", "dd0c_route", *words])

    @contextmanager
    def started(self, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """*command* while the block runs; then it and all that it left behind are ended."""
        self.work.mkdir(exist_ok=True)
        isolated = {**ENVIRON, "HOME": str(self.folder), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(
            command,
            env=isolated | self.environ,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            for pid in self._processes():  # some leave a server of their own running
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.communicate()

    def _processes(self) -> list[int]:
        """Whose home this is."""
        mark = f"HOME={self.folder}\0".encode()
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in environ.read_bytes():
                    found.append(int(environ.parent.name))
        return found
