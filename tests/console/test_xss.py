"""Nothing that a caller or a provider says runs in a browser that looks at the console: a real one, 300 payloads.

`DD0C_XSS=all` puts each payload into each field and each address (`make xss`); else each is in one field, and all
fields and addresses have some.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dd0c_route.access import new_key
from dd0c_route.clock import SystemClock, new_id, rfc3339
from dd0c_route.ledger import journal_directory
from dd0c_route.ledger.journal import Journal
from dd0c_route.types import Attempt, Delivery, Repricing
from tests.console.payloads import PAYLOADS
from tests.environments import BROWSER
from tests.ledger.examples import an_entry
from tests.stand import Stand, until

ALL = os.environ.get("DD0C_XSS") == "all"
FIELDS = 16  # that hold a caller's or a provider's words
WORKER = 9  # a journal that no worker of the stand writes
VISIT_S = 1500 if ALL else 240
KEY, STORED_KEY = new_key()


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with (
        tempfile.TemporaryDirectory(prefix="dd0c-") as folder,
        Stand(Path(folder), f'\n[server]\naccess_keys = ["{STORED_KEY}"]\n') as stand,
    ):
        until(lambda: stand.get("/ui").status == 401, "the console")
        yield stand


def browser() -> str:
    """Debian's chromium, or another one of its kind."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is not None:
        return found
    reason = "no chromium here: apt-get install chromium"
    if os.environ.get("DD0C_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def visit(stand: Stand, before: Sequence[str], pages: Sequence[str]) -> dict[str, Any]:
    job = {
        "browser": browser(),
        "origin": f"http://127.0.0.1:{stand.port}",
        "login": KEY,
        "before": before,
        "pages": pages,
        "fault": "".join(PAYLOADS[:1]) + "<img src=x onerror=__xss(2)>",
    }
    program = Path(__file__).parent / "browser" / "visit.py"
    done = subprocess.run(
        [BROWSER.python_or_skip(), program], input=json.dumps(job), capture_output=True, text=True, timeout=VISIT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen["fault_ran"] >= 1, "the hooks would notice nothing"
    return seen


def entry_with(words: Sequence[str]) -> dict[str, Any]:
    """The fields of an entry that hold what others say; as many *words* as there are `FIELDS`."""
    return {
        "requested_model": words[0],
        "served_model": words[1],
        "provider": words[2],
        "session": words[3],
        "tags": {words[4]: words[5]},
        "error": words[6],
        "key_id": words[7],
        "decision": {
            "reason": words[8],
            words[9]: [words[10]],
            "candidates": [{"target": words[11], "p_good": None}],
        },
        "price": {words[12]: words[13]},
        "attempts": (Attempt(words[14], 0.1, 1.0, 2.0, 500, words[15], words[15]),),
        "repriced": (Repricing("2027-02-01T00:00:00Z", words[0], 1, None, None, None, False, {"id": words[1]}),),
        "reported_usage": {words[2]: words[3]},
        "unpriced": True,
        "cost_picodollars": None,
        "cost_usd": None,
    }


def store(stand: Stand) -> list[str]:
    """Entries with all payloads in the ledger of *stand*; their ids."""
    lines = list(PAYLOADS)
    rows = [lines[start : start + FIELDS] for start in range(0, len(lines), FIELDS)]
    if ALL:
        rows = [[payload] * FIELDS for payload in lines]
    journal = Journal(journal_directory(f"sqlite:///{stand.folder}/dd0c.db"), WORKER, SystemClock())
    now_ns, ids = SystemClock.wall_ns(), []
    for row in rows:
        words = (row * FIELDS)[:FIELDS]
        entry = an_entry(new_id("dd_", now_ns), at=rfc3339(now_ns), **entry_with(words))
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))
        ids.append(entry.id)
    journal.close()
    last = {"authorization": f"Bearer {KEY}"}
    until(lambda: stand.request("GET", f"/api/v1/requests/{ids[-1]}", b"", last).status == 200, "the entries")
    return ids


def call_with(stand: Stand, payload: str) -> None:
    """A call whose model, tags, session and client are *payload*, as far as a header can hold it."""
    flat = re.sub(r"[^ -~]", "", payload)
    headers = {"x-dd0c-key": KEY, "x-dd0c-tags": f"{flat}={flat}", "x-dd0c-session": flat, "user-agent": flat}
    stand.post("/v1/chat/completions", {"model": payload, "messages": [], "user": payload}, headers)


def addresses(payload: str) -> list[str]:
    """Where *payload* can stand in an address."""
    said = quote(payload, safe="")
    return [
        f"/ui/{said}", f"/ui/requests/{said}", f"/ui?before={said}", f"/ui/static/{said}", f"/api/v1/requests/{said}",
        f"/api/v1/requests?session={said}&model={said}", f"/api/v1/requests?{said}={said}", f"/api/v1/sessions/{said}",
        f"/api/v1/{said}", f"/v1/{said}", f"/passthrough/{said}/x", f"/v1/models/{said}",
    ]  # fmt: skip


def test_no_payload_runs_in_a_browser(stand: Stand) -> None:
    for payload in PAYLOADS if ALL else PAYLOADS[::15]:
        call_with(stand, payload)
    ids = store(stand)
    pages = ["/ui", f"/ui?before={ids[0]}", "/api/v1/requests?limit=1000", "/metrics", "/api/v1/routes", "/ui/login"]
    pages += [f"/ui/requests/{one}" for one in ids]
    in_addresses = [addresses(payload) for payload in PAYLOADS]
    if ALL:
        pages += [f"/api/v1/requests/{one}" for one in ids] + [path for paths in in_addresses for path in paths]
    else:
        pages += [paths[index % len(paths)] for index, paths in enumerate(in_addresses) if index % 7 == 0]
    before = [path for paths in in_addresses[:: 1 if ALL else 40] for path in paths[:3]]
    seen = visit(stand, before, pages)
    print(
        f"\n{len(PAYLOADS)} payloads, {FIELDS} fields, {len(in_addresses[0])} addresses, {seen['visited']} pages: "
        f"{len(seen['ran'])} ran, {len(seen['violations'])} stopped by the policy; answers {seen['statuses']}"
    )
    assert seen["ran"] == []
    assert seen["violations"] == []  # the policy stands behind the escaping, it does not replace it
    assert seen["handlers"] == []
    assert seen["foreign"] == []
    assert seen["visited"] == len(before) + len(pages)
    assert "500" not in seen["statuses"]
    login = seen["login"]
    assert login["url"].endswith("/ui")
    assert login["visible"] == ""  # the cookie is no script's
    (cookie,) = login["cookies"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
