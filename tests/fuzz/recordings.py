"""Recordings of real providers as seeds, where `DD0C_CORPUS` names their folder: read, never kept here."""

from __future__ import annotations

import json
import os
from itertools import islice

from dd0c_route.wire.neutral import DIALECTS
from tests.fuzz.answers import APIS, TYPES
from tests.fuzz.target import cut
from tests.wire.corpus import body_of, records

OF_EACH = 40  # of each API


def of(name: str, most_bytes: int) -> list[bytes]:
    """Seeds of the target *name* that are short enough; none where there are no recordings."""
    if not os.environ.get("DD0C_CORPUS"):
        return []
    seeds: list[bytes] = []
    for number, api in enumerate(DIALECTS):
        for record in islice(records(api), OF_EACH):
            kind, body = body_of(record)
            if name == "sse" and kind == TYPES[1]:
                seeds.append(cut(0, body))
            elif name == "usage":
                seeds.append(cut(0, bytes((APIS.index(api), TYPES.index(kind))) + body))
            elif name == "answer":
                seeds.append(cut(number, body))
            elif name == "request" and "request" in record:
                seeds.append(cut(number, json.dumps(record["request"]).encode()))
    return [seed for seed in seeds if len(seed) <= most_bytes]
