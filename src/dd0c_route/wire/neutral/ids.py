"""Ids of tool calls: kept wherever the target can hold them, and otherwise always changed into the same thing.

An id ties a result to its call, in this request and in all later ones, which a router without memory sees anew. So a
new id is a hash of the old one, never a counter or a random number.
"""

from __future__ import annotations

import re
from hashlib import blake2b


def fitting(id: str, allowed: re.Pattern[str], prefix: str) -> str:
    """*id* where it fits *allowed* as a whole, else one that does and that the same *id* always leads to."""
    return id if allowed.fullmatch(id) else prefix + _hash(id)


def made(name: str, number: int, about: str = "") -> str:
    """An id for the *number*th call of the tool *name*, in a dialect without ids.

    *number* counts the calls of the whole conversation in a request; in an answer it counts those of the answer, and
    *about* is the answer's id.
    """
    return "call_" + _hash(f"{about}\n{number}\n{name}")


def item(prefix: str, about: str, number: int) -> str:
    """An id for the *number*th item of the answer *about*, in a dialect that names them."""
    return prefix + _hash(f"{about}\n{number}")


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()
