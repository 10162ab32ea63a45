"""Requests made out of the document of the API, good and bad: no 500, and every answer is as documented.

Who may ask is shown by `tests/control/test_door.py`, address by address. `DD0C_XSS=all` makes many more.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from dd0c_route.access import new_key
from tests.environments import SCHEMAS
from tests.stand import CHAT, Stand, until

EXAMPLES = 400 if os.environ.get("DD0C_XSS") == "all" else 8  # an operation, of each kind
RUN_S = 1200 if EXAMPLES > 8 else 240
KEY, STORED_KEY = new_key()
CONFIG = f"""
[server]
access_keys = ["{STORED_KEY}"]

[[routes]]
match = {{{{ model = "a" }}}}
candidates = ["sim/a", "sim/b"]
"""
# `ignored_auth` takes the header that this run gives to every request for one that the address does without.
# `unsupported_method` asks for `Allow` from the door of the worker, which does not know the address yet. The two of
# data take the schema for all that can be said of a value: an age, a time in any form of RFC 3339.
NOT_ASKED = "ignored_auth,unsupported_method,positive_data_acceptance,negative_data_rejection"
PHASES = ("--phases", "fuzzing,stateful") if EXAMPLES == 8 else ()
CHECKS = ("--checks", "all", "--exclude-checks", NOT_ASKED)


def test_requests_made_from_the_document_are_answered_as_it_says(tmp_path: Path) -> None:
    with Stand(tmp_path, CONFIG) as stand:
        until(lambda: stand.get("/ui").status == 401, "the console")
        for _ in range(3):
            assert stand.post("/v1/chat/completions", CHAT, {"x-dd0c-key": KEY, "x-dd0c-session": "s"}).status == 200
        program = SCHEMAS.python_or_skip().parent / "schemathesis"
        address = f"http://127.0.0.1:{stand.port}/api/v1/openapi.json"
        done = subprocess.run(
            [program, "run", address, "-H", f"authorization: Bearer {KEY}", *CHECKS, "--max-examples", str(EXAMPLES),
             "--seed", "2026", "--workers", "4", *PHASES, "--no-color", "--generation-database", "none"],
            capture_output=True, text=True, timeout=RUN_S, check=False, cwd=tmp_path,
        )  # fmt: skip
        log = (stand.folder / "router.log").read_text()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    count = re.search(r"(\d+) generated", done.stdout)
    assert count is not None
    print(f"\n{count[1]} requests made from the document: none failed")
    assert int(count[1]) >= 60
    assert "Traceback" not in log
    assert KEY not in done.stdout + log
