"""The README's commands do what it says: they are run, against `dd0c-route up` on a free port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import pytest

from dd0c_route.cli.commands import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
START_S = 20.0
# The ledger shows an entry within a second of the answer's end; a block that reads it may be early.
SETTLED_S = 5.0


class Block(NamedTuple):
    """A fenced block under `<!-- tested: TEXT -->`: it succeeds, and what it prints contains TEXT."""

    prints: str
    commands: str


BLOCKS = [Block(*found) for found in re.findall(r"<!-- tested: (.+?) -->\n```sh\n(.*?)```", README, re.DOTALL)]


class Router(NamedTuple):
    port: int
    folder: Path


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """`dd0c-route up`, which `make run` starts, in an empty folder and without any key."""
    folder = tmp_path_factory.mktemp("readme")
    log = folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dd0c_route", "up", "--port", "0"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Router(port_announced(process, log), folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def environment() -> dict[str, str]:
    """This one, without provider keys and settings of the router."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return {name: value for name, value in kept.items() if not name.startswith("DD0C_")} | {"PYTHONUNBUFFERED": "1"}


def port_announced(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        for port in re.findall(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            if ready(int(port)):
                return int(port)
        time.sleep(0.02)
    pytest.fail(f"'dd0c-route up' did not get ready:\n{log.read_text()}")


def ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def run(block: Block, router: Router) -> subprocess.CompletedProcess[str]:
    commands = block.commands.replace("127.0.0.1:4747", f"127.0.0.1:{router.port}")
    commands = commands.replace(".venv/bin/dd0c-route", f"'{sys.executable}' -m dd0c_route")
    return subprocess.run(
        ["sh", "-euc", commands],
        cwd=router.folder,
        env=environment() | {"CURL_HOME": str(router.folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine: the README's calls need it")
def test_the_commands_of_the_readme_work_one_after_the_other(router: Router) -> None:
    (router.folder / ".curlrc").write_text("fail\n")  # a status of 400 or more is a failure
    assert len(BLOCKS) >= 5
    for block in BLOCKS:
        deadline = time.monotonic() + SETTLED_S
        done = run(block, router)
        while (done.returncode or block.prints not in done.stdout) and time.monotonic() < deadline:
            time.sleep(0.1)
            done = run(block, router)
        assert done.returncode == 0, block.commands + done.stdout + done.stderr
        assert block.prints in done.stdout, block.commands + done.stdout


def test_without_a_key_the_answers_are_marked_as_simulated(router: Router) -> None:
    connection = HTTPConnection("127.0.0.1", router.port, timeout=10)
    body = '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert answer.getheader("x-dd0c-provider") == "simulated"


def test_each_make_target_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets, document


def test_make_run_starts_up() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrun:")[2].partition("\n\n")[0]
    assert "/bin/dd0c-route up" in recipe


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_file_that_a_document_links_to_exists(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"


def test_each_test_that_a_document_names_exists() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"`(tests/[\w/.*]+?)`", document.read_text(encoding="utf-8")):
            assert list(ROOT.glob(target)), f"{document.name} names {target}, which is not there"


def test_each_command_that_a_document_names_exists() -> None:
    for document in DOCUMENTS:
        for command in re.findall(r"dd0c-route ([a-z]+)", document.read_text(encoding="utf-8")):
            assert command in COMMANDS, f"{document.name} names the command {command}, which is not there"


@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_each_example_in_python_is_python(example: str) -> None:
    compile(example, "README.md", "exec")


def test_every_document_is_listed() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#:]+)\)", index.read_text("utf-8"))}
    assert {path for path in DOCUMENTS if ROOT / "docs" in path.parents} - {index} <= listed
