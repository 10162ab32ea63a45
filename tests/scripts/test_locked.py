"""What is installed: how much, why, and under which licence."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from scripts.locked import ROOT, Package, facts, locked, packages

MOST_DIRECT, MOST_OF_ALL = 14, 36
LOCKED = locked()
FACTS = facts()
PAGE = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
NAMES = sorted({package.name for package in LOCKED})
DECLARED = {
    re.split(r"[<>=\[ ;]", line)[0]
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
}
# What metadata calls the licences whose SPDX names we write.
CALLED = {"MIT": "MIT", "BSD-3-Clause": "BSD", "Apache-2.0": "Apache", "MPL-2.0": "Mozilla", "BSD-2-Clause": "BSD"}


def test_few_packages_are_required_directly_and_few_in_all() -> None:
    build = [name for name, fact in FACTS.items() if fact.build]
    print(
        f"\n{len(DECLARED)} direct, {len(NAMES) - len(build)} when running, {len(NAMES)} with what builds the package"
    )
    assert len(DECLARED) <= MOST_DIRECT
    assert len(NAMES) <= MOST_OF_ALL


def test_every_locked_package_has_a_licence_and_every_direct_one_a_reason() -> None:
    assert sorted(FACTS) == NAMES
    assert {name for name, fact in FACTS.items() if fact.why} == DECLARED
    assert all(fact.licence for fact in FACTS.values())


def test_what_only_builds_is_asked_for_by_nothing_that_runs() -> None:
    build = {name for name, fact in FACTS.items() if fact.build}
    for package in LOCKED:
        if package.name in build:
            assert set(package.wanted_by) <= build | {"dd0c-route"}
            assert package.name not in DECLARED


@pytest.mark.parametrize("name", NAMES)
def test_the_licence_is_the_one_that_the_package_names(name: str) -> None:
    try:
        read = metadata(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    licence = FACTS[name].licence
    if "License-Expression" in read:
        assert licence == read["License-Expression"]
        return
    said = " ".join([*read.get_all("License", []), *read.get_all("Classifier", [])])
    assert all(CALLED[one] in said for one in licence.split(" OR ")), said[:200]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_it(name: str) -> None:
    fact = FACTS[name]
    line = f"| `{name}` | {fact.licence} | {fact.why} |" if fact.why else f"`{name}` ({fact.licence})"
    assert line in PAGE


def test_a_package_without_hashes_is_refused() -> None:
    with pytest.raises(AssertionError, match="loose"):
        packages("loose==1.0\n")


def test_a_package_has_its_marker_its_hashes_and_those_who_want_it() -> None:
    one, other = "0" * 64, "1" * 64
    text = (
        f"first==1.0 ; python_full_version < '3.12' \\\n    --hash=sha256:{one} \\\n    --hash=sha256:{other}\n"
        f"    # via\n    #   dd0c-route (pyproject.toml)\n    #   second\n"
        f"second==2 \\\n    --hash=sha256:{one}\n    # via dd0c-route (pyproject.toml:build)\n"
    )
    assert packages(text) == (
        Package("first", "1.0", "python_full_version < '3.12'", (one, other), ("dd0c-route", "second")),
        Package("second", "2", "", (one,), ("dd0c-route",)),
    )
