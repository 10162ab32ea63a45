"""Print the bill of materials of `requirements.lock` (`make sbom`): CycloneDX 1.6 as JSON.

The same lock gives the same bytes: there is no time and no random number in it. It names no index address; a package is
told by its purl. Its hashes are those of all its files that the lock allows, of which an installation takes one.
Source of the format: the CycloneDX JSON reference, version 1.6 (cyclonedx.org/docs/1.6/json), read 2026-11-24.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from scripts.locked import ROOT, Fact, Package, facts, locked

PROJECT = "dd0c-route"


def version() -> str:
    text = (ROOT / "src/dd0c_route/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found
    return found[1]


def purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def licences(expression: str) -> list[dict[str, Any]]:
    if " " in expression:
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


def component(package: Package, fact: Fact) -> dict[str, Any]:
    described = {
        "type": "library",
        "bom-ref": purl(package.name, package.version),
        "name": package.name,
        "version": package.version,
        "scope": "excluded" if fact.build else "required",
        "hashes": [{"alg": "SHA-256", "content": content} for content in sorted(package.hashes)],
        "licenses": licences(fact.licence),
        "purl": purl(package.name, package.version),
    }
    if package.marker:
        described["properties"] = [{"name": "python:marker", "value": package.marker}]
    return described


def dependencies(found: tuple[Package, ...], root: str) -> list[dict[str, Any]]:
    """Who needs whom, both by their references."""
    names = {root: PROJECT} | {purl(one.name, one.version): one.name for one in found}
    return [
        {"ref": ref, "dependsOn": sorted(purl(one.name, one.version) for one in found if names[ref] in one.wanted_by)}
        for ref in sorted(names)
    ]


def bill(found: tuple[Package, ...], about: dict[str, Fact]) -> dict[str, Any]:
    """The document; a package of *found* that *about* does not know is a KeyError."""
    root = purl(PROJECT, version())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "pre-build"}],
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": PROJECT,
                "version": version(),
                "licenses": licences("MIT"),
                "purl": root,
            },
        },
        "components": [component(one, about[one.name]) for one in found],
        "dependencies": dependencies(found, root),
    }


if __name__ == "__main__":
    json.dump(bill(locked(), facts()), sys.stdout, indent=2)
    sys.stdout.write("\n")
