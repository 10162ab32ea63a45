"""A router before the simulated provider, and the SDKs in processes of their own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.access import new_key
from tests.clients import table
from tests.clients.habits import HABITS, MADE_WHERE_MISSING, Habit
from tests.clients.sdk import Sdk
from tests.clients.terminal import PROGRAMS
from tests.environments import SDKS, Packages
from tests.stand import Stand

PROVIDERS = """
[providers.openai]
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.anthropic]
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.google]
base_url = "http://127.0.0.1:{port}/v1beta"
api_key = {{ env = "SIM_KEY" }}
"""  # under their real names, so that calls have a price


OUTCOMES = table.none_yet()


def known() -> dict[str, tuple[str, str]]:
    """Each client that a line of the table is about: its version, and what the router calls its API."""
    libraries = {client: (habit.version(), habit.api) for client, habit in HABITS.items()}
    return libraries | {program.title: (program.version(), program.api) for program in PROGRAMS.values()}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "column(name): the cell of docs/compatibility.md that the test decides")


@pytest.fixture(autouse=True)
def _cell(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """What the test says something about: its client and its column."""
    if mark := request.node.get_closest_marker("column"):
        client = request.node.callspec.id
        record_property("cell", (PROGRAMS[client].title if client in PROGRAMS else client, mark.args[0]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    cells: dict[str, Any] = dict(report.user_properties)
    if "cell" in cells and (report.when == "call" or report.outcome != "passed"):
        client, column = cells["cell"]
        OUTCOMES[client][column].add(report.outcome)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = os.environ.get("DD0C_COMPATIBILITY")
    if path and not hasattr(session.config, "workerinput"):
        table.write(Path(path), OUTCOMES, known())


Programs = Callable[[Habit], Sdk]


def sdk_of(habit: Habit, port: int) -> Sdk:
    """Its program, to be entered; where it cannot run here, the test is skipped."""
    if habit.where not in MADE_WHERE_MISSING and not habit.where.made():
        pytest.skip(f"{habit.client} is not installed (make clients)")
    if isinstance(habit.where, Packages):
        return Sdk(habit.where.node_or_skip(), habit.program, port, packages=habit.where.folder)
    return Sdk(habit.where.python_or_skip(), habit.program, port)


@contextlib.contextmanager
def started(port: int) -> Iterator[Programs]:
    """One process a program, however many habits it has, before the router on *port*."""
    with contextlib.ExitStack() as running:
        by_name: dict[str, Sdk] = {}

        def program(habit: Habit) -> Sdk:
            if habit.program not in by_name:
                by_name[habit.program] = running.enter_context(sdk_of(habit, port))
            return by_name[habit.program]

        yield program


@pytest.fixture(scope="session")
def interpreter() -> Path:
    """Python with the SDKs."""
    return SDKS.python_or_skip()


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("clients"), providers=PROVIDERS) as running:
        yield running


@pytest.fixture(scope="session")
def openai(interpreter: Path, stand: Stand) -> Iterator[Sdk]:
    with Sdk(interpreter, "openai_program.py", stand.port) as sdk:
        yield sdk


@pytest.fixture(scope="session")
def anthropic(interpreter: Path, stand: Stand) -> Iterator[Sdk]:
    with Sdk(interpreter, "anthropic_program.py", stand.port) as sdk:
        yield sdk


@pytest.fixture(scope="session")
def programs(stand: Stand) -> Iterator[Programs]:
    """Each habit's program before the router, started when it is first asked for."""
    with started(stand.port) as program:
        yield program


@pytest.fixture(scope="session")
def access_key() -> tuple[str, str]:
    """A synthetic access key of the router, and the line of it that the configuration holds."""
    return new_key()


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory, access_key: tuple[str, str]) -> Iterator[Stand]:
    """A router that asks for an access key."""
    config = f'[server]\naccess_keys = ["{access_key[1]}"]\n'
    with Stand(tmp_path_factory.mktemp("locked"), config, providers=PROVIDERS) as running:
        yield running
