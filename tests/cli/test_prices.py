"""`prices`: what the catalogue says, why, and where another catalogue says something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.programs import ran

OWN = """
[[prices]]
provider = "openai"
model = "gpt-4o"
input = 1.25
output = 5.0
since = 2026-06-01
source = "our contract"

[[prices]]
provider = "local"
model = "acme-*"
input = 0.1
output = 0.4
"""


def answered(folder: Path, *arguments: str, code: int = 0) -> Any:
    result = ran(folder, "prices", *arguments, "--json")
    assert result.returncode == code, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def said(folder: Path, *arguments: str, code: int = 0) -> str:
    result = ran(folder, "prices", *arguments)
    assert result.returncode == code, result.stderr
    return result.stdout.decode()


# --- list ----------------------------------------------------------------------------------------------------------


def test_the_list_has_rates_dates_and_sources(tmp_path: Path) -> None:
    rows = answered(tmp_path, "list", "--provider", "openai", "--model", "gpt-4o*")
    by_model = {row["model"]: row for row in rows}
    assert by_model["gpt-4o-mini"]["rates"]["input"] == "0.15"
    assert by_model["gpt-4o-mini"]["source"].startswith("genai-prices")
    assert all(row["provider"] == "openai" and row["model"].startswith("gpt-4o") for row in rows)
    assert "gpt-4o-mini" in said(tmp_path, "list", "--provider", "openai")


def test_the_list_of_all_has_every_provider_and_own_rows_first(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(OWN)
    rows = answered(tmp_path, "list")
    assert rows[0]["id"] == "own:openai/gpt-4o"
    assert {"openai", "anthropic", "google", "mistral", "local"} <= {row["provider"] for row in rows}


def test_context_tiers_are_listed(tmp_path: Path) -> None:
    (row,) = answered(tmp_path, "list", "--provider", "anthropic", "--model", "claude-sonnet-4-5")
    assert row["context_tiers"][0]["above"] == 200_000
    assert row["context_tiers"][0]["rates"]["input"] == "6"


def test_a_list_of_nothing_says_so(tmp_path: Path) -> None:
    assert ran(tmp_path, "prices", "list", "--model", "no-such-*").returncode == 1


# --- explain -------------------------------------------------------------------------------------------------------


def test_explain_names_the_row_its_rates_and_what_overrides_it(tmp_path: Path) -> None:
    text = said(tmp_path, "explain", "gpt-4o-mini")
    for part in (
        "openai/gpt-4o-mini",
        "the row openai/gpt-4o-mini, from genai-prices",
        "tier       standard",
        "$0.15 per million tokens",
        "history",
        'to override it: [[prices]] in dd0c.toml, with provider = "openai", model = "gpt-4o-mini"',
    ):
        assert part in text


def test_explain_says_that_an_own_row_holds_and_from_when(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(OWN)
    assert "your own row own:openai/gpt-4o, from our contract, since 2026-06-01" in said(tmp_path, "explain", "gpt-4o")
    before = said(tmp_path, "explain", "gpt-4o", "--at", "2026-05-31T23:59:59Z")
    assert "the row openai/gpt-4o, from genai-prices" in before
    assert "your own row" not in before


def test_explain_takes_a_provider_in_either_way(tmp_path: Path) -> None:
    (tmp_path / "dd0c.toml").write_text(OWN)
    assert said(tmp_path, "explain", "local/acme-9") == said(tmp_path, "explain", "acme-9", "--provider", "local")


def test_explain_names_a_tier_and_one_that_has_no_rate(tmp_path: Path) -> None:
    assert "tier       batch" in said(tmp_path, "explain", "gpt-4o", "--tier", "batch")
    assert "there is no rate for 'moonlight'" in said(tmp_path, "explain", "gpt-4o", "--tier", "moonlight")


def test_explain_as_json_holds_price_and_history(tmp_path: Path) -> None:
    (told,) = answered(tmp_path, "explain", "gpt-4o")
    assert told["price"]["rates"]["output"] == "10"
    assert {"standard", "batch"} <= {one["tier"] for one in told["history"]}


@pytest.mark.parametrize("model", ["no-such-model", "openai/no-such-model"])
def test_a_model_without_a_price_is_a_failure_that_says_what_to_do(tmp_path: Path, model: str) -> None:
    result = ran(tmp_path, "prices", "explain", model)
    assert result.returncode == 1
    assert b"--provider" in result.stderr or b"[[prices]]" in result.stderr


# --- check ---------------------------------------------------------------------------------------------------------


def test_litellms_table_is_compared_class_by_class(tmp_path: Path) -> None:
    table = {
        "sample_spec": {"input_cost_per_token": 0.0},
        "gpt-4o-mini": {
            "litellm_provider": "openai",
            "input_cost_per_token": 1.5e-07,
            "output_cost_per_token": 6e-07,
            "cache_read_input_token_cost": 1.5e-07,
        },
        "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 1.25e-06},
        "unheard-of": {"litellm_provider": "openai", "input_cost_per_token": 1.0},
    }
    path = tmp_path / "other.json"
    path.write_text(json.dumps(table))

    (report,) = answered(tmp_path, "check", str(path), code=1)

    assert (report["models"], report["compared"], report["unknown"]) == (2, 4, 1)
    (one,) = report["disagreements"]
    assert (one["model"], one["class"], one["ours"], one["theirs"]) == ("gpt-4o-mini", "cache_read", "0.075", "0.15")
    assert one["off"] == 1.0
    assert "gpt-4o-mini cache_read: $0.075 here" in said(tmp_path, "check", str(path), code=1)


def test_the_list_of_models_dev_is_compared_the_largest_difference_first(tmp_path: Path) -> None:
    costs = {"gpt-4o": {"input": 2.6, "output": 20}, "gpt-4o-mini": {"input": 0.15, "cache_read": 0.08}}
    table = {
        "openai": {"models": {name: {"id": name, "cost": cost} for name, cost in costs.items()} | {"x": {"id": "x"}}},
        "somebody": {"models": {"y": {"cost": {"input": 1}}}},
    }
    path = tmp_path / "api.json"
    path.write_text(json.dumps(table))

    (report,) = answered(tmp_path, "check", str(path), code=1)

    assert [(one["model"], one["class"]) for one in report["disagreements"]] == [
        ("gpt-4o", "output"),
        ("gpt-4o-mini", "cache_read"),
        ("gpt-4o", "input"),
    ]


def test_an_own_table_that_agrees_is_a_success(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    path.write_text('[[prices]]\nprovider = "openai"\nmodel = "gpt-4o"\ninput = 2.50\noutput = 10\n')
    (report,) = answered(tmp_path, "check", str(path))
    assert (report["compared"], report["disagreements"]) == (2, [])
    assert "2 prices of 1 models compared: 0 not the same" in said(tmp_path, "check", str(path))


def test_only_one_provider_can_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(OWN)
    (report,) = answered(tmp_path, "check", str(path), "--provider", "local")
    assert (report["models"], report["unknown"]) == (0, 1)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}', "not json"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    assert ran(tmp_path, "prices", "check", str(path)).returncode == 1
