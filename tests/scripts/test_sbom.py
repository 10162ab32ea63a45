"""The bill of materials says what the lock says, in the form of CycloneDX, and always the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from scripts.locked import ROOT, facts, locked
from scripts.sbom import bill

BILL: dict[str, Any] = bill(locked(), facts())
# Of the JSON schema of CycloneDX 1.6, what concerns the fields in use.
SHAPE: dict[str, dict[str, type]] = {
    "bill": {"bomFormat": str, "specVersion": str, "version": int, "metadata": dict, "components": list,
             "dependencies": list},
    "component": {"type": str, "bom-ref": str, "name": str, "version": str, "scope": str, "hashes": list,
                  "licenses": list, "purl": str, "properties": list},
    "hash": {"alg": str, "content": str},
    "dependency": {"ref": str, "dependsOn": list},
}  # fmt: skip


def shaped(value: dict[str, Any], kind: str) -> None:
    for name, field in value.items():
        assert isinstance(field, SHAPE[kind][name]), (kind, name)


def test_the_document_has_the_form_of_cyclonedx() -> None:
    shaped(BILL, "bill")
    assert (BILL["bomFormat"], BILL["specVersion"]) == ("CycloneDX", "1.6")
    for component in [BILL["metadata"]["component"], *BILL["components"]]:
        shaped(component, "component")
        assert component["type"] in ("application", "library")
        assert component.get("scope", "required") in ("required", "optional", "excluded")
        assert re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[a-z0-9.]+", component["purl"])
        for one in component.get("hashes", []):
            shaped(one, "hash")
            assert one["alg"] == "SHA-256"
            assert re.fullmatch("[0-9a-f]{64}", one["content"])
        for licence in component["licenses"]:
            assert set(licence) == {"expression"} or set(licence["license"]) == {"id"}
        assert len(component["licenses"]) == 1  # an expression stands alone


def test_references_are_unique_and_lead_somewhere() -> None:
    known = [BILL["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in BILL["components"])]
    assert len(known) == len(set(known))
    for dependency in BILL["dependencies"]:
        shaped(dependency, "dependency")
        assert {dependency["ref"], *dependency["dependsOn"]} <= set(known)
        assert len(dependency["dependsOn"]) == len(set(dependency["dependsOn"]))
    assert sorted(one["ref"] for one in BILL["dependencies"]) == sorted(known)


def test_every_locked_package_is_in_it_with_all_its_hashes() -> None:
    said = {
        (one["name"], one["version"], tuple(hash_["content"] for hash_ in one["hashes"])) for one in BILL["components"]
    }
    assert said == {(one.name, one.version, tuple(sorted(one.hashes))) for one in locked()}


def test_each_but_the_project_is_wanted_by_somebody() -> None:
    wanted = {ref for one in BILL["dependencies"] for ref in one["dependsOn"]}
    assert wanted == {one["bom-ref"] for one in BILL["components"]}


def test_a_package_that_nothing_is_known_about_is_an_error() -> None:
    with pytest.raises(KeyError, match="tiktoken"):
        bill(locked(), {name: fact for name, fact in facts().items() if name != "tiktoken"})


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_command_prints_the_same_bytes_at_any_time(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.sbom"],
        cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.decode() == json.dumps(BILL, indent=2) + "\n"
    assert b"://" not in done.stdout
