"""What a fuzz target is, and how bytes that a fuzzer made become what a target needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from types import ModuleType
from typing import Any, NamedTuple

HEAD_BYTES = 4  # of an input that is cut into pieces: what chooses, then three sizes


class Target(NamedTuple):
    """One law over all inputs.

    Attributes:
        check: Fails by any exception; an error that the code names is caught within.
        seeds: Inputs to begin with, small and written by hand or by the code's own writers.
        words: What an input of this kind is made of, for the mutator.
        most_bytes: Longer inputs find nothing that shorter ones do not.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()
    most_bytes: int = 4096


def chosen(data: bytes) -> int:
    """The number that an input begins with; what is left of it behind that says how it is cut (`pieces`)."""
    return data[0] if data else 0


def body_of(data: bytes) -> bytes:
    """What stands behind the head of an input that is cut."""
    return data[HEAD_BYTES:]


def pieces(data: bytes) -> Iterator[bytes]:
    """`body_of` an input, in pieces of the sizes that its head says, by turns; each has a byte at least."""
    body, sizes = body_of(data), cycle(data[1:HEAD_BYTES] or b"\0")
    at = 0
    while at < len(body):
        size = 1 + next(sizes)
        yield body[at : at + size]
        at += size


def with_body(data: bytes, body: bytes) -> bytes:
    """*data* with *body* in place of its own."""
    return data[:HEAD_BYTES].ljust(HEAD_BYTES, b"\0") + body


def cut(choice: int, body: bytes, *sizes: int) -> bytes:
    """An input whose *body* is to be cut into pieces of *sizes*."""
    return bytes((choice, *(size - 1 for size in (sizes or (1, 7, 64))))) + body


@contextmanager
def bounds(module: ModuleType, **values: int) -> Iterator[None]:
    """With *module*'s bounds as low as small inputs can reach."""
    before: dict[str, Any] = {name: getattr(module, name) for name in values}
    try:
        for name, value in values.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
