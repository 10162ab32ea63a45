"""What a worker remembers of conversations: which model answers them, and what its provider has in the cache.

Bounded in number and time. Each worker remembers for itself: with several, the next call of a conversation may reach
one that knows nothing of it, which then assumes a cold cache and, inside of a tool loop, the model asked for. Agents
keep their connection, and a connection stays with its worker, so that this is rare. Pure: the caller brings the time.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from dd0c_route.brain.clients import clients
from dd0c_route.brain.kinds import AUXILIARY
from dd0c_route.brain.request import Asked
from dd0c_route.types import Call, Conversation, Target

_LASTING = frozenset(("vision", "audio", "files", "video"))  # stay in a conversation, out of sight in a long one
_MOST_TARGETS = 4  # of a conversation
_SMALL_BYTES = 2048


class Warm(Struct, frozen=True, gc=False):
    """What a provider's cache is expected to hold of a conversation.

    Attributes:
        prefix: `Conversation.prefix` of the call that filled it.
        tokens: How long the cached prompt is.
        at_ns: Wall time of the last use.
        cache: `5m`, `1h` or empty, as that call asked for it.
    """

    prefix: tuple[int, ...]
    tokens: int
    at_ns: int
    cache: str = ""


class Session(Struct, frozen=True):
    """One conversation.

    Attributes:
        target: Which model answered last.
        uses: All that its calls have used: what a long request no longer shows.
        warm: By target.
    """

    target: Target
    at_ns: int
    uses: frozenset[str] = frozenset()
    warm: dict[Target, Warm] = {}


NO_SESSION = Session(Target("", ""), 0)


class Sessions:
    """The conversations of one worker, the longest unused leave first.

    Args:
        most: How many are kept.
        keep_s: How long one is kept without a call, in seconds.
    """

    def __init__(self, most: int, keep_s: float) -> None:
        self._most = most
        self._keep_ns = int(keep_s * 1e9)
        self._known: OrderedDict[int, Session] = OrderedDict()
        self._callers: OrderedDict[int, Target] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, key: int, now_ns: int) -> Session | None:
        """The conversation *key*, or None where nothing is known of it."""
        session = self._known.get(key)
        if session is None or now_ns - session.at_ns > self._keep_ns:
            return None
        return session

    def answered(self, said: Conversation, target: Target, now_ns: int, cached_tokens: int | None = None) -> None:
        """*target* answers a call of the conversation.

        Args:
            cached_tokens: How much of its prompt the provider now has in its cache; None: that is not known yet, and
                what was known before holds.
        """
        before = self._known.pop(said.key, NO_SESSION)
        warm = before.warm
        if cached_tokens is not None:
            rest = {other: state for other, state in warm.items() if other != target}
            while len(rest) >= _MOST_TARGETS:
                rest.pop(min(rest, key=lambda other: rest[other].at_ns))
            warm = {**rest, target: Warm(said.prefix, cached_tokens, now_ns, said.cache)}
        self._known[said.key] = Session(target, now_ns, before.uses | said.uses, warm)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def called(self, key: int, ids: Iterable[str], target: Target) -> None:
        """*target* asks in the conversation *key* for the tool calls of these *ids*."""
        for id in ids:
            self._callers.pop(hash((key, id)), None)
            self._callers[hash((key, id))] = target
        while len(self._callers) > self._most:
            self._callers.popitem(last=False)

    def caller(self, key: int, ids: Iterable[str]) -> Target | None:
        """Who asked for these calls: calls with the same opening may be of one conversation, and run at once."""
        return next((self._callers[known] for id in ids if (known := hash((key, id))) in self._callers), None)


def conversation_of(call: Call, asked: Asked) -> Conversation:
    """Which conversation a call belongs to.

    By `x-dd0c-session`, else by the header or field in which agents name theirs, else by what stays the same as a
    conversation grows: system, tools and opening. Subagents and side calls under a session are their own.

    Source: `clients.toml`.
    """
    named, agent = call.session or "", b""
    if not named:
        known = clients()
        for name, value in call.headers:
            if name in known.sessions and not named:
                named = value.decode("latin-1")
            elif name in known.parts:
                agent = value
        named = named or _named_in_body(call)
    lane = asked.kind if asked.kind in AUXILIARY else ""
    whose = named.encode("utf-8", "replace") if named else repr(asked.prefix_hashes).encode()
    model, owner = call.model.encode("utf-8", "replace"), (call.key_id or "").encode()
    seed = b"\0".join((whose, agent, lane.encode(), model, owner))
    key = zlib.crc32(seed) << 32 | zlib.crc32(seed[::-1], 1)
    return Conversation(key, asked.prefix_hashes, asked.uses & _LASTING, asked.cache)


def said_session(call: Call) -> str | None:
    """The session that the caller's agent names in a header."""
    return next((value.decode("latin-1") for name, value in call.headers if name in clients().sessions and value), None)


def _named_in_body(call: Call) -> str:
    """OpenAI's `prompt_cache_key`; Anthropic's `metadata.user_id`, in which Claude Code writes its session."""
    for name in ("prompt_cache_key", "metadata"):
        raw = call.fields.get(name)
        if raw is None or len(memoryview(raw)) > _SMALL_BYTES:
            continue
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if isinstance(value, str):
            return value
        user = value.get("user_id") if isinstance(value, dict) else None
        if isinstance(user, str) and "session" in user:
            return user
    return ""
