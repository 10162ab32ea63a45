"""A worker takes another configuration up without a call that waits for it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dd0c_route.brain.predictor import SHIPPED
from tests.stand import CHAT, Stand, until

ROUTE = """
[[routes]]
match = {{ model = "gpt-4o" }}
candidates = ["sim/gpt-4o", "sim/gpt-4o-mini"]
mode = "on"
"""


def _begun(pipe: Path) -> int | None:
    """The end to write to, once somebody reads *pipe*."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_calls_are_answered_while_a_predictor_is_loaded(tmp_path: Path) -> None:
    slow = tmp_path / "slow.brain"  # a pipe: who reads it waits until somebody writes
    os.mkfifo(slow, 0o600)
    with Stand(tmp_path, ROUTE) as stand, ThreadPoolExecutor(1) as aside:
        stand.config_path.write_text(f'{stand.config_path.read_text()}\n[brain]\nfile = "{slow}"\n')
        reload = aside.submit(stand.request, "POST", "/api/v1/reload")
        fd = until(lambda: _begun(slow), "the worker's reading")
        os.set_blocking(fd, True)
        with open(fd, "wb") as pipe:
            for _ in range(5):
                assert stand.post("/v1/chat/completions", CHAT).status == 200
            assert not reload.done()
            pipe.write(SHIPPED.read_bytes())
        assert reload.result().status == 200
        assert stand.post("/v1/chat/completions", {**CHAT, "model": "gpt-4o"}).status == 200


def test_a_predictor_that_cannot_be_used_leaves_the_old_configuration_in_force(tmp_path: Path) -> None:
    (tmp_path / "damaged.brain").write_bytes(b"no predictor")
    with Stand(tmp_path, ROUTE) as stand:
        before = stand.config_path.read_text()
        stand.config_path.write_text(f'{before}\n[brain]\nfile = "{tmp_path / "damaged.brain"}"\n')
        answer = stand.request("POST", "/api/v1/reload")
        assert answer.status == 400
        assert "brain.file" in answer.body.decode()
        stand.config_path.write_text(before)
        assert stand.request("POST", "/api/v1/reload").status == 200
