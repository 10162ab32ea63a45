"""A router before the simulated provider, and the SDKs in processes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dd0c_route.access import new_key
from tests.clients.sdk import Sdk
from tests.environments import CLIENTS, NODE_CLIENTS
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


@pytest.fixture(scope="session")
def interpreter() -> Path:
    """Python with the SDKs."""
    return CLIENTS.python_or_skip()


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
def programs(stand: Stand) -> Iterator[Callable[[str], Sdk]]:
    """Each program of `programs/`, started when it is first asked for."""
    with contextlib.ExitStack() as running:
        started: dict[str, Sdk] = {}

        def program(name: str) -> Sdk:
            if name not in started:
                node = name.endswith(".mjs")
                interpreter = NODE_CLIENTS.node_or_skip() if node else CLIENTS.python_or_skip()
                packages = NODE_CLIENTS.folder if node else None
                started[name] = running.enter_context(Sdk(interpreter, name, stand.port, packages=packages))
            return started[name]

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
