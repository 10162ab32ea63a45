"""Targets become candidates: their odds, their cost, and what rules them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from dd0c_route.brain.capabilities import lacks
from dd0c_route.decide.router import Asking, Expected, Knowledge, Views
from dd0c_route.redact import redact_label
from dd0c_route.types import Candidate, PicoUSD, Target

_NOBODY: Mapping[Target, str] = {}
_DROPPED = frozenset({"server_tools"})  # what a request goes without where that is allowed: each by its name


class Field(NamedTuple):
    """The candidates of a call.

    Attributes:
        holder: Which model must go on with the call, and *why*; where that is None any may that is not ruled out.
    """

    candidates: tuple[Candidate, ...]
    holder: Target
    why: str | None


def field_of(
    asking: Asking, targets: Sequence[Target], asked: Target, known: Knowledge, unable: Mapping[Target, str] = _NOBODY,
    dropping: Set[Target] = frozenset(), *, is_alias: bool,
) -> Field:  # fmt: skip
    """*targets* as a policy sees them. The model asked for is never ruled out.

    Where the route does not list it, it comes last, unless it has no price either: a name that only stands for the
    route's candidates is no model that could answer.

    Args:
        unable: Who cannot be given all of the request, and what not.
        dropping: Whose requests go without what they cannot be given: tools of another provider's own are not asked of
            them.
        is_alias: Nobody is known to serve the name that was asked for.
    """
    everyone = targets if asked in targets else (*targets, asked)
    costs = known.costs(asking, everyone)
    asked_cost = costs[everyone.index(asked)]
    stands_for_others = is_alias and asked_cost.unpriced and asked not in targets
    listed = targets if stands_for_others else everyone
    views = known.views(asking, listed) if asking.predicts else Views((None,) * len(listed))
    holder, why = _bound(asking, targets, asked, stands_for_others=stands_for_others)
    found = []
    learned = views.learned or (0.0,) * len(listed)
    asked_failing = known.failing(asked, asking.call.at_ns)
    for target, p_good, more, cost in zip(listed, views.p_good, learned, costs, strict=False):
        reason = None
        if target != asked:
            reason = why if why is not None and not _may_go_on(target, holder, asking) else None
            reason = (
                reason
                or unable.get(target)
                or _unfit(asking, target, asked, cost, asked_cost, known, drops=target in dropping)
            )
        failing = known.failing(target, asking.call.at_ns)
        found.append(
            Candidate(
                target,
                1.0 if target == asked and p_good is None else p_good,
                _with_retries(cost, asked_cost, failing, _together(target, failing, asked, asked_failing)),
                cost.unpriced,
                asked=target == asked,
                support=views.support if p_good is not None else None,
                ruled_out=reason,
                expected_output=cost.output_tokens,
                cached_share=cost.cached_share,
                switch_cost=cost.switch_cost,
                learned=more,
                failing=round(failing, 3),
            )
        )
    return Field(tuple(found), holder, why)


def _with_retries(cost: Expected, asked_cost: Expected, failing: float, together: float) -> PicoUSD:
    """What an answer costs with the second try: one that fails is not billed, and then the model asked for answers.

    Where that has no price it is taken to cost no more.

    Args:
        failing: Share of the tries that fail.
        together: Share of those at which the model asked for would fail too, so that there is no answer to pay for.
    """
    if asked_cost.unpriced or together >= 1.0:
        return cost.picodollars
    instead = (failing - together) / (1.0 - together)
    return cost.picodollars + round(instead * (asked_cost.picodollars - cost.picodollars))


def _together(target: Target, failing: float, asked: Target, asked_failing: float) -> float:
    """Share of calls at which both fail: models of one provider fail at the same times, others on their own."""
    return min(failing, asked_failing) if target.provider == asked.provider else failing * asked_failing


def _bound(
    asking: Asking, targets: Sequence[Target], asked: Target, *, stands_for_others: bool
) -> tuple[Target, str | None]:
    """Which model must go on with the call, and why; None where any may.

    It is the one whose tool calls it brings the results of, or that answered the conversation last, as far as this
    worker knows, else the one asked for. A name that only stands for the route's candidates binds nothing.
    """
    last = asking.session.target if asking.session is not None else None
    holder = next((one for one in (asking.caller, last) if one is not None and (one == asked or one in targets)), None)
    if holder is None and stands_for_others:
        return asked, None
    holder = holder or asked
    request = asking.request
    if request.signed_thinking:
        return holder, f"holds thoughts that only {_shown(holder)} can read"
    if "state" in request.uses:
        return holder, "continues what a provider keeps"
    return holder, f"in a tool loop of {_shown(holder)}" if request.in_tool_loop else None


def _shown(holder: Target) -> str:
    """The model's name for a reason, which stands in entries and headers; clients may write anything for a name."""
    return "".join(letter if letter.isprintable() else "?" for letter in redact_label(holder.model)[:64])


def _may_go_on(target: Target, holder: Target, asking: Asking) -> bool:
    """The holder itself; in a tool loop also the same model elsewhere."""
    if target == holder:
        return True
    only_loop = not asking.request.signed_thinking and "state" not in asking.request.uses
    return only_loop and target.model == holder.model


def _unfit(
    asking: Asking, target: Target, asked: Target, cost: Expected, asked_cost: Expected, known: Knowledge,
    *, drops: bool,
) -> str | None:  # fmt: skip
    if cost.unpriced and not asked_cost.unpriced:
        return "has no price"
    if target.model == asked.model:
        return None  # the same model elsewhere
    uses = _uses(asking) - (_DROPPED if drops else frozenset())
    return lacks(known.able(target), asking.request, uses, cost.prompt_tokens)


def _uses(asking: Asking) -> frozenset[str]:
    """What the call uses; of one that is too long to be seen whole also what its conversation has used."""
    uses, session = asking.request.uses, asking.session
    return (uses | session.uses if session is not None and asking.request.cut else uses) - {"state"}
