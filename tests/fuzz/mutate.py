"""Plain mutation, for where no coverage leads: the test suite, and Pythons that atheris has no wheel for."""

from __future__ import annotations

import random

from tests.fuzz.target import Target

MOST_STEPS = 6


def mutated(seeds: list[bytes], target: Target, random_: random.Random) -> bytes:
    """One of *seeds*, changed in some places."""
    data = bytearray(random_.choice(seeds))
    for _ in range(random_.randint(1, MOST_STEPS)):
        at = random_.randrange(len(data) + 1)
        end = min(len(data), at + random_.choice((1, 1, 2, 4, 16, 64)))
        how = random_.randrange(6)
        if how == 0:
            data[at:end] = random_.randbytes(end - at)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end] * random_.choice((1, 2, 9))
        elif how == 3 and target.words:
            data[at:at] = random_.choice(target.words)
        elif how == 4:
            other = random_.choice(seeds)
            data[at:] = other[random_.randrange(len(other) + 1) :]
        elif at < len(data):
            data[at] = random_.choice((0, 1, 10, 13, 32, 34, 44, 58, 91, 92, 93, 123, 125, 127, 128, 255))
    return bytes(data[: target.most_bytes])
