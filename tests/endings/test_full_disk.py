"""A disk that takes no more: nothing is called that could not be accounted for."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.stand import CHAT, Stand, until

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux: a limit set from outside")


def test_a_router_whose_disk_is_full_is_not_ready_and_catches_up_by_itself(tmp_path: Path) -> None:
    with Stand(tmp_path) as stand:
        (worker,) = stand.children("dd0c_route.proxy")
        before = stand.post("/v1/chat/completions", CHAT)
        unlimited = resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        refused = [stand.post("/v1/chat/completions", CHAT) for _ in range(3)]

        assert [answer.status for answer in refused] == [503] * 3
        assert b"free space" in refused[0].body
        assert (stand.get("/healthz").status, stand.get("/readyz").status) == (200, 503)
        assert len(stand.sim_stats()["calls"]) == 1

        resource.prlimit(worker, resource.RLIMIT_FSIZE, unlimited)
        until(lambda: stand.get("/readyz").status == 200, "ready again")
        for answer in (before, *refused):  # no other call was needed for that
            assert stand.entry(answer.id)["status"] == answer.status
