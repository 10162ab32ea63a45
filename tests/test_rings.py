"""Imports point to lower rings only, folders of one ring do not know each other, and thinking touches no world."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "dd0c_route"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the inside out. What stands in one ring may import from rings above its line, and from itself.
RINGS = (
    ("types", "errors", "config", "clock"),
    ("wire", "tokens", "pricing", "brain", "access", "redact", "connect"),
    ("decide", "telemetry", "upstream", "ledger", "processes", "switch"),
    ("runtime",),
    ("proxy", "control", "console", "audit", "supervisor"),
    ("cli",),
    ("__main__",),
)
RING_OF = {part: ring for ring, parts in enumerate(RINGS) for part in parts}

# The words of ring 0 build on each other (an error names an end state, a setting holds a Secret), in this order.
WORDS = ("types", "errors", "config", "clock")
# The control process serves the console's pages.
NEIGHBOURS = {("control", "console")}

# Thinking gets values and returns values: what could wait, look at a clock or open a socket stays outside.
WORLDLY = {"asyncio", "concurrent", "http", "multiprocessing", "select", "selectors", "signal", "socket", "ssl"}
WORLDLY |= {"subprocess", "threading", "time", "urllib.request", "uvloop"}
WORLDLY_NAMES = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
# The redactor's hooks are the edge that stands before every sink: they replace the hooks of the interpreter.
HOOKS = PACKAGE / "redact" / "hooks.py"


class Import(NamedTuple):
    """One imported module, absolute, and where: `TYPE_CHECKING` blocks count like all others."""

    module: str
    line: int


def imports(path: Path) -> Iterator[Import]:
    inside = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(f"{module}.{name.name}", node.lineno) for name in node.names)


def part_of(path: Path) -> str:
    """The folder or file right below the package: `wire`, `types`, …; empty for the package's own `__init__`."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def allowed(importer: str, imported: str) -> bool:
    if importer == imported or imported not in RING_OF:
        return importer == imported
    if RING_OF[importer] == 0:
        return imported in WORDS[: WORDS.index(importer)]
    return RING_OF[imported] < RING_OF[importer] or (importer, imported) in NEIGHBOURS


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def in_ring(ring: int) -> list[Path]:
    return [path for path in MODULES if RING_OF.get(part_of(path)) == ring]


def test_the_package_is_found() -> None:
    assert {"types", "errors", "config", "clock"} <= {part_of(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_part_has_its_ring(path: Path) -> None:
    part = part_of(path)
    assert not part or part in RING_OF, f"{part} stands in no ring: give it one in ARCHITECTURE.md and here"


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) in RING_OF], ids=name_of)
def test_imports_point_to_lower_rings_only(path: Path) -> None:
    importer = part_of(path)
    wrong = []
    for module, line in imports(path):
        package, _, rest = module.partition(".")
        imported = rest.partition(".")[0]
        if package == PACKAGE.name and imported != "__version__" and not allowed(importer, imported):
            wrong.append(f"{name_of(path)}:{line}: {importer} imports {module}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", in_ring(1), ids=name_of)
def test_thinking_does_not_wait_and_does_not_look_at_the_world(path: Path) -> None:
    if path == HOOKS:
        pytest.skip("the redactor's hooks are an edge by purpose")
    wrong = [
        f"{name_of(path)}:{line}: imports {module}"
        for module, line in imports(path)
        if any(module == worldly or module.startswith(worldly + ".") for worldly in WORLDLY)
    ]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            wrong.append(f"{name_of(path)}:{node.lineno}: waits")
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value), node.attr) in WORLDLY_NAMES:
            wrong.append(f"{name_of(path)}:{node.lineno}: reads the clock")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", in_ring(1), ids=name_of)
def test_thinking_opens_files_only_where_it_loads(path: Path) -> None:
    """A file is opened at import, in a function named `load…` or kept by a cache: never for each call anew."""
    wrong = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or "load" in function.name or _is_cached(function):
            continue
        wrong += [
            f"{name_of(path)}:{node.lineno}: {function.name} opens a file"
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and _opens_a_file(node.func)
        ]
    assert not wrong, "\n".join(wrong)


def _is_cached(function: ast.FunctionDef) -> bool:
    return any(re.search(r"\b(lru_)?cache\b", ast.unparse(decorator)) for decorator in function.decorator_list)


def _opens_a_file(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id == "open"
    return isinstance(called, ast.Attribute) and called.attr in {"open", "read_text", "read_bytes", "write_text"}


def test_the_check_sees_what_it_is_for() -> None:
    assert not allowed("wire", "pricing")
    assert not allowed("types", "errors")
    assert not allowed("upstream", "ledger")
    assert not allowed("wire", "proxy")
    assert allowed("proxy", "runtime")
    assert allowed("runtime", "ledger")
    assert allowed("errors", "types")
