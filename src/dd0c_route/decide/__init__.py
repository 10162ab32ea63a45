"""A call becomes a Decision: which targets to try, in which order, and why.

The same call, configuration and memory give the same decision, in `serve` and in `route`: chance comes from the call's
id. Whatever happens to the brain, the model asked for can be called.
"""

from __future__ import annotations

import hashlib
from time import perf_counter_ns, thread_time_ns
from typing import Any, Literal

from msgspec import structs

from dd0c_route.brain.policies import NEED_NO_ODDS, POLICIES
from dd0c_route.brain.policy import Choice, then_the_rest, usable
from dd0c_route.brain.request import asked as read
from dd0c_route.brain.sessions import conversation_of
from dd0c_route.decide.candidates import field_of
from dd0c_route.decide.foreign import translated, unable
from dd0c_route.decide.guard import Guard
from dd0c_route.decide.router import Asking, Expected, Knowledge, Router, Views, build_router, named
from dd0c_route.errors import BadRequest
from dd0c_route.redact.log import log
from dd0c_route.types import Call, Candidate, Decision, Target
from dd0c_route.wire.stored import goes_on_with, names_items

__all__ = [
    "Asking",
    "Expected",
    "Guard",
    "Knowledge",
    "Router",
    "Views",
    "build_router",
    "decide",
    "resolve",
]


_COUNTS = (".count_tokens", ".input_tokens")


