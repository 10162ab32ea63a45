"""What the package never does, found in its source: build SQL from texts, run what it was given, write unescaped pages.

Each exception stands here with its reason; one that is not needed any more is a failure, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "dd0c_route"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted(PACKAGE.rglob("*.html"))
ASSETS = sorted(PACKAGE.glob("console/static/*"))

EXECUTES = {"execute", "executemany", "executescript"}
SQL_ALLOWED = {
    ("ledger/sqlite.py", "sql"): "named blocks of sqlite.sql, joined; every value is a parameter",
    ("ledger/sqlite.py", "statement"): "a statement of the schema's own files",
    ("ledger/sqlite.py", "f'PRAGMA user_version = {len(files)}'"): "a number of ours; PRAGMA takes no parameters",
}

NEVER_IMPORTED = {
    *(
        "pickle",
        "cPickle",
        "dill",
        "marshal",
        "shelve",
        "subprocess",
        "pty",
        "ctypes",
        "cffi",
        "code",
        "codeop",
        "runpy",
    ),
    *("xml", "telnetlib", "smtpd"),
}
IMPORTS_ALLOWED = {
    ("supervisor.py", "subprocess"): "starts the workers and the control process, with fixed arguments",
    ("processes.py", "ctypes"): "prctl: a child ends with its parent",
    ("proxy/audit.py", "subprocess"): "starts the auditor, a process of the package's own, with fixed arguments",
    ("proxy/counter.py", "subprocess"): "starts the counter, likewise",
    ("redact/hooks.py", "ctypes"): "prctl: no core files, no reading of the memory",
}
NEVER_CALLED = {"eval", "exec", "compile", "__import__", "breakpoint", "Markup", "os.system", "os.popen", "os.spawnv"}
NEVER_CALLED |= {"os.execv", "os.execvp", "os.execve", "from_string", "Template", "render_template_string"}
CALLS_ALLOWED = {
    ("proxy/judge.py", "Template"): "the standard library's `$name` of a text of our own; it runs nothing",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in MODULES:
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


def is_fixed(argument: ast.expr) -> bool:
    """A text as it stands, or a named block: `_SQL["name"]`."""
    if isinstance(argument, ast.Constant):
        return True
    return (
        isinstance(argument, ast.Subscript)
        and isinstance(argument.value, ast.Name)
        and argument.value.id == "_SQL"
        and isinstance(argument.slice, ast.Constant)
    )


def built_sql(name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """File and text of whatever is executed and not fixed."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTES):
            continue
        if not node.args or not is_fixed(node.args[0]):
            yield name, ast.unparse(node.args[0]) if node.args else "nothing"


def imported(name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        else:
            continue
        yield from ((name, root) for root in (module.partition(".")[0] for module in modules) if root in NEVER_IMPORTED)


def called(name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = ast.unparse(node.func)
            last = function.rpartition(".")[2]
            if function in NEVER_CALLED or (last in NEVER_CALLED and last in {"Markup", "from_string", "Template"}):
                yield name, function


def test_no_sql_is_built_from_texts() -> None:
    found = {one for name, tree in trees() for one in built_sql(name, tree)}
    assert found == set(SQL_ALLOWED)


def test_nothing_runs_what_it_was_given() -> None:
    assert {one for name, tree in trees() for one in imported(name, tree)} == set(IMPORTS_ALLOWED)
    assert {one for name, tree in trees() for one in called(name, tree)} == set(CALLS_ALLOWED)


def test_every_environment_of_templates_escapes() -> None:
    """`autoescape` is written out as True wherever an environment is made."""
    made = [
        (name, keyword.value)
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Environment"
        for keyword in [next((one for one in node.keywords if one.arg == "autoescape"), None)]
        if keyword is not None
    ]
    environments = sum(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Environment"
        for _, tree in trees()
        for node in ast.walk(tree)
    )
    assert len(made) == environments == 1
    assert all(isinstance(value, ast.Constant) and value.value is True for _, value in made)


UNSAFE_TEMPLATE = re.compile(
    r"\|\s*safe\b|autoescape|\bMarkup\b|<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+\s*=|javascript:"
)
UNSAFE_SCRIPT = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|eval|setAttribute\(.on)|document\.write|Function\(|javascript:|<script"
)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_hold_no_script_no_style_and_nothing_unescaped(path: Path) -> None:
    assert UNSAFE_TEMPLATE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", ASSETS, ids=name_of)
def test_assets_write_no_markup_and_run_no_text(path: Path) -> None:
    assert UNSAFE_SCRIPT.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "db.execute(f'select {x}')",
        "db.execute('select ' + x)",
        "db.execute('select %s' % x)",
        "db.execute('select {}'.format(x))",
        "db.executescript(x)",
        "db.executemany(_SQL[x], y)",
        "self._reader().execute(text)",
    ],
)
def test_the_gate_sees_sql_that_is_built(source: str) -> None:
    assert list(built_sql("x.py", ast.parse(source)))


@pytest.mark.parametrize("source", ["eval(x)", "exec(x)", "os.system(x)", "markupsafe.Markup(x)", "env.from_string(x)"])
def test_the_gate_sees_what_would_run(source: str) -> None:
    assert list(called("x.py", ast.parse(source)))


@pytest.mark.parametrize("source", ["import pickle", "from subprocess import run", "import xml.etree.ElementTree as e"])
def test_the_gate_sees_what_could_run(source: str) -> None:
    assert list(imported("x.py", ast.parse(source)))


@pytest.mark.parametrize(
    "text",
    ["{{ x | safe }}", "{% autoescape false %}", "<script>x</script>", '<p style="x">', "<p onclick=x>", "<style>"],
)
def test_the_gate_sees_what_a_template_may_not_hold(text: str) -> None:
    assert UNSAFE_TEMPLATE.search(text)
