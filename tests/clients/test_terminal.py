"""Programs for the terminal, each in an empty home, pointed to the router by `connect` and by `run`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import PROVIDERS
from tests.clients.habits import GEMINI, MESSAGES
from tests.clients.terminal import PROGRAMS, Home, Program
from tests.stand import Stand, until

STANDS = {
    "answer": '[[rule]]\ntext = "good day to you"\n',
    "refuse": "[[rule]]\nstatus = 400\n",
    "talk on": "[[rule]]\nchunks = 600\nchunk_ms = 20\n",
}
WATCHED = """
[[routes]]
match = { model = "*" }
candidates = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
mode = "shadow"
"""  # decides nothing, but says what each call is
ELSEWHERE = "".join(
    f"""
[[routes]]
match = {{ model = "{model}" }}
candidates = ["{candidate}"]
policy = "ordered"
mode = "on"
control_share = 0.0
drop = true
"""
    for model, candidate in (
        ("gpt-*", "anthropic/claude-haiku-4-5"),
        ("claude-*", "openai/gpt-5-mini"),
        ("gemini-*", "openai/gpt-5-mini"),
    )
)  # what the other provider has not, such as a search of its own, is left out
SAY_SESSION = ("Claude Code", "Codex", "OpenCode")
Stands = Callable[[str], Stand]
each = pytest.mark.parametrize("program", PROGRAMS, indirect=True)
each_by_run = pytest.mark.parametrize("program", [name for name in PROGRAMS if PROGRAMS[name].by_run], indirect=True)
each_with_tools = pytest.mark.parametrize("program", [name for name in PROGRAMS if PROGRAMS[name].call], indirect=True)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stands]:
    """A router for each script of the simulator, started when it is first asked for."""
    with ExitStack() as running:
        started: dict[str, Stand] = {}

        def stand(script: str) -> Stand:
            if script not in started:
                folder = tmp_path_factory.mktemp("terminal")
                started[script] = running.enter_context(Stand(folder, WATCHED, providers=PROVIDERS, script=script))
            return started[script]

        yield stand


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Program:
    found = PROGRAMS[request.param]
    if not found.made:
        pytest.skip(f"{found.title} is not installed (make clients)")
    return found


@pytest.fixture
def home(program: Program, tmp_path: Path) -> Home:
    return Home(tmp_path, program.environ)


def connected(program: Program, home: Home, stand: Stand) -> list[str]:
    """The program's command, after `connect`."""
    (name,) = [name for name, one in PROGRAMS.items() if one is program]
    done = home.route("connect", name, "--yes", "--url", f"http://127.0.0.1:{stand.port}")
    assert done.returncode == 0, done.stderr
    return program.command()


def settled(stand: Stand) -> list[dict[str, Any]]:
    """All entries, when no call is open."""
    until(lambda: stand.gauge("dd0c_open_calls") == 0, "the confirmation of every delivery")
    found: list[dict[str, Any]] = stand.control("/api/v1/requests?limit=1000").json()["requests"]
    return found


def entries(stand: Stand, known: set[str]) -> list[dict[str, Any]]:
    """The entries that are not *known*, when no call is open."""
    found: list[dict[str, Any]] = until(
        lambda: [entry for entry in settled(stand) if entry["id"] not in known], "a call of the program"
    )
    return found


def ids(stand: Stand) -> set[str]:
    return {entry["id"] for entry in settled(stand)}


def assert_answered(program: Program, calls: list[dict[str, Any]]) -> None:
    assert {(call["api"], call["end_state"], call["usage_source"]) for call in calls} == {
        (program.api, "complete", "provider_final")
    }
    assert all(call["stream"] and call["cost_picodollars"] > 0 for call in calls)


@pytest.mark.column("stream")
@each
def test_a_connected_program_is_answered_through_the_router(program: Program, home: Home, stands: Stands) -> None:
    stand = stands(STANDS["answer"])
    known = ids(stand)
    done = home.run(connected(program, home, stand))
    assert done.returncode == 0, done.stderr[-2000:]
    assert b"good day to you" in done.stdout
    assert_answered(program, entries(stand, known))


@pytest.mark.column("stream")
@each_by_run
def test_a_program_that_is_run_is_answered_through_the_router(program: Program, home: Home, stands: Stands) -> None:
    stand = stands(STANDS["answer"])
    known = ids(stand)
    done = home.route("run", "--url", f"http://127.0.0.1:{stand.port}", "--", *program.command())
    assert done.returncode == 0, done.stderr[-2000:]
    assert b"good day to you" in done.stdout
    assert_answered(program, entries(stand, known))


@pytest.mark.column("tools")
@each_with_tools
def test_a_program_does_what_the_model_asks_and_tells_it_the_result(
    program: Program, home: Home, stands: Stands
) -> None:
    stand = stands(program.script("echo made > made.txt"))
    known = ids(stand)
    done = home.run(connected(program, home, stand))
    assert (home.work / "made.txt").read_text() == "made\n", done.stdout[-2000:] + done.stderr[-2000:]
    calls = entries(stand, known)
    assert_answered(program, calls)
    kinds = [call["decision"]["kind"] for call in reversed(calls)]
    assert "subagent" not in kinds
    assert kinds.index("main") < kinds.index("tool_turn")
    if program.title in SAY_SESSION:
        (session,) = {call["session"] for call in calls}
        assert session


@pytest.mark.column("other dialect")
@each_with_tools
def test_a_program_notices_nothing_of_a_provider_of_another_dialect(
    program: Program, home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = program.script("echo made > made.txt")
    with Stand(tmp_path_factory.mktemp("elsewhere"), ELSEWHERE, providers=PROVIDERS, script=script) as stand:
        done = home.run(connected(program, home, stand))
        assert (home.work / "made.txt").read_text() == "made\n", done.stdout[-2000:] + done.stderr[-2000:]
        calls = entries(stand, set())
    assert_answered(program, calls)
    elsewhere = "openai" if program.api in (MESSAGES, GEMINI) else "anthropic"
    assert {call["provider"] for call in calls if call["decision"]["kind"] in ("main", "tool_turn")} == {elsewhere}


@pytest.mark.column("error")
@each
def test_a_program_shows_the_providers_own_words(program: Program, home: Home, stands: Stands) -> None:
    stand = stands(STANDS["refuse"])
    known = ids(stand)
    done = home.run(connected(program, home, stand))
    assert b"simulated status 400" in done.stdout + done.stderr
    assert {(call["status"], call["end_state"]) for call in entries(stand, known)} == {(400, "upstream_failed")}


@pytest.mark.column("cancel")
@each
def test_a_program_that_is_interrupted_ends_its_call(program: Program, home: Home, stands: Stands) -> None:
    stand = stands(STANDS["talk on"])
    known = ids(stand)
    with home.started(connected(program, home, stand)) as process:
        until(lambda: stand.sim_stats()["totals"]["calls_running"], "the program's call", 60.0)
        process.send_signal(signal.SIGINT)
    assert "client_gone" in {call["end_state"] for call in entries(stand, known)}
