"""A decision as an entry and the command line show it: small, without a word of the prompt."""

from __future__ import annotations

from typing import Any

from dd0c_route.redact import redact_label
from dd0c_route.types import Candidate, Decision

MOST_CANDIDATES = 6  # with which a record stays below 1.5 KB; the first of the plan is always among them
_REASON_CHARS = 240
_DROPPED_CHARS = 64


def record(decision: Decision) -> dict[str, Any]:
    """What was chosen among, why, and what that would have cost; what is not there or nothing is left out."""
    fields: dict[str, Any] = {
        "verdict": decision.verdict,
        "reason": decision.reason[:_REASON_CHARS],
        "policy": decision.policy,
        "decide_us": decision.decide_us,
    }
    if decision.kind is not None:
        fields["kind"] = decision.kind
    if decision.fault is not None:
        fields["fault"] = decision.fault
    if decision.dropped:
        fields["dropped"] = [redact_label(name)[:_DROPPED_CHARS] for name in decision.dropped[:MOST_CANDIDATES]]
    if decision.route is not None:
        fields |= _of_route(decision)
    return fields


def _of_route(decision: Decision) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "route": decision.route,
        "route_id": decision.route_id,
        "mode": decision.mode,
        "asked": redact_label(str(decision.asked)),
        "plan": [redact_label(str(target)) for target in decision.plan[:MOST_CANDIDATES]],
        "candidates": [_of_candidate(one) for one in _shown(decision)],
        "shadow": str(decision.shadow) if decision.shadow is not None else None,
    }
    if decision.control:
        fields["control"] = True
    if decision.bound:
        fields["bound"] = True
    if decision.form is not None:
        fields["form"] = decision.form
    if decision.gate is not None:
        fields["gate"] = round(decision.gate, 3)
    if decision.checked:
        fields["checked"], fields["good_enough"] = decision.checked, decision.good_enough
    if decision.promise is not None:
        fields["promise"] = decision.promise
    return fields


def _shown(decision: Decision) -> list[Candidate]:
    """The first of the plan, then the others in their order, as many as there is room for."""
    of_plan = [one for one in decision.candidates if one.target in (decision.plan[0], decision.asked, decision.shadow)]
    others = [one for one in decision.candidates if one not in of_plan]
    kept = [*of_plan, *others][:MOST_CANDIDATES]
    return [one for one in decision.candidates if one in kept]


def _of_candidate(one: Candidate) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "target": redact_label(str(one.target)),
        "p_good": None if one.p_good is None else round(one.p_good, 4),
        "expected_cost_picodollars": one.expected_cost,
    }
    if one.support is not None:
        fields["support"] = round(one.support, 3)
    if one.learned:
        fields["learned"] = round(one.learned, 4)
    if one.expected_output is not None:
        fields["expected_output"] = one.expected_output
    if one.cached_share:
        fields["cached_share"] = one.cached_share
    if one.switch_cost:
        fields["switch_cost_picodollars"] = one.switch_cost
    if one.failing:
        fields["failing"] = one.failing
    if one.unpriced:
        fields["unpriced"] = True
    if one.ruled_out is not None:
        fields["ruled_out"] = one.ruled_out
    return fields
