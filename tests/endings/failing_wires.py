"""A router before providers that fail to the byte: calls, their entries, and that all is as before afterwards."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.endings.caller import Caller
from tests.endings.deaf import deaf_port
from tests.endings.faultd import Faultd, Play
from tests.endings.forms import CONVERSE, GEMINI, MESSAGES, Form
from tests.endings.rest import Rest, said
from tests.endings.written import providers
from tests.stand import Stand, until

_names = itertools.count()


class Faulty:
    """The router, its providers, and what it held before any call."""

    def __init__(self, stand: Stand, faultd: Faultd) -> None:
        self.stand = stand
        self.faultd = faultd
        self.rest = Rest.of(stand)

    def ask(
        self, form: Form, plays: Sequence[Play], family: str = "fault", headers: dict[str, str] | None = None
    ) -> tuple[Caller, str]:
        """One call and the name of its play; its answer is read to the end, however it ends."""
        name = f"play-{next(_names)}"
        self.faultd.play(name, *plays)
        with Caller(self.stand.port) as caller:
            caller.send(form.request(name, family, headers))
            caller.read_answer()
        return caller, name

    def entry(self, caller: Caller) -> dict[str, Any]:
        return self.stand.entry(caller.id)

    def is_as_before(self) -> None:
        """Connections as many here as there, none in use, nothing held, and nothing went wrong inside."""

        def agree() -> bool:
            counts = [one for name, one in self.stand.connections().items() if name.startswith(("fault-", "hasty-"))]
            return not any(one["in_use"] for one in counts) and sum(one["open"] for one in counts) == self.faultd.open

        until(agree, "the providers' agreement about open connections")
        self.rest.comes_back(self.stand)
        assert "Traceback" not in said(self.stand), said(self.stand)[-4000:]


@contextlib.contextmanager
def faulty_stand(folder: Path, config: str = "") -> Iterator[Faulty]:
    with (
        Faultd() as faultd,
        deaf_port() as deaf,
        Stand(folder, config, providers=providers(faultd.port, deaf)) as stand,
    ):
        yield Faulty(stand, faultd)


def tries_of(entry: dict[str, Any]) -> list[tuple[int | None, str | None]]:
    """The entry's attempts, without those that found a kept connection closed: each such one is tried again at once."""
    tries = [(attempt["status"], attempt["error"]) for attempt in entry["attempts"]]
    return [one for one in tries if one != (None, "upstream_stale_connection")]


def error_in(caller: Caller, form: Form) -> str:
    """What the error says, which has the shape of the caller's dialect."""
    body: dict[str, Any] = json.loads(caller.body)
    if form.asks is CONVERSE:
        assert {"message"} <= set(body), body
        return str(body["message"])
    error: dict[str, Any] = body["error"]
    shape = {"code", "message", "status"} if form.asks is GEMINI else {"type", "message"}
    assert shape <= set(error), body
    assert form.asks is not MESSAGES or body["type"] == "error"
    return str(error["message"])
