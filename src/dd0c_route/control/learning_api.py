"""`/api/v1/requests/{id}/feedback` and `/api/v1/routes`: what is said of answers, and what routes came to by it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from dd0c_route import config
from dd0c_route.brain.evidence import KINDS, Evidence, Promise
from dd0c_route.brain.measured import Group, Measured
from dd0c_route.clock import Clock, rfc3339
from dd0c_route.console.addresses import Address
from dd0c_route.console.answers import json_answer, json_error
from dd0c_route.console.reading import Reading
from dd0c_route.control.configured import Configured
from dd0c_route.ledger.feedback import label_of, note, read_said, refuse_one_too_many
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.ledger.journal import one_note
from dd0c_route.types import Entry, Label, Reset

_WAIT_S = 1.0  # for an entry of a call that ended this moment, and for a label to stand in it
_STEP_S = 0.02


class Learning(Struct, frozen=True):
    """What the addresses act on.

    Attributes:
        journals: The directory of the journals.
    """

    ingest: Ingest
    configured: Configured
    reading: Reading
    journals: Path
    clock: Clock


def learning_routes(learning: Learning) -> list[Address]:
    """The addresses."""

    async def feedback(request: Request) -> Response:
        entry_id = request.path_params["entry_id"]
        said = read_said(await request.body())
        label = label_of(entry_id, said, learning.clock, keep_comment=learning.configured.config.learning.keep_comments)
        entry = await _entry(learning, entry_id, None)
        if entry is None:
            return json_error(404, "not_found", f"no request {entry_id[:64]!r} in the ledger")
        refuse_one_too_many(label, entry)
        await asyncio.to_thread(note, learning.journals, label, learning.clock)
        await _entry(learning, entry_id, label)
        return json_answer(label)

    async def routes(request: Request) -> Response:
        return json_answer({"routes": described(learning.configured, learning.ingest)})

    async def reset(request: Request) -> Response:
        route = request.path_params["route_id"]
        if route not in learning.configured.routes:
            return json_error(404, "not_found", f"no route {route[:64]!r}: GET /api/v1/routes lists them")
        await asyncio.to_thread(_note_reset, learning, route)
        return json_answer({"id": route, "reset": True})

    return [
        Address("/api/v1/requests/{entry_id}/feedback", feedback, method="POST", who="writer"),
        Address("/api/v1/routes", routes, method="GET", who="reader"),
        Address("/api/v1/routes/{route_id}/reset", reset, method="POST", who="writer"),
    ]


async def _entry(learning: Learning, entry_id: str, label: Label | None) -> Entry | None:
    """The entry, as soon as it is there and holds *label*; None if that takes too long."""
    for _ in range(int(_WAIT_S / _STEP_S)):
        entry = await learning.reading.entry(entry_id)
        if entry is not None and (label is None or any(_same(one, label) for one in entry.feedback)):
            return entry
        await asyncio.sleep(_STEP_S)
    return None


def _same(one: Label, label: Label) -> bool:
    return (one.kind, one.source, one.score) == (label.kind, label.source, label.score)


def _note_reset(learning: Learning, route: str) -> None:
    with one_note(learning.journals, learning.clock) as journal:
        journal.reset(Reset(route, rfc3339(learning.clock.wall_ns())))


def described(configured: Configured, ingest: Ingest) -> list[dict[str, Any]]:
    """Every route of the configuration, with what was learned of it."""
    teaching = ingest.teaching
    return [
        _route(index, name, route, teaching.evidence.get(name, Evidence()), teaching.measured.get(name, Measured()))
        for index, (name, route) in enumerate(configured.routes.items())
    ]


def _route(
    index: int, name: str, route: config.Route, evidence: Evidence, measured: Measured
) -> dict[str, Any]:  # fmt: skip
    promise = Promise(route.epsilon, route.delta)
    return {
        "index": index,
        "id": name,
        "match": msgspec.to_builtins(route.match),
        "candidates": route.candidates,
        "policy": route.policy,
        "mode": route.mode,
        "state": "rolled_back" if evidence.broken is not None else route.mode,
        "rolled_back": None if evidence.broken is None else msgspec.to_builtins(evidence.broken)
        | {"message": evidence.broken.message},
        "resets": evidence.resets,
        "promise": msgspec.to_builtins(promise),
        "worse": {kind: _worse(kind, evidence, promise) for kind in KINDS},
        "measured": {
            "control": _group(measured.control),
            "routed": _group(measured.routed),
            "watched": msgspec.to_builtins(measured.watched),
            "saved_usd_per_call": _interval(measured.saved),
            "saved_share": _share(measured),
            "score_difference": _interval(measured.better),
        },
    }  # fmt: skip


def _worse(kind: Any, evidence: Evidence, promise: Promise) -> dict[str, Any]:
    """How much worse than the model asked for, by one kind of labels; bounds hold at all times."""
    bets, kept = evidence.routed.get(kind), evidence.kept.get(kind)
    found = evidence.worse(kind, promise)
    return {
        "labels": bets.labels if bets is not None else 0,
        "kept_labels": kept.labels if kept is not None else 0,
        "share": found and round(found[0], 6),
        "low": found and round(found[1], 6),
        "high": found and round(found[2], 6),
        "evidence": round(bets.evidence, 6) if bets is not None else None,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "calls": group.calls,
        "unpriced": group.unpriced,
        "usd_per_call": group.usd.mean,
        "ledger_saved_usd": group.saved_usd,
        "feedback": group.feedback.count,
        "score": group.feedback.mean,
        "checked": group.checks.count,
        "passed": group.checks.mean,
    }


def _interval(found: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if found is None else {"value": found[0], "low": found[1], "high": found[2]}


def _share(measured: Measured) -> float | None:
    """Of what the control group costs on average."""
    saved, cost = measured.saved, measured.control.usd.mean
    return saved.value / cost if saved is not None and cost else None
