"""A key that changes in its file is used from then on, without a reload, and nothing else changes with it."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import structs

from dd0c_route.config import Config, Provider
from dd0c_route.proxy.rotation import SecretFiles, with_secrets_of
from dd0c_route.types import Secret
from tests.stand import CHAT, Stand, until

PROVIDER = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ file = "key" }}
"""
DOOR = '[server]\naccess_keys = [{{ file = "door" }}]\n'


def test_a_rotated_key_is_taken_up_while_the_router_runs(tmp_path: Path) -> None:
    for name, value in (("key", "synthetic-provider-key"), ("door", "synthetic-access-key-one")):
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)

    with Stand(tmp_path, DOOR, providers=PROVIDER) as stand:

        def status(key: str) -> int:
            return stand.post("/v1/chat/completions", CHAT, {"x-dd0c-key": key}).status

        assert status("synthetic-access-key-one") == 200
        assert status("synthetic-access-key-two") == 401
        fresh = tmp_path / "door.new"
        fresh.write_text("synthetic-access-key-two")
        fresh.chmod(0o600)
        os.replace(fresh, tmp_path / "door")
        assert until(lambda: status("synthetic-access-key-two") == 200, "the new key")
        assert status("synthetic-access-key-one") == 401


def test_a_change_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("one")
    files = SecretFiles([path, path, tmp_path / "nowhere"])
    assert not files.changed()
    path.write_text("two-longer")
    os.utime(path, ns=(1, 1))
    assert files.changed()
    assert not files.changed()


def test_only_secrets_are_taken_from_the_configuration_that_was_read_again() -> None:
    old = Provider("p", "openai", "http://h/v1", Secret("synthetic-1"))
    fresh = Provider("p", "openai", "http://elsewhere/v1", Secret("synthetic-2"))
    now = Config(providers={"p": old, "q": structs.replace(old, name="q")})
    after = with_secrets_of(Config(providers={"p": fresh, "new": fresh}), now)
    assert after.providers["p"] == structs.replace(old, api_key=Secret("synthetic-2"))
    assert after.providers["q"] == now.providers["q"]
    assert set(after.providers) == {"p", "q"}
