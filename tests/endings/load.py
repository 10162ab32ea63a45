"""Clients that call without a break, JSON and streams, whatever happens to the router, and remember what they got."""

from __future__ import annotations

import hashlib
import itertools
import random
import threading
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from tests.endings.caller import Caller, post
from tests.stand import CHAT, Stand

PAUSE_S = 0.02  # at most, between two calls of a client

# Without a key of their own: the caller's goes through, and tells the calls apart in the provider's record.
PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
price_as = "openai"
"""


class Outcome(Struct, frozen=True):
    """One call, from its client's side.

    Attributes:
        id: The router's name for the call; empty where no head came.
        whole: The answer came to its end.
        tokens: What the provider was told to say.
    """

    number: int
    id: str
    status: int
    whole: bool
    tokens: int

    @property
    def session(self) -> str:
        return f"call-{self.number}"

    @property
    def fingerprint(self) -> str:
        """How the provider's record shows the caller's key."""
        return hashlib.sha256(_key(self.number).encode()).hexdigest()[:8]


class Load:
    """So many clients, from entering to leaving the block; then `outcomes` holds every call."""

    def __init__(self, stand: Stand, clients: int, seed: int) -> None:
        self.outcomes: list[Outcome] = []
        self._stand = stand
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed + index),)) for index in range(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, draw: random.Random) -> None:
        while not self._stop.wait(draw.uniform(0, PAUSE_S)):
            self.outcomes.append(self._call(next(self._numbers), draw))

    def _call(self, number: int, draw: random.Random) -> Outcome:
        tokens, stream = draw.randrange(1, 40), draw.random() < 0.5
        waits = f"ttft_ms={draw.randrange(30)}; chunk_ms={draw.randrange(5)}"
        headers = {
            "authorization": f"Bearer {_key(number)}",
            "x-dd0c-session": f"call-{number}",
            "x-sim": f"chunks={tokens}; {waits}",
        }
        body: dict[str, Any] = {**CHAT, "stream": stream}
        try:
            with Caller(self._stand.port) as caller:
                caller.send(post("/v1/chat/completions", body, headers))
                caller.read_answer()
        except ConnectionError:
            return Outcome(number, "", 0, False, tokens)
        return Outcome(number, caller.headers.get("x-dd0c-request-id", ""), caller.status, caller.whole, tokens)


def _key(number: int) -> str:
    return f"synthetic-caller-{number}"
