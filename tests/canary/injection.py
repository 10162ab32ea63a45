"""A router in whose worker an exception can be raised at any line, and what must hold after each.

The worker is the shipped one, started by the shipped supervisor; `injected/sitecustomize.py` raises in it. Before it
stands a client on a bare socket, behind it a witness on the wire and the simulated provider.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from dd0c_route.ledger.records import INTENT, SETTLE
from dd0c_route.ledger.segments import list_runs, read
from tests.canary.injection_calls import KINDS, PROVIDERS, Kind, shape
from tests.canary.injection_places import Result, Site, calls_in
from tests.canary.injection_wire import Wire
from tests.canary.search import WINDOW, Canary, Scan
from tests.endings.caller import Caller, body_of
from tests.redact.synthetic import credential
from tests.stand import Stand, until

FULL_SCAN_BYTES = 100_000
QUIET_S = 4.0  # after this, what is still held is held for good
_INJECTED = Path(__file__).parent / "injected"


class Bench:
    """A running router whose worker takes orders.

    Args:
        folder: For all that the router writes.
    """

    def __init__(self, folder: Path) -> None:
        self.planted = credential("sk-ant-api03-{W93}AA", 61)
        self.callers_key = credential("{a40}", 62)  # no shape: known only as the caller's, while the call runs
        self.routers_key = credential("{a40}", 63)
        self._callers = Scan([Canary.of("caller", self.callers_key)])
        self._routers = Scan([Canary.of("configuration", self.routers_key)])
        self._scan = Scan([Canary.of("exception", self.planted)])
        self._windows = [
            key[at : at + WINDOW].encode()
            for key in (self.planted[13:], self.routers_key)
            for at in range(len(key) - WINDOW + 1)
        ]
        self.folder = folder
        self._orders: Any = None
        self._journal: dict[str, int] = {}
        self._log_at = 0
        self._whole: dict[str, tuple[int, bool, bytes]] = {}
        self._number = 0
        self._still: dict[str, Any] = {}
        self.calls = 0
        self.settled: set[str] = set()
        self.cut: dict[str, tuple[int, Site]] = {}  # of answers that did not come whole: bytes of the body that came

    @contextlib.contextmanager
    def running(self) -> Iterator[Bench]:
        with Wire(lambda: self.stand.sim_port) as self.wire:
            self.stand = Stand(
                self.folder,
                providers=PROVIDERS.replace("WIRE", str(self.wire.port)),
                environ={
                    "SIM_KEY": self.routers_key,
                    "INJECTION_SOCKET": str(self.folder / "orders"),
                    "PYTHONPATH": os.pathsep.join([str(_INJECTED), *filter(None, sys.path)]),
                },
            )
            with self.stand:
                self._connect()
                yield self

    def _connect(self) -> None:
        (pid,) = until(lambda: self.stand.children("dd0c_route.proxy"), "the worker")
        path = f"{self.folder / 'orders'}.{pid}"
        until(lambda: os.path.exists(path), "the worker's ear")
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20.0)
        connection.connect(path)
        self._orders = connection.makefile("rwb")
        self._pid = pid

    def order(self, do: str, **arguments: Any) -> Any:
        self._orders.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._orders.flush()
        return json.loads(self._orders.readline())

    # --- one call ---------------------------------------------------------------------------------------

    def call(self, kind: Kind) -> Caller:
        """One call of *kind* by a client of its own, to its end."""
        self.calls += 1
        scene = kind.scene.replace("KEY", f"k{self.calls}")
        request = Kind(kind.path, kind.body, scene, kind.headers, method=kind.method).request(self.callers_key)
        with Caller(self.stand.port) as caller:
            caller._socket.settimeout(6.0)
            caller.send(request)
            if kind.leaves is not None:
                self._stay(caller, kind.leaves)
                caller.leave("rst")
            else:
                caller.read_answer()
        return caller

    @staticmethod
    def _stay(caller: Caller, enough: Callable[[bytearray], bool]) -> None:
        if enough(bytearray()):
            caller.linger(0.02)
        else:
            caller.read_until(lambda raw: enough(raw) or body_of(raw)[1])

    def warm(self) -> None:
        """Each kind once: what a whole answer looks like, and what is held when nothing runs."""
        for name, kind in KINDS.items():
            self._whole[name] = shape(self.call(kind))
        self._still = self._quiet()
        self._records()

    def sites(self, kinds: Collection[str] = KINDS) -> list[Site]:
        """Every line of the shipped code that each kind of call reaches, in the order in which it does."""
        found = []
        for name in kinds:
            kind = KINDS[name]
            self.order("collect")
            self.call(kind)
            self._quiet()
            reached = self.order("collected")
            found += [
                Site(file, line, waits, times, name) for file, line, waits, times in reached if line in calls_in(file)
            ]
        self._records()
        return found

    def _quiet(self) -> dict[str, Any]:
        """What is held once nothing changes any more."""
        end = time.monotonic() + QUIET_S
        middle = time.monotonic() + QUIET_S / 4
        while True:
            state: dict[str, Any] = self.order("state")
            held = {name: value for name, value in state.items() if name not in ("hit", "knew", "pid")}
            busy = any(held[name] for name in ("calls", "deliveries", "in_use", "dialing", "control", "credentials"))
            if held == self._still if self._still else not busy and held["clients"] <= 0:
                return held
            if time.monotonic() > end:
                return held
            if time.monotonic() > middle:
                self.order("collect_garbage")
                middle = end
            select.select([], [], [], 0.004)

    # --- one exception ----------------------------------------------------------------------------------

    def inject(self, site: Site, nth: int, fault: str) -> Result:
        """Raise *fault* where a call reaches *site* for the *nth* time; say which promises that broke."""
        self._number += 1
        kind = KINDS[site.kind]
        text = f"injected {self._number}: {self.planted} and {self.callers_key} and {self.routers_key}"
        self.wire.forget()
        self.order("inject", file=site.file, line=site.line, nth=nth, kind=fault, text=text)
        broken = []
        caller: Caller | None = None
        try:
            caller = self.call(kind)
        except TimeoutError:
            broken.append("the client hangs")
        except OSError:
            pass  # torn down before it had sent all
        try:
            held = self._quiet()
            state = self.order("state")
            hit = bool(state["hit"])
            self.order("calm")
        except (OSError, ValueError) as error:
            self._connect()
            return Result(site, fault, True, (f"the worker died: {type(error).__name__}",), self._number)
        more = {name: value for name, value in held.items() if value > self._still[name]}
        broken += [f"{name} {self._still[name]} -> {value}" for name, value in more.items()]
        self._still = held
        if caller is not None:
            broken += self._answer_faults(site.kind, kind, caller)
        broken += self._entry_faults(site, kind, caller)
        broken += self._leaks(caller, caller_known=state["knew"])
        return Result(site, fault, hit, tuple(broken), self._number)

    def _answer_faults(self, name: str, kind: Kind, caller: Caller) -> list[str]:
        if kind.leaves is not None:
            return []
        whole = self._whole[name]
        if caller.raw and not caller.raw.startswith(b"HTTP/1.1 "):
            return [f"a body without a head: {bytes(caller.raw[:60])!r}"]
        good = (whole, (*whole[:2], whole[2].replace(*kind.otherwise)))
        if kind.metered and caller.whole and caller.status < 400 and shape(caller) not in good and whole[1]:
            return [f"a false end: {shape(caller)[2][-80:]!r}"]
        if caller.whole and caller.status >= 400 and not caller.body.lstrip().startswith((b"{", b"[")):
            return [f"an error without words: {caller.status} {caller.body[:60]!r}"]
        return []

    def _entry_faults(self, site: Site, kind: Kind, caller: Caller | None) -> list[str]:
        records = self._records()
        settled = [record["id"] for what, record in records if what == SETTLE]
        intended = {record["id"] for what, record in records if what == INTENT}
        faults = []
        if len(set(settled)) > 1:
            faults.append("two entries")
        if intended - set(settled):
            faults.append("sent without an entry")
        if (
            kind.metered
            and caller is not None
            and caller.raw.startswith(b"HTTP/1.1 2")
            and caller.whole
            and not settled
        ):
            faults.append("answered without an entry")
        if kind.metered and self.wire.sent and not settled:
            faults.append("bytes went upstream without an entry")
        if caller is not None and caller.raw.startswith(b"HTTP/1.1 ") and not caller.whole:
            self.cut.update(dict.fromkeys(settled, (len(caller.body), site)))
        return faults

    def _leaks(self, caller: Caller | None, *, caller_known: bool) -> list[str]:
        log = (self.folder / "router.log").read_bytes()
        new, self._log_at = log[self._log_at :], len(log)
        answer = bytes(caller.raw) if caller is not None else b""
        faults = []
        for name, blob, scans in (
            ("stderr", new, (self._scan, self._routers, *([self._callers] if caller_known else []))),
            ("the answer", answer, (self._scan, self._routers, *([self._callers] if caller_known else []))),
            ("upstream", bytes(self.wire.sent), (self._scan,)),
        ):
            for scan in scans:
                faults += [
                    f"{hit.slot} leaked to {name}: {hit.way} {hit.excerpt[:60]!r}" for hit in scan.find(blob)[:1]
                ]
        return faults

    def files_leak(self) -> list[str]:
        """Hits in all files below the folder: in each as it is written, in short ones in all encodings too."""
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                if any(window in data for window in self._windows):
                    found.append(path.name)
                if len(data) <= FULL_SCAN_BYTES:
                    found += [f"{path.name}: {hit}" for scan in (self._scan, self._routers) for hit in scan.find(data)]
        return found

    def _records(self) -> list[tuple[bytes, dict[str, Any]]]:
        """What was journaled since the last time."""
        found = []
        for segments in list_runs(self.folder / "dd0c.db.journal").values():
            for segment in segments:
                piece = read(segment, self._journal.get(segment.name, 0))
                self._journal[segment.name] = piece.end
                found += [(record.kind, json.loads(record.payload)) for record in piece.records]
        self.settled.update(record["id"] for what, record in found if what == SETTLE)
        return found
