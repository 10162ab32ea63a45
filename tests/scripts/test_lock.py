"""The lock files fit `pyproject.toml`, pin everything with hashes, and name no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOCKS = (
    *("requirements.lock", "requirements-dev.lock", "requirements-extras.lock"),
    *(f"tests/clients/{clients}/requirements.lock" for clients in ("sdks", "frameworks", "earlier", "aider")),
    *("tests/tokens/independent/requirements.lock", "benchmarks/accuracy/requirements.lock"),
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def required(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[ ;]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[a-z])", (ROOT / name).read_text(encoding="utf-8").strip())
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+==\S+", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("name", LOCKS)
def test_no_address_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text


def test_what_the_project_requires_is_locked() -> None:
    direct = required(PROJECT["project"]["dependencies"])
    groups = PROJECT["dependency-groups"]
    tools = required([line for group in groups.values() for line in group if isinstance(line, str)])
    assert direct <= pinned("requirements.lock").keys()
    assert direct | tools <= pinned("requirements-dev.lock").keys()


def test_every_vocabulary_that_can_be_installed_is_locked() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    packages = required([line for lines in extras.values() for line in lines]) - {PROJECT["project"]["name"]}
    assert packages <= pinned("requirements-extras.lock").keys()
    assert set(extras) - {"vocabularies"} == set(re.split("[][,]", extras["vocabularies"][0])[1:-1])


def test_at_most_14_packages_are_required_directly() -> None:
    assert len(PROJECT["project"]["dependencies"]) <= 14


def test_both_locks_agree() -> None:
    run, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert run.items() <= dev.items()
