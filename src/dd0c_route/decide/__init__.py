"""A call becomes a Decision: which targets to try, in which order, and why.

The same call, configuration and memory give the same decision, in `serve` and in `route`: chance comes from the call's
id. Whatever happens to the brain, the model asked for can be called.
"""

from __future__ import annotations

import hashlib
from time import perf_counter_ns, thread_time_ns
from typing import Any, Literal

from msgspec import structs

from dd0c_route.brain.policies import POLICIES
from dd0c_route.brain.policy import Choice
from dd0c_route.brain.request import asked as read
from dd0c_route.brain.sessions import conversation_of
from dd0c_route.decide.candidates import field_of
from dd0c_route.decide.guard import Guard
from dd0c_route.decide.router import Asking, Expected, Knowledge, Router, Views, build_router, named
from dd0c_route.errors import BadRequest
from dd0c_route.redact.log import log
from dd0c_route.types import Call, Decision, Target

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
    if call.route_off:
        decision = Decision((asked,), "pinned", "the caller asked for no routing", asked)
    elif call.api.endswith(_COUNTS):  # it is of this model's tokens
        decision = _kept(asked, "a count of tokens")
    elif not router.routes:
        decision = _kept(asked, "no route matched")
    elif (why := router.guard.off()) is not None:
        decision = _kept(asked, why)
    else:
        decision = _guarded(started, call, asked, router)
    return structs.replace(decision, decide_us=(perf_counter_ns() - started) // 100 / 10)


def resolve(call: Call, router: Router) -> Target:
    """The target that the model's name means when nothing is re-routed."""
    return router.resolve(call)


def _kept(asked: Target, reason: str, **more: Any) -> Decision:
    return Decision((asked,), "kept", reason, asked, **more)


def _guarded(started: int, call: Call, asked: Target, router: Router) -> Decision:
    """The brain's decision, unless it fails or takes too long: by the processor's time, since waiting for that is no
    fault of its own.
    """
    guard, begun = router.guard, thread_time_ns()
    if (why := guard.rests(started)) is not None:
        return _kept(asked, "the brain rests", fault=why)
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
    log("brain_fault", "warning", reason=fault, fix="it rests for a while" if rests else None)
    return _kept(asked, "the brain was not followed", fault=fault)


def _routed(call: Call, asked: Target, router: Router) -> Decision:
    """What the first route that matches says."""
    request = read(call)
    route = router.matching(call, request.kind)
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
    about |= {"policy": route.settings.policy, "conversation": conversation}
    targets = tuple(target for target in route.targets if router.dialects[target.provider] == call.dialect)
    if not targets:
        return _kept(asked, "no candidate speaks the caller's dialect", **about)

    asking = Asking(call, request, route, router.sessions.of(conversation.key, call.at_ns))
    field = field_of(asking, targets, asked, router.known)
    supports = [one.support for one in field.candidates if one.support is not None]
    about |= {"candidates": field.candidates, "gate": max(supports, default=None)}
    if field.why is not None:
        holder = field.holder
        plan = (holder,) if holder == asked else (holder, asked)
        return Decision(plan, "kept" if holder == asked else "routed", field.why, asked, **about)
    moment = router.moments.of(call, route.number, route.settings.policy, asked, field.candidates, request.form)
    choice = route.policy.choose(field.candidates, moment)
    return _climbed(asking, asked, choice, router, about | {"promise": choice.promise})


def _climbed(asking: Asking, asked: Target, choice: Choice, router: Router, about: dict[str, Any]) -> Decision:
    """The choice, as far as the trust that the route has earned allows to follow it."""
    settings, call_id = asking.route.settings, asking.call.id
    wanted = choice.plan[0] if choice.plan else asked
    held = None
    if settings.mode == "shadow":
        held = "shadow"
    elif router.known.rolled_back(asking.route.id):
        held = "rolled back"
    elif share_of(call_id, "control") < settings.control_share:
        held = "control group"
    elif settings.mode == "canary" and share_of(call_id, "canary") >= settings.share:
        held = "canary"
    if held is not None:
        control = held == "control group"
        return _kept(asked, f"{held}: {choice.reason}", shadow=wanted, control=control, **about)
    if not choice.plan:
        return _kept(asked, choice.reason, **about)
    verdict: Literal["kept", "routed"] = "kept" if wanted == asked else "routed"
    return Decision(choice.plan, verdict, choice.reason, asked, checked=choice.checked,
                    good_enough=choice.good_enough, samples=choice.samples, **about)  # fmt: skip


def share_of(call_id: str, what: str) -> float:
    """A number in 0..1 that is a call's own, uniform over calls, and another one for each *what*."""
    digest = hashlib.blake2b(f"{what}:{call_id}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)
