"""ARCHITECTURE.md names files, folders and functions that are there, and the rings that the imports keep."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dd0c_route"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([^`\s]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))))


def defined() -> set[str]:
    """Classes, functions, `Class.member` and `module.function` of the package."""
    names: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                inner = ast.walk(node)
                members = {n.name for n in inner if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
                members |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                names |= {node.name, *(f"{node.name}.{member}" for member in members)}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names |= {node.name, f"{path.stem}.{node.name}", f"{path.parent.name}/{path.stem}.{node.name}"}
    return names


@pytest.mark.parametrize("path", [name for name in NAMED if name.endswith((".py", ".toml", ".md", "/"))])
def test_each_file_is_there(path: str) -> None:
    assert [folder / path for folder in (ROOT, SOURCE) if (folder / path).exists()] or path == "dd0c.toml"


def test_each_class_and_function_is_there() -> None:
    known = defined()
    spoken = [name for name in NAMED if re.fullmatch(r"(?:\w+/)?(?:[A-Z]\w*|[a-z_]\w*)\.\w+", name)]
    wanted = [
        name for name in spoken if not name.endswith((".py", ".toml", ".md", ".sql")) and name != "asyncio.Protocol"
    ]
    assert len(wanted) > 10
    assert [name for name in wanted if name not in known] == []


def test_each_folder_of_the_package_has_its_job() -> None:
    table = set(re.findall(r"^\| (`.+?`) \|", PAGE, re.MULTILINE))
    described = {name for cell in table for name in re.findall(r"`(\w+)/`", cell)}
    assert described == {path.parent.name for path in SOURCE.glob("*/__init__.py")}
