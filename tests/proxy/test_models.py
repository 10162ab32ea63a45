"""The list of models: whose, under which names, in which shape, and never waiting long."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dd0c_route.config import Config, Match, Provider, Route
from dd0c_route.decide.foreign import reachable
from dd0c_route.proxy import models
from dd0c_route.proxy.models import Model, names_in, passes_on
from dd0c_route.types import Secret
from tests.proxy.examples import call
from tests.stand import PROVIDERS, Stand

ANTHROPIC = {"anthropic-version": "2023-06-01"}
DEAD = """
[providers.away]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"
api_key = {{ env = "SIM_KEY" }}

[providers.deepseek]
base_url = "http://127.0.0.1:1/v1"

[[routes]]
match = {{ model = "auto" }}
candidates = ["sim/sim-small"]
mode = "on"
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("models"), DEAD) as running:
        yield running


def ids(answer: Any) -> list[str]:
    body = answer.json()
    return [row.get("id") or row["name"] for row in body.get("data") or body["models"]]


def test_all_providers_are_listed_by_the_names_under_which_they_are_reached(stand: Stand) -> None:
    listed = ids(stand.request("GET", "/v1/models"))
    assert listed[0] == "auto"  # what only a route gives a meaning
    assert {"sim-large", "sim-anthropic/sim-large"} <= set(listed)
    assert any(name.startswith("deepseek") for name in listed)  # keyless: what the catalogue knows
    assert not any(name.startswith("away/") for name in listed)


def test_each_asker_reaches_its_own_dialects_provider_by_the_bare_name(stand: Stand) -> None:
    assert {"sim-large", "sim/sim-large"} <= set(ids(stand.request("GET", "/v1/models?limit=1000", headers=ANTHROPIC)))
    gemini = set(ids(stand.request("GET", "/v1beta/models?pageSize=1000")))
    assert {"models/sim-large", "models/auto"} <= gemini
    assert set(ids(stand.request("GET", "/v1/models?pageSize=1000", headers={"x-goog-api-key": "x"}))) == gemini


@pytest.mark.parametrize(("dialect", "api"), models._USUAL_API.items())
def test_only_what_can_be_asked_is_listed(stand: Stand, dialect: Any, api: str) -> None:
    path = "/v1beta/models?pageSize=1000" if dialect == "gemini" else "/v1/models?limit=1000"
    listed = ids(stand.request("GET", path, headers=ANTHROPIC if dialect == "anthropic" else {}))
    for other, provider in (("openai", "sim"), ("anthropic", "sim-anthropic"), ("gemini", "sim-gemini")):
        named = any(f"{provider}/" in name for name in listed)
        assert named == (other != dialect and reachable(call(dialect=dialect, api=api), other))


def test_a_listed_model_can_be_called(stand: Stand) -> None:
    listed = [name for name in ids(stand.request("GET", "/v1/models")) if name in ("auto", "sim-large")]
    for name in listed:
        assert stand.post("/v1/chat/completions", {"model": name, "messages": []}).status == 200
    assert listed == ["auto", "sim-large"]


def test_anthropics_list_has_pages(stand: Stand) -> None:
    whole = ids(stand.request("GET", "/v1/models?limit=1000", headers=ANTHROPIC))
    page = stand.request("GET", f"/v1/models?limit=2&after_id={whole[1]}", headers=ANTHROPIC).json()
    assert [row["id"] for row in page["data"]] == whole[2:4]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (True, whole[2], whole[3])
    assert {"type", "display_name", "created_at"} <= page["data"][0].keys()


def test_geminis_list_has_pages(stand: Stand) -> None:
    whole = ids(stand.request("GET", "/v1beta/models?pageSize=1000"))
    first = stand.request("GET", "/v1beta/models?pageSize=2").json()
    second = stand.request("GET", f"/v1beta/models?pageSize=2&pageToken={first['nextPageToken']}").json()
    assert [row["name"] for row in first["models"] + second["models"]] == whole[:4]


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/v1/models/sim-large", {}, "sim-large"),
        ("/v1/models/sim-anthropic/sim-large", {}, "sim-anthropic/sim-large"),
        ("/v1/models/sim-anthropic%2Fsim-large", {}, "sim-anthropic/sim-large"),
        ("/v1/models/sim-large", ANTHROPIC, "sim-large"),
    ],
)
def test_one_model_is_shown_alone(stand: Stand, path: str, headers: dict[str, str], name: str) -> None:
    answer = stand.request("GET", path, headers=headers)
    assert (answer.status, answer.json()["id"]) == (200, name)


