"""A LiteLLM proxy's configuration as ours: what becomes of each part, and what is said of the rest."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.config import Config, load
from dd0c_route.connect import CannotEdit
from dd0c_route.connect.litellm import Imported, imported, rules
from dd0c_route.pricing.catalog import Catalog
from dd0c_route.upstream.providers import known

OWNERS = Catalog.of(Config()).owners
LITERAL = "synthetic-literal-key-0123456789"


def became(text: str, **environ: str) -> tuple[dict[str, Any], Imported]:
    result = imported(text, environ, known(), OWNERS)
    return tomllib.loads(result.text), result


def model(name: str, params: str, more: str = "") -> str:
    return f"  - model_name: {name}\n    litellm_params: {{{params}}}\n{more}"


def losses(result: Imported) -> dict[str, str]:
    return dict(result.losses)


def test_a_model_of_its_own_name_needs_no_route() -> None:
    tree, result = became("model_list:\n" + model("gpt-4o", "model: openai/gpt-4o, api_key: os.environ/MY_KEY"))
    assert tree == {"providers": {"openai": {"api_key": {"env": "MY_KEY"}}}}
    assert result.losses == ()


def test_another_name_becomes_a_route_that_every_call_takes() -> None:
    tree, _ = became("model_list:\n" + model("smart", "model: claude-sonnet-4-5"))
    assert tree["providers"] == {"anthropic": {"api_key": {"env": "ANTHROPIC_API_KEY"}}}
    assert tree["routes"] == [
        {
            "match": {"model": "smart"}, "candidates": ["anthropic/claude-sonnet-4-5"],
            "policy": "ordered", "mode": "on", "control_share": 0.0,
        }
    ]  # fmt: skip


def test_with_a_master_key_a_provider_without_a_key_gets_one_of_its_own() -> None:
    local = "model_list:\n" + model("local", "model: ollama/llama3, api_base: 'http://127.0.0.1:11434'")
    tree, result = became(local + "general_settings: {master_key: os.environ/OLLAMA_API_KEY}\n")
    assert tree["providers"]["ollama"]["api_key"] == {"env": "OLLAMA_API_KEY_2"}
    assert "set OLLAMA_API_KEY_2" in losses(result)["[providers.ollama] api_key"]
    assert "api_key" not in became(local)[0]["providers"]["ollama"]


def test_who_lets_parameters_be_dropped_may_let_them_be_dropped_here() -> None:
    models = "model_list:\n" + model("m", "model: openai/gpt-4o") + model("c", "model: anthropic/claude-sonnet-4-5")
    tree, result = became(models + "litellm_settings: {drop_params: true}\n")
    assert {name: table["drop"] for name, table in tree["providers"].items()} == {"openai": True, "anthropic": True}
    assert result.losses == ()
    tree, result = became(models + "litellm_settings: {drop_params: false}\n")
    assert not any("drop" in table for table in tree["providers"].values())
    assert result.losses == ()


def test_coheres_models_are_asked_in_the_dialect_that_callers_can_be_answered_in() -> None:
    tree, _ = became("model_list:\n" + model("co", "model: cohere/command-r-08-2024"))
    assert tree["providers"] == {"cohere-compat": {"api_key": {"env": "COHERE_API_KEY"}}}
    assert tree["routes"][0]["candidates"] == ["cohere-compat/command-r-08-2024"]
    assert known()["cohere-compat"]["dialect"] == "openai"


def test_deployments_are_weighted_and_what_they_fall_back_to_stands_by() -> None:
    tree, _ = became(
        "model_list:\n"
        + model("m", "model: openai/gpt-4o, weight: 2")
        + model("m", "model: azure/eu, api_base: 'https://r.openai.azure.com/', api_key: os.environ/AZURE")
        + model("spare", "model: groq/llama")
        + "litellm_settings: {fallbacks: [{m: [spare]}]}\n"
    )
    assert tree["providers"]["azure"] == {
        "base_url": "https://r.openai.azure.com/openai/v1",
        "api_key": {"env": "AZURE"},
    }
    route = tree["routes"][0]
    assert route["candidates"] == ["openai/gpt-4o", "azure/eu", "groq/llama"]
    assert (route["policy"], route["weights"]) == ("weighted", [2.0, 1.0, 0.0])


def test_a_fallback_for_all_stands_behind_every_model() -> None:
    tree, _ = became(
        "model_list:\n" + model("gpt-4o", "model: gpt-4o") + model("spare", "model: groq/llama")
        + "router_settings: {default_fallbacks: [spare], num_retries: 3, timeout: 20}\n"
    )  # fmt: skip
    assert [one["candidates"] for one in tree["routes"]] == [["openai/gpt-4o", "groq/llama"], ["groq/llama"]]
    assert tree["retries"] == {"attempts": 4}
    assert {table["timeouts"]["total_s"] for table in tree["providers"].values()} == {20.0}


def test_aliases_become_routes_of_their_own() -> None:
    aliases = "router_settings: {model_group_alias: {a: gpt-4o, b: {model: gpt-4o, hidden: true}, c: none}}\n"
    tree, result = became("model_list:\n" + model("gpt-4o", "model: gpt-4o") + aliases)
    assert [one["match"]["model"] for one in tree["routes"]] == ["a", "b"]
    assert "router_settings.model_group_alias.c" in losses(result)


def test_a_key_that_stands_in_the_file_is_not_copied() -> None:
    tree, result = became(
        "model_list:\n" + model("gpt-4o", f"model: gpt-4o, api_key: {LITERAL}")
        + model("x", f"model: gpt-4o-mini, api_key: {LITERAL}2")
        + f"general_settings: {{master_key: {LITERAL}3}}\n"
    )  # fmt: skip
    assert LITERAL not in result.text + str(result.losses) + str(result.keys)
    assert list(result.keys) == ["OPENAI_API_KEY", "OPENAI_API_KEY_2", "LITELLM_MASTER_KEY"]
    assert tree["server"]["access_keys"] == [{"env": "LITELLM_MASTER_KEY"}]
    second = tree["providers"]["openai-2"]
    assert (second["base_url"], second["price_as"]) == ("https://api.openai.com/v1", "openai")


def test_a_literal_key_never_takes_the_place_of_a_variable_that_is_named_elsewhere() -> None:
    named = model("a", "model: gpt-4o, api_key: os.environ/OPENAI_API_KEY")
    literal = model("b", f"model: gpt-4o, api_key: {LITERAL}")
    for text in (named + literal, literal + named):
        tree, result = became("model_list:\n" + text)
        variables = [table["api_key"]["env"] for table in tree["providers"].values()]
        assert sorted(variables) == ["OPENAI_API_KEY", "OPENAI_API_KEY_2"]
        assert list(result.keys) == ["OPENAI_API_KEY_2"]


def test_openais_dialect_elsewhere_is_a_provider_of_its_own_with_its_prices() -> None:
    rates = "    model_info: {input_cost_per_token: 0.0000001, output_cost_per_token: 4e-7, mode: chat}\n"
    local = model("local", "model: openai/acme, api_base: 'http://127.0.0.1:9000/v1'", rates)
    tree, result = became("model_list:\n" + local)
    assert tree["providers"] == {"local": {"dialect": "openai", "base_url": "http://127.0.0.1:9000/v1"}}
    assert tree["prices"][0] == {
        "provider": "local", "model": "acme", "input": 0.1, "output": 0.4,
        "source": "imported from a LiteLLM configuration",
    }  # fmt: skip
    assert list(losses(result)) == ["model_list[0].model_info.mode"]


def test_an_address_in_a_variable_is_looked_up_or_named() -> None:
    text = "model_list:\n" + model("m", "model: azure/m, api_base: os.environ/AZURE_API_BASE")
    tree, _ = became(text, AZURE_API_BASE="https://r.openai.azure.com")
    assert tree["providers"]["azure"]["base_url"] == "https://r.openai.azure.com/openai/v1"
    tree, result = became(text)
    assert tree["providers"]["azure"]["base_url"] == "https://azure-api-base.invalid/openai/v1"
    assert "AZURE_API_BASE is not set" in losses(result)["model_list[0].litellm_params.api_base"]


def test_a_pattern_on_both_sides_is_what_the_provider_says_by_itself() -> None:
    tree, result = became(
        "model_list:\n" + model("'anthropic/*'", "model: 'anthropic/*'") + model("'my-*'", "model: 'groq/*'")
    )
    assert "routes" not in tree
    assert list(losses(result)) == ["model_list (my-*)"]


@pytest.mark.parametrize("params", ["model: bedrock/x", "model: vertex_ai/x", "model: nobody/x", "model: 5", ""])
def test_what_cannot_be_carried_over_is_listed_with_its_reason(params: str) -> None:
    tree, result = became("model_list:\n" + model("m", params))
    assert tree == {}
    assert all(loss.reason for loss in result.losses)
    assert len(result.losses) == 1


def test_every_other_field_is_listed_with_its_reason() -> None:
    text = (
        "model_list:\n" + model("gpt-4o", "model: gpt-4o, rpm: 5, new_one: 1")
        + "litellm_settings: {cache: true, new_one: 1}\nrouter_settings: {routing_strategy: x, new_one: 1}\n"
        + "general_settings: {database_url: 'postgresql://u:synthetic@h/d', new_one: 1}\n"
        + "environment_variables: {A: b}\nnew_one: 1\n"
    )  # fmt: skip
    _, result = became(text)
    assert len(result.losses) == 10
    assert "synthetic" not in str(result.losses)


def test_the_rules_name_providers_that_are_known() -> None:
    assert set(rules()["providers"].values()) <= set(known())
    assert set(rules()["keys"]) | set(rules()["address_ends"]) <= set(known())


@pytest.mark.parametrize("text", ["", "[]", "a: b", "model_list: 5", "model_list: {a: b}"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        imported(text, {}, known(), OWNERS)


NAMES = st.sampled_from(["gpt-4o", "a", "b/c", "*", "openai/*", "é\"'\\", "a b"])
MODELS = st.sampled_from(
    ["gpt-4o", "openai/x", "azure/y", "anthropic/*", "custom/z", "bedrock/q", "a/b/c", "/", "openai/"]
)
PARAMS = st.fixed_dictionaries(
    {"model": MODELS},
    optional={
        "api_base": st.sampled_from(["http://127.0.0.1:1/v1", "https://x.example", "os.environ/BASE", "junk", ""]),
        "api_key": st.sampled_from(["os.environ/K", LITERAL, "", None, 5]),
        "weight": st.sampled_from([0, 1, 2.5, "x", None]),
        "timeout": st.sampled_from([1, 0, -1, "x", None]),
        "input_cost_per_token": st.sampled_from([0, 1e-7, "1e-6", "x", None]),
    },
)


@given(st.lists(st.tuples(NAMES, PARAMS), max_size=5), st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=2))
def test_whatever_it_makes_is_a_valid_configuration(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, dict[str, Any]]], fallbacks: dict[str, list[str]]
) -> None:
    import yaml

    tree = {
        "model_list": [{"model_name": name, "litellm_params": params} for name, params in entries],
        "router_settings": {"fallbacks": [{name: others} for name, others in fallbacks.items()]},
    }
    result = imported(yaml.safe_dump(tree), {}, known(), OWNERS)
    path: Path = tmp_path_factory.getbasetemp() / "imported.toml"
    path.write_text(result.text, encoding="utf-8")
    names = ("K", "OPENAI_API_KEY", "AZURE_API_KEY", "ANTHROPIC_API_KEY", "CUSTOM_API_KEY", *result.keys)
    environ = dict.fromkeys(names, "synthetic-key-of-some-length")
    load(path, environ, {}, known())
    assert LITERAL not in result.text
