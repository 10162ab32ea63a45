"""Clients that hang up, in every phase of a call: what each one asks for, and until when it stays."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from tests.endings.caller import Caller, How, post

Dialect = Literal["openai", "anthropic", "gemini"]
DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic", "gemini")

_GEMINI = "/passthrough/{provider}/models/gemini-2.5-flash:{action}"
_PROMPT = [{"role": "user", "content": "Tell me something long."}]


class Case(Struct, frozen=True):
    """One hang-up. *seed* draws what is random within it, such as the moment."""

    number: int
    phase: str
    how: How
    stream: bool
    dialect: Dialect
    seed: int

    @property
    def key(self) -> str:
        """The caller's own key: it goes through to the provider, whose record tells the calls apart by it."""
        return f"synthetic-caller-{self.number}"

    @property
    def fingerprint(self) -> str:
        """How the provider's record shows the key."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]

    def request(self, scene: str, provider: str = "") -> bytes:
        """The call, as the simulator shall play it; *provider* other than the dialect's usual one."""
        headers = {"x-sim": scene, "x-dd0c-session": f"case-{self.number}", **self._credential()}
        if self.dialect == "gemini":
            action = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
            path = _GEMINI.format(provider=provider or "sim-gemini", action=action)
            return post(path, {"contents": [{"role": "user", "parts": [{"text": "Tell me something."}]}]}, headers)
        model = "gpt-4o-mini" if self.dialect == "openai" else "claude-haiku-4-5"
        body = {"model": f"{provider}/{model}" if provider else model, "messages": _PROMPT, "stream": self.stream}
        if self.dialect == "openai":
            return post("/v1/chat/completions", body, headers)
        return post("/v1/messages", {**body, "max_tokens": 1 << 20}, headers)

    def _credential(self) -> dict[str, str]:
        name = {"openai": "authorization", "anthropic": "x-api-key", "gemini": "x-goog-api-key"}[self.dialect]
        return {name: f"Bearer {self.key}" if name == "authorization" else self.key}


class Phase(Struct, frozen=True):
    """Until when a client stays.

    Attributes:
        play: Asks, reads, and returns when it is time to leave.
        scene: What the simulator plays.
        json_scene: The same for an answer in one piece, where that differs.
        weight: How often it is drawn.
        seen: The provider gets to see the call and its end: `aborted`, `complete`, or not at all.
        entry: The call leaves `one` entry, `none`, or one that is `bare`: nothing of the request was read.
        receive_bytes: Of the client's kernel.
        provider: Other than the usual one, by dialect.
    """

    play: Callable[[Caller, bytes, random.Random], None]
    scene: str
    json_scene: str = ""
    weight: int = 4
    seen: Literal["", "maybe", "aborted", "complete"] = "aborted"
    entry: Literal["one", "none", "bare"] = "one"
    receive_bytes: int | None = None
    provider: dict[str, str] = {}


def _half_head(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request[: draw.randrange(1, request.index(b"\r\n\r\n"))])
    caller.linger(draw.uniform(0, 0.02))


def _half_body(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request[: draw.randrange(request.index(b"\r\n\r\n") + 4, len(request))])
    caller.linger(draw.uniform(0.005, 0.05))


def _at_any_moment(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    caller.linger(draw.uniform(0, 0.01))


def _waiting(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    caller.linger(draw.uniform(0.1, 0.4))


def _behind_the_head(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    if b'"stream": true' in request or b"alt=sse" in request:  # the head of a JSON answer comes with its body
        caller.read_until(lambda raw: b"\r\n\r\n" in raw)
    caller.linger(draw.uniform(0.05, 0.2))


def _in_mid_stream(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    wanted = draw.randrange(600, 8000)
    caller.read_until(lambda raw: len(raw) >= wanted)


def _stopped_reading(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    wanted = draw.randrange(1000, 100_000)
    caller.read_until(lambda raw: len(raw) >= wanted, at_most=4096)
    caller.rest(draw.uniform(0.1, 0.5))


def _behind_the_last_byte(caller: Caller, request: bytes, draw: random.Random) -> None:
    caller.send(request)
    caller.read_answer()


PHASES = {
    "while the head is half sent": Phase(_half_head, "", seen="", entry="none"),
    "with the head sent and the body not": Phase(_half_body, "", seen="", entry="bare"),
    "at any moment behind the request": Phase(_at_any_moment, "ttft_ms=60000", seen="maybe"),
    "waiting for the first byte": Phase(_waiting, "ttft_ms=60000"),
    "between head and first piece": Phase(_behind_the_head, "head_ms=0; ttft_ms=60000"),
    "in mid-stream": Phase(_in_mid_stream, "chunks=2000; chunk_ms=10", "chunks=6000; write_bytes=200; chunk_ms=10"),
    "in the middle of an event": Phase(_in_mid_stream, "chunks=6000; write_bytes=37; chunk_ms=2"),
    "having stopped to read": Phase(
        _stopped_reading, "chunks=800; chunk_bytes=20000", weight=1, receive_bytes=4096
    ),
    "right behind the last byte": Phase(_behind_the_last_byte, "chunks=30", seen="complete"),
    "while a retry is waited for": Phase(_waiting, "status=429; retry_after=2", seen="complete"),
    "while the provider's connection hangs": Phase(
        _waiting, "", seen="", provider={"openai": "hang", "anthropic": "hang-anthropic", "gemini": "hang"}
    ),
    "while the provider's TLS hangs": Phase(
        _waiting, "", seen="", provider={"openai": "mute", "anthropic": "mute-anthropic", "gemini": "mute"}
    ),
    "in line for a connection": Phase(
        _waiting, "", seen="", provider={"openai": "narrow", "anthropic": "narrow-anthropic", "gemini": "narrow"}
    ),
}  # fmt: skip


def draw_cases(count: int, seed: int) -> list[Case]:
    """*count* cases: every phase, ending, form and dialect in turn, in random order."""
    draw = random.Random(seed)
    names = [name for name, phase in PHASES.items() for _ in range(phase.weight)]
    forms = [(how, stream, dialect) for how in ("fin", "rst") for stream in (True, False) for dialect in DIALECTS]
    draw.shuffle(names)
    draw.shuffle(forms)
    # 49 names and 12 forms have no common divisor: in turn, they meet in every combination.
    return [
        Case(number, names[number % len(names)], *forms[number % len(forms)], draw.getrandbits(32))  # type: ignore[arg-type]  # forms have three parts
        for number in range(count)
    ]