def test_a_model_is_also_found_by_its_provider_and_name(stand: Stand) -> None:
    assert "sim-large" in ids(stand.request("GET", "/v1/models"))
    for path in ("/v1/models/sim/sim-large", "/v1/models/sim%2Fsim-large"):
        assert stand.request("GET", path).json()["id"] == "sim/sim-large"


@pytest.mark.parametrize("headers", [{}, ANTHROPIC])
def test_a_model_that_there_is_not_is_not_found(stand: Stand, headers: dict[str, str]) -> None:
    answer = stand.request("GET", "/v1/models/no-such:model", headers=headers)
    assert answer.status == 404
    assert "no-such:model" in answer.json()["error"]["message"]


def test_a_provider_that_never_answers_holds_up_no_list(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, by its kernel, and says nothing
        mute = DEAD.replace("127.0.0.1:1/v1", f"127.0.0.1:{deaf.getsockname()[1]}/v1")
        with Stand(tmp_path, mute) as stand:
            listed = ids(stand.request("GET", "/v1/models"))
            assert "sim-large" in listed
            assert ids(stand.request("GET", "/v1/models")) == listed


def test_a_provider_whose_api_has_no_list_is_not_asked_for_one() -> None:
    key = Secret("synthetic-key")
    asked = {
        dialect: models._is_asked(Provider("p", dialect, "http://127.0.0.1:1", api_key=key))
        for dialect in ("openai", "anthropic", "gemini", "bedrock", "cohere")
    }
    assert asked == {"openai": True, "anthropic": True, "gemini": True, "bedrock": False, "cohere": False}


def test_the_only_provider_lists_itself(tmp_path: Path) -> None:
    alone = PROVIDERS.split("[providers.sim-anthropic]", maxsplit=1)[0]
    with Stand(tmp_path, providers=alone) as stand:
        answer = stand.request("GET", "/v1/models")
        assert answer.json()["data"][0]["owned_by"] == "simulated"
        assert stand.entry(answer.id)["provider"] == "sim"
        assert ids(stand.request("GET", "/v1/models", headers=ANTHROPIC)) == ["sim-large", "sim-small"]


@pytest.mark.parametrize(
    ("keys", "dialects", "aliases", "passes"),
    [
        ([False], ["openai"], [], True),
        ([True], ["openai"], [], True),
        ([False, True], ["openai", "anthropic"], [], True),
        ([True, True], ["openai", "anthropic"], [], False),
        ([False, False], ["openai", "openai"], [], False),
        ([False], ["anthropic"], [], False),
        ([False], ["openai"], ["auto"], False),
        ([False], ["openai"], ["gpt-*"], True),
    ],
)
def test_one_pass_through_provider_of_the_dialect_answers_itself(
    keys: list[bool], dialects: Any, aliases: list[str], passes: bool
) -> None:
    providers = {
        f"p{number}": Provider(f"p{number}", dialect, "http://h/v1", Secret("synthetic") if key else None)
        for number, (key, dialect) in enumerate(zip(keys, dialects, strict=True))
    }
    routes = tuple(Route(("p0/m",), Match(model=alias)) for alias in aliases)
    assert passes_on(call(api="models", method="GET"), Config(providers=providers, routes=routes)) is passes


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"object":"list","data":[{"id":"a"},{"id":"b"},{"id":"a"}]}', ("a", "b")),
        (b'[{"id":"a"}]', ("a",)),  # Together's
        (b'{"models":[{"name":"models/g"}]}', ("g",)),
        (b'{"data":[{"id":7},"x",null]}', None),
        (b'{"data":7}', None),
        (b"", None),
        (b"[" * 9999, None),
    ],
)
def test_a_list_is_read_in_whichever_shape_it_comes(body: bytes, names: tuple[str, ...] | None) -> None:
    assert names_in(body) == names


def test_a_known_context_is_told_in_each_shape() -> None:
    model = Model("m", "acme", 1000)
    assert models._openai(model)["context_length"] == 1000
    assert models._anthropic(model)["max_input_tokens"] == 1000
    assert models._gemini(model)["inputTokenLimit"] == 1000
    assert json.loads(msgspec.json.encode(models._openai(Model("m", "acme")))) == {
        "id": "m", "object": "model", "created": 0, "owned_by": "acme",
    }  # fmt: skip