def decide(call: Call, router: Router) -> Decision:
    """Choose the targets for *call*.

    Raises:
        BadRequest: The call names no model.
        NotFound: No configured provider can serve the model asked for.
    """
    started = perf_counter_ns()
    if call.provider:  # pass-through: the path names the provider, nothing is chosen
        target = Target(call.provider, call.model)
        return Decision(plan=(target,), verdict="pinned", reason="pass-through", asked=target)
    if call.api == "models":
        target = Target(named("", router.dialects, lambda model: (), call.dialect).provider, "")
        return Decision(plan=(target,), verdict="pinned", reason="a list of models", asked=target)
    if not call.model:
        raise BadRequest("the request names no model: add the field 'model'")

    asked = resolve(call, router)
    keeper = _keeper(call, router) if call.api == "openai.responses" else None
    if keeper is not None and keeper.provider != asked.provider:
        decision = Decision((keeper,), "pinned", f"goes on with what {keeper.provider} keeps", asked)
    elif call.route_off:
        decision = Decision((asked,), "pinned", "the caller asked for no routing", asked)
    elif call.subscription is not None and asked.provider in router.keyless:
        decision = Decision((asked,), "pinned", "a subscription's token is only for its own provider", asked)
    elif call.api.endswith(_COUNTS):  # it is of this model's tokens
        decision = _kept(asked, "a count of tokens")
    elif not router.routes:
        decision = _kept(asked, "no route matched")
    elif (why := router.guard.off()) is not None:
        decision = _kept(asked, why)
    else:
        decision = _guarded(started, call, asked, router)
        if _asks_others(decision) and names_items(call.api, call.fields):  # last, since a long body takes long
            decision = _kept(asked, "names what a provider keeps")
    return structs.replace(decision, decide_us=(perf_counter_ns() - started) // 100 / 10)


def _asks_others(decision: Decision) -> bool:
    """Whether another target than the one asked for may get the call, be it beside it."""
    return decision.plan != (decision.asked,) or decision.shadow is not None


def _keeper(call: Call, router: Router) -> Target | None:
    """Who has what the call goes on with, as far as that is known and still configured."""
    known = (router.keeper(name) for name in goes_on_with(call.fields))
    return next((one for one in known if one is not None and router.dialects.get(one.provider) == call.dialect), None)


def resolve(call: Call, router: Router) -> Target:
    """The target that the model's name means when nothing is re-routed."""
    return router.resolve(call)


def _kept(asked: Target, reason: str, **more: Any) -> Decision:
    return Decision((asked,), "kept", reason, asked, **more)


def _guarded(started: int, call: Call, asked: Target, router: Router) -> Decision:
    """The brain's decision. One that came late is there and is followed, but after some of them the predictor rests.
    Late is by the processor's time, since waiting for that is no fault of its own.
    """
    guard, begun = router.guard, thread_time_ns()
    if (why := guard.rests(started)) is not None:
        return _unpredicted(call, asked, router, why)
    decision = None
    try:
        decision = _routed(call, asked, router)
    except Exception as error:  # whatever is wrong with the brain, the call can be served without it
        fault = f"it failed: {type(error).__name__}"
    else:
        took = thread_time_ns() - begun
        if not guard.is_over(took):
            guard.fine()
            return decision
        fault = f"it took {took // 1000} µs"
    rests = guard.fault(started)
    log("brain_fault", "warning", reason=fault, fix="the predictor rests for a while" if rests else None)
    return _unpredicted(call, asked, router, fault) if decision is None else structs.replace(decision, fault=fault)


def _unpredicted(call: Call, asked: Target, router: Router, fault: str) -> Decision:
    """What can be decided without odds; where it was not the predictor that failed, what can be read off the route."""
    try:
        decision = _routed(call, asked, router, predicts=False)
    except Exception:  # it was reported as the fault that led here
        decision = _unread(call, asked, router)
    return structs.replace(decision, fault=fault)


def _unread(call: Call, asked: Target, router: Router) -> Decision:
    """The model asked for; an alias is the candidates of its route as they are written."""
    route = router.matching(call, asked, "")
    if route is not None and route.settings.mode not in ("off", "shadow") and router.is_alias(call, asked):
        targets = router.speaking(route, call)
        if targets and asked not in targets:
            return Decision(targets, "routed", "the brain was not asked: order of the route", asked)
    return _kept(asked, "the brain was not asked")


def _routed(call: Call, asked: Target, router: Router, *, predicts: bool = True) -> Decision:
    """What the first route that matches says."""
    request = read(call)
    route = router.matching(call, asked, request.kind)
    if route is None:
        return _kept(asked, "no route matched", kind=request.kind)
    mode = route.settings.mode
    about: dict[str, Any] = {"route": route.number, "route_id": route.id, "mode": mode}
    about |= {"kind": request.kind, "form": request.form}
    if mode == "off":
        return _kept(asked, "the route is off", policy=route.settings.policy, **about)
    if call.policy in POLICIES:
        route = route.under(call.policy)
    conversation = conversation_of(call, request)
    about |= {"policy": route.settings.policy, "conversation": conversation, "may_drop": route.settings.drop}
    targets = router.speaking(route, call)
    if not targets:
        return _kept(asked, "no candidate speaks the caller's dialect", **about)

    session = router.sessions.of(conversation.key, call.at_ns)
    caller = router.sessions.caller(conversation.key, request.call_ids)
    asking = Asking(call, request, route, session, predicts, caller)
    whole = [target for target in targets if not (route.settings.drop or target.provider in router.drops)]
    lost = unable(call, whole, router.dialects, router.known.able, router.lacks)
    dropping = translated(
        call, targets if call.may_drop else [one for one in targets if one not in whole], router.dialects, router.lacks
    )
    field = field_of(asking, targets, asked, router.known, lost, dropping, is_alias=router.is_alias(call, asked))
    supports = [one.support for one in field.candidates if one.support is not None]
    about |= {"candidates": field.candidates, "gate": max(supports, default=None)}
    if field.why is not None:
        holder = field.holder
        plan = (holder,) if holder == asked else (holder, asked)
        return Decision(plan, "kept" if holder == asked else "routed", field.why, asked, bound=True, **about)
    choice = _choice(asking, asked, field.candidates, router)
    return _climbed(asking, asked, choice, router, about | {"promise": choice.promise})


def _choice(asking: Asking, asked: Target, candidates: tuple[Candidate, ...], router: Router) -> Choice:
    """What the policy says; where it would need odds that are not there, the model asked for, then the others."""
    call, route, policy = asking.call, asking.route, asking.route.settings.policy
    if not (asking.predicts or policy in NEED_NO_ODDS):
        return Choice(then_the_rest([], candidates), "the predictor rests")
    form, ongoing = asking.request.form, asking.session is not None
    moment = router.moments.of(call, route.number, policy, asked, candidates, form, ongoing=ongoing)
    return route.policy.choose(candidates, moment)


def _climbed(asking: Asking, asked: Target, choice: Choice, router: Router, about: dict[str, Any]) -> Decision:
    """The choice, as far as the trust that the route has earned allows to follow it."""
    settings, call_id = asking.route.settings, asking.call.id
    candidates: tuple[Candidate, ...] = about["candidates"]
    # Who asks for an alias asks for no model: there is none that a control group could keep.
    is_alias = router.is_alias(asking.call, asked) and not any(one.asked for one in candidates)
    wanted = choice.plan[0] if choice.plan else asked
    held = None
    if settings.mode == "shadow":
        held = "shadow"
    elif router.known.rolled_back(asking.route.id):
        held = "rolled back"
    elif not is_alias and share_of(call_id, "control") < settings.control_share:
        held = "control group"
    elif settings.mode == "canary" and share_of(call_id, "canary") >= settings.share:
        held = "canary"
    if held is not None:
        control = held == "control group"
        about |= {"shadow": wanted, "control": control}
        if is_alias and held != "shadow" and (first := tuple(one.target for one in usable(candidates))):
            return Decision(first, "routed", f"{held}, order of the route: {choice.reason}", asked, **about)
        return _kept(asked, f"{held}: {choice.reason}", **about)
    if not choice.plan:
        return _kept(asked, choice.reason, **about)
    verdict: Literal["kept", "routed"] = "kept" if wanted == asked else "routed"
    return Decision(choice.plan, verdict, choice.reason, asked, checked=choice.checked,
                    good_enough=choice.good_enough, samples=choice.samples, **about)  # fmt: skip


def share_of(call_id: str, what: str) -> float:
    """A number in 0..1 that is a call's own, uniform over calls, and another one for each *what*."""
    digest = hashlib.blake2b(f"{what}:{call_id}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)
