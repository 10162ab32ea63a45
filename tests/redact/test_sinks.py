"""Only what is guarded writes: everything else in the source goes through the log or through `sys.stderr`."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "dd0c_route"

# Standard output is for results: of commands, the newcomer's three lines, the simulator's address, counts for a worker.
MAY_PRINT = ("cli/", "supervisor.py", "upstream/simulator/", "proxy/auditing.py")
UNGUARDED = {"sys.stdout", "sys.__stdout__", "sys.__stderr__", "traceback.print_exc", "traceback.print_exception"}


def test_nothing_writes_past_the_redactor() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(MAY_PRINT):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call | ast.Attribute):
                spoken = ast.unparse(node.func if isinstance(node, ast.Call) else node)
                if spoken in UNGUARDED or (spoken == "print" and isinstance(node, ast.Call)):
                    wrong.append(f"{name}:{node.lineno}")
    assert not wrong


def test_every_process_is_guarded_before_it_loads_anything_else() -> None:
    for process in ("proxy", "control", "upstream/simulator"):
        lines = (SOURCE / process / "__main__.py").read_text(encoding="utf-8").splitlines()
        imports = [line for line in lines if line.startswith(("import ", "from dd0c_route", "hooks.install"))]
        installed = next(i for i, line in enumerate(imports) if line.startswith("hooks.install"))
        assert [line for line in imports[:installed] if line.startswith("from dd0c")] == [
            "from dd0c_route.redact import hooks"
        ]
