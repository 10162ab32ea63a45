"""A router is ready before its first call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FIRST_CALLS = """
import sys, tempfile
from pathlib import Path
from benchmarks import decide_time
from dd0c_route.decide import decide

with tempfile.TemporaryDirectory() as folder:
    router = decide_time.router(Path(folder))
user = {"role": "user", "content": "The mill stands where the river bends.\\n" * 200}
tool = {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": {"type": "object"}}}
schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
more = [{}, {"tools": [tool]}, {"response_format": schema}, {"max_tokens": 5}]
calls = [decide_time._call([user], **one) for one in more] + [decide_time._call([{"role": "user", "content": "Hi."}])]
happened = []
sys.addaudithook(lambda event, args: happened.append((event, args)) if event in ("open", "import") else None)
verdicts = {decide(call, router).reason for call in calls}
print(len(verdicts), happened)
"""


def test_a_first_call_reads_no_file_and_imports_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALLS],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": "src:."},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    number, _, happened = done.stdout.partition(" ")
    assert done.returncode == 0, done.stderr
    assert int(number) >= 1
    assert happened.strip() == "[]"
