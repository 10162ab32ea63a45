"""A call becomes a Decision: which targets to try, in which order, and why.

Pure, so that `serve`, `route` and a later replay choose alike. The odds come from the caller of `decide` as a function;
without a predictor only the model asked for is known to be good enough for itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fnmatch import fnmatchcase
from time import perf_counter_ns
from typing import NamedTuple

from msgspec import Struct, structs

from dd0c_route.brain.moments import Moments
from dd0c_route.brain.policies import POLICIES
from dd0c_route.brain.policy import Choice, Policy
from dd0c_route.config import Config, Route
from dd0c_route.errors import BadRequest, NotFound
from dd0c_route.types import Call, Candidate, Decision, PicoUSD, Target


class Expected(NamedTuple):
    """What a call will probably cost at a target; *unpriced*: it has no price, and this is the worst case."""

    picodollars: PicoUSD
    unpriced: bool = False


Odds = Callable[[Call, Target], float | None]
ExpectedCost = Callable[[Call, Target], Expected]
Owners = Callable[[str], tuple[str, ...]]


class CompiledRoute(Struct, frozen=True):
    """A route of `dd0c.toml` with its targets resolved and its policy built."""

    number: int
    settings: Route
    targets: tuple[Target, ...]
    policy: Policy


class Router(Struct, frozen=True):
    """Everything `decide` looks at that is not the call: made once for each configuration."""

    routes: tuple[CompiledRoute, ...]
    dialects: dict[str, str]
    owners: Owners
    odds: Odds
    expected_cost: ExpectedCost
    moments: Moments
    draw: Callable[[], float] = random.random


def build_router(
    config: Config, owners: Owners, odds: Odds, expected_cost: ExpectedCost, moments: Moments | None = None
) -> Router:
    """Compile the routes of *config*; candidates were checked to name configured providers."""
    dialects: dict[str, str] = {name: provider.dialect for name, provider in config.providers.items()}
    routes = []
    for number, route in enumerate(config.routes):
        targets = tuple(_named(text, dialects, owners, None) for text in route.candidates)
        policy = POLICIES[route.policy](route, targets)
        routes.append(CompiledRoute(number, route, targets, policy))
    return Router(tuple(routes), dialects, owners, odds, expected_cost, moments or Moments())


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
        target = Target(_named("", router.dialects, lambda model: (), call.dialect).provider, "")
        return Decision(plan=(target,), verdict="pinned", reason="a list of models", asked=target)
    if not call.model:
        raise BadRequest("the request names no model: add the field 'model'")

    asked = resolve(call, router)
    if call.route_off:
        return _decided(started, (asked,), asked, "the caller asked for no routing", pinned=True)
    route = _matching(call, router)
    if route is None or route.settings.mode == "off":
        return _decided(started, (asked,), asked, "no route matched" if route is None else "the route is off")
    return _by_policy(started, call, asked, route, router)


def resolve(call: Call, router: Router) -> Target:
    """The target that the model's name means when nothing is re-routed.

    `provider/model` of a configured provider; else the provider that owns the name, if configured; else the first
    configured provider of the caller's dialect.
    """
    return _named(call.model, router.dialects, router.owners, call.dialect)


def _named(text: str, dialects: dict[str, str], owners: Owners, dialect: str | None) -> Target:
    provider, slash, model = text.partition("/")
    if slash and model and provider in dialects:
        return Target(provider, model)
    for owner in owners(text):
        if owner in dialects and dialect in (None, dialects[owner]):
            return Target(owner, text)
    for name, spoken in dialects.items():
        if dialect in (None, spoken):
            return Target(name, text)
    spoken_here = ", ".join(sorted(set(dialects.values()))) or "none"
    raise NotFound(
        f"no configured provider speaks the dialect '{dialect}' that this call came in (configured: {spoken_here}): "
        f"add one under [providers] in dd0c.toml"
    )


def _matching(call: Call, router: Router) -> CompiledRoute | None:
    for route in router.routes:
        match = route.settings.match
        if match.model is not None and not fnmatchcase(call.model, match.model):
            continue
        if match.dialect is not None and match.dialect != call.dialect:
            continue
        if match.kind is not None:
            continue  # the kind of a request is not told apart yet, so such a route matches nothing
        if all(fnmatchcase(call.tags.get(name, ""), glob) for name, glob in match.tags.items()):
            return route
    return None


def _by_policy(started: int, call: Call, asked: Target, route: CompiledRoute, router: Router) -> Decision:
    usable = [target for target in route.targets if router.dialects[target.provider] == call.dialect]
    if not usable:
        return _decided(started, (asked,), asked, "no candidate speaks the caller's dialect", route=route)
    if call.policy in POLICIES:
        route = _with_policy(route, call.policy)
    candidates = tuple(_candidate(call, target, asked, router) for target in usable)
    moment = router.moments.of(call, route.number, route.settings.policy, asked, candidates)
    choice = route.policy.choose(candidates, moment)
    if not choice.plan:
        choice = structs.replace(choice, plan=(asked,))
    mode = route.settings.mode
    if mode == "shadow" or (mode == "canary" and router.draw() >= route.settings.share):
        choice = structs.replace(choice, reason=f"{mode}: {choice.reason}", checked=0)
        plan, shadow = (asked,), choice.plan[0]
        return _decided(
            started, plan, asked, choice.reason, route=route, candidates=candidates, shadow=shadow, choice=choice
        )
    return _decided(started, choice.plan, asked, choice.reason, route=route, candidates=candidates, choice=choice)


def _candidate(call: Call, target: Target, asked: Target, router: Router) -> Candidate:
    p_good = 1.0 if target == asked else router.odds(call, target)
    cost = router.expected_cost(call, target)
    return Candidate(target, p_good, cost.picodollars, cost.unpriced, asked=target == asked)


def _with_policy(route: CompiledRoute, name: str) -> CompiledRoute:
    """The same route under the policy that the caller asked for."""
    settings = structs.replace(route.settings, policy=name)
    return structs.replace(route, settings=settings, policy=POLICIES[name](settings, route.targets))


def _decided(
    started: int,
    plan: tuple[Target, ...],
    asked: Target,
    reason: str,
    *,
    pinned: bool = False,
    route: CompiledRoute | None = None,
    candidates: tuple[Candidate, ...] = (),
    shadow: Target | None = None,
    choice: Choice | None = None,
) -> Decision:
    return Decision(
        plan=plan,
        verdict="pinned" if pinned else "kept" if plan[0] == asked else "routed",
        reason=reason,
        asked=asked,
        policy=route.settings.policy if route else None,
        route=route.number if route else None,
        candidates=candidates,
        shadow=shadow,
        decide_us=(perf_counter_ns() - started) // 100 / 10,
        checked=choice.checked if choice is not None else 0,
        good_enough=choice.good_enough if choice is not None else 0.0,
        promise=choice.promise if choice is not None else None,
    )
