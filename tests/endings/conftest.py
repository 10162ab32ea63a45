"""The stand on which providers fail; after each test its connections are back and nothing went wrong inside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.endings.deaf import deaf_port
from tests.endings.failing import PROVIDERS
from tests.stand import Stand, until


@pytest.fixture(scope="module")
def one_stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with (
        deaf_port() as port,
        Stand(tmp_path_factory.mktemp("stand"), providers=PROVIDERS.replace("DEAF", str(port))) as running,
    ):
        yield running


@pytest.fixture
def failing(one_stand: Stand) -> Iterator[Stand]:
    yield one_stand
    until(lambda: not any(c["in_use"] for c in one_stand.connections().values()), "the return of connections")
    log = (one_stand.folder / "router.log").read_text()
    assert "Traceback" not in log, log
