"""What `decide` looks at that is not the call: routes, names, and where odds and costs come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, get_args

from msgspec import Struct, field, structs

from dd0c_route.brain.capabilities import Capability
from dd0c_route.brain.failures import Failures
from dd0c_route.brain.moments import Moments
from dd0c_route.brain.policies import POLICIES
from dd0c_route.brain.policy import Policy
from dd0c_route.brain.request import Asked
from dd0c_route.brain.sessions import Session, Sessions
from dd0c_route.config import Config, Route
from dd0c_route.config.identity import route_id
from dd0c_route.decide.foreign import lacking, reachable
from dd0c_route.decide.guard import Guard
from dd0c_route.errors import ConfigError, NotFound
from dd0c_route.types import Call, Decision, Dialect, PicoUSD, Target, Usage


class CompiledRoute(Struct, frozen=True):
    """A route of `dd0c.toml` with its targets resolved and its policy built."""

    number: int
    id: str
    settings: Route
    targets: tuple[Target, ...]
    policy: Policy

    def under(self, policy: str) -> CompiledRoute:
        """The same route under the policy that the caller asked for."""
        settings = structs.replace(self.settings, policy=policy)
        return structs.replace(self, settings=settings, policy=POLICIES[policy](settings, self.targets))


class Views(NamedTuple):
    """What is thought of each target, in their order.

    Attributes:
        p_good: Probability of a good answer; None where nothing is known.
        support: How much of that rests on texts like this one, 0..1; None where nothing is known of any.
        learned: What labels of the route added to it; empty: nothing.
    """

    p_good: tuple[float | None, ...]
    support: float | None = None
    learned: tuple[float, ...] = ()


class Expected(NamedTuple):
    """What a call will probably cost at a target.

    Attributes:
        picodollars: Prompt, as cached as it is expected to be, and answer. Without a price the worst case.
        unpriced: It has no price.
        prompt_tokens: The highest count to expect.
        output_tokens: Reasoning included.
        cached_share: Of the prompt, 0..1.
        switch_cost: Of *picodollars* what is due because the conversation is cached elsewhere.
    """

    picodollars: PicoUSD
    unpriced: bool = False
    prompt_tokens: int = 0
    output_tokens: int | None = None
    cached_share: float = 0.0
    switch_cost: PicoUSD = 0


class Asking(NamedTuple):
    """One call, as far as it was read.

    Attributes:
        predicts: Whether the predictor may be asked; else it rests, and what is known without it has to do.
        caller: Who asked for the tool calls whose results it brings, where that is known.
    """

    call: Call
    request: Asked
    route: CompiledRoute
    session: Session | None
    predicts: bool = True
    caller: Target | None = None


def _no_views(asking: Asking, targets: Sequence[Target]) -> Views:
    return Views((None,) * len(targets))


def _no_costs(asking: Asking, targets: Sequence[Target]) -> list[Expected]:
    return [Expected(0)] * len(targets)


class Knowledge(Struct, frozen=True):
    """Whom `decide` asks. Pure functions of what they get and of what was learned until now.

    Attributes:
        views: Odds.
        costs: In the order of the targets.
        able: What a target can do.
        kept: How many tokens the provider has in its cache after a call that used so much.
        rolled_back: Whether the route of this id only watches, because its promise was broken.
        failing: Which share of tries at a target fails at that time.
    """

    views: Callable[[Asking, Sequence[Target]], Views] = _no_views
    costs: Callable[[Asking, Sequence[Target]], list[Expected]] = _no_costs
    able: Callable[[Target], Capability] = lambda target: Capability()
    kept: Callable[[Target, Usage], int] = lambda target, usage: 0
    rolled_back: Callable[[str], bool] = lambda route: False
    failing: Callable[[Target, int], float] = lambda target, at_ns: 0.0


class Router(Struct, frozen=True):
    """Made once for each configuration; sessions, budgets and guard live on."""

    routes: tuple[CompiledRoute, ...]
    dialects: dict[str, str]
    owners: Callable[[str], tuple[str, ...]]
    known: Knowledge
    moments: Moments
    sessions: Sessions
    guard: Guard
    keyless: frozenset[str] = frozenset()  # providers that get the caller's own credential
    keeper: Callable[[str], Target | None] = lambda name: None  # who keeps the answer or conversation of that id
    failures: Failures = field(default_factory=Failures)
    lacks: Callable[[Target], frozenset[str]] = lambda target: frozenset()  # APIs by which it cannot be asked
    drops: frozenset[str] = frozenset()  # providers to which a request may go without what they cannot be given

    def resolve(self, call: Call) -> Target:
        """The target that the model's name means when nothing is re-routed.

        `provider/model` of a configured provider; else the provider that owns the name, if configured and able to
        answer the caller; else the first configured provider of the caller's dialect, else of one that can be
        translated to.
        """
        return named(call.model, self.dialects, self.owners, call.dialect, lambda dialect: reachable(call, dialect))

    def is_alias(self, call: Call, asked: Target) -> bool:
        """The call's name is nobody's, as far as we know: it names no provider, and no configured one owns it."""
        return call.model != str(asked) and asked.provider not in self.owners(call.model)

    def speaking(self, route: CompiledRoute, call: Call) -> tuple[Target, ...]:
        """The route's targets that *call* can be answered by, in the caller's dialect or translated."""
        return tuple(target for target in route.targets if reachable(call, self.dialects[target.provider]))

    def spoken(self, provider: str) -> Dialect:
        """The dialect that clients of *provider* speak; those of some are only passed through."""
        dialect = self.dialects[provider]
        return next((one for one in get_args(Dialect) if one == dialect), "passthrough")

    def remember(self, decision: Decision | None, target: Target, at_ns: int, usage: Usage | None = None) -> None:
        """*target* answers; *usage*: what that came to, once that is known."""
        if decision is not None and decision.conversation is not None:
            kept = self.known.kept(target, usage) if usage is not None else None
            self.sessions.answered(decision.conversation, target, at_ns, kept)

    def called(self, decision: Decision | None, target: Target, ids: tuple[str, ...]) -> None:
        """*target* answers with tool calls of these *ids*: it is to get their results."""
        if ids and decision is not None and decision.conversation is not None:
            self.sessions.called(decision.conversation.key, ids, target)

    def matching(self, call: Call, asked: Target, kind: str) -> CompiledRoute | None:
        """The first route for *call*, which means *asked*; one may name that with its provider, the other without."""
        names = {call.model, str(asked)}
        if call.model == str(asked) and self._is_bare(call, asked):
            names.add(asked.model)
        for route in self.routes:
            match = route.settings.match
            if match.model is not None and not any(fnmatchcase(name, match.model) for name in names):
                continue
            if match.dialect is not None and match.dialect != call.dialect:
                continue
            if match.kind is not None and not fnmatchcase(kind, match.kind):
                continue
            if all(name in call.tags and fnmatchcase(call.tags[name], glob) for name, glob in match.tags.items()):
                return route
        return None

    def _is_bare(self, call: Call, asked: Target) -> bool:
        """Whether *asked* is what its model's bare name means too."""
        try:
            return self.resolve(structs.replace(call, model=asked.model)) == asked
        except NotFound:  # nobody who speaks with the caller has such a name
            return False


def build_router(
    config: Config,
    owners: Callable[[str], tuple[str, ...]],
    known: Knowledge | None = None,
    moments: Moments | None = None,
    sessions: Sessions | None = None,
    guard: Guard | None = None,
) -> Router:
    """Compile the routes of *config*; candidates were checked to name configured providers.

    Raises:
        ConfigError: Two candidates of a route are two names of the same model.
    """
    dialects: dict[str, str] = {name: provider.dialect for name, provider in config.providers.items()}
    routes = []
    for number, route in enumerate(config.routes):
        targets = tuple(named(text, dialects, owners, None) for text in route.candidates)
        if (fault := _named_twice(route, targets)) is not None:
            raise ConfigError([f"routes[{number}].{fault}"])
        routes.append(CompiledRoute(number, route_id(route), route, targets, POLICIES[route.policy](route, targets)))
    return Router(
        tuple(routes),
        dialects,
        owners,
        known or Knowledge(),
        moments or Moments(),
        sessions if sessions is not None else Sessions(config.brain.sessions, config.brain.session_s),
        guard or Guard(config.brain.enabled),
        frozenset(name for name, provider in config.providers.items() if not provider.has_key),
        lacks=lambda target: lacking(config.providers[target.provider], target.model),
        drops=frozenset(name for name, provider in config.providers.items() if provider.drop),
    )


def _named_twice(route: Route, targets: tuple[Target, ...]) -> str | None:
    for index, target in enumerate(targets):
        if (first := targets.index(target)) != index:
            names = f"{route.candidates[index]!r} and {route.candidates[first]!r} are both {str(target)!r}"
            return f"candidates[{index}]: {names}: keep one of them"
    return None


def named(
    text: str, dialects: dict[str, str], owners: Callable[[str], tuple[str, ...]], dialect: str | None,
    translates: Callable[[str], bool] = lambda dialect: False,
) -> Target:  # fmt: skip
    """The target that *text* means, for callers of *dialect* (None: of any).

    Args:
        translates: Whether providers of a dialect can be asked too, though they speak another one.

    Raises:
        NotFound: No configured provider speaks it.
    """
    provider, slash, model = text.partition("/")
    if slash and model and provider in dialects:
        return Target(provider, model)
    for foreign in (False, True):
        for owner in owners(text):
            if owner in dialects and (dialect in (None, dialects[owner]) or (foreign and translates(dialects[owner]))):
                return Target(owner, text)
    for foreign in (False, True):
        for name, spoken in dialects.items():
            if dialect in (None, spoken) or (foreign and translates(spoken)):
                return Target(name, text)
    spoken_here = ", ".join(sorted(set(dialects.values()))) or "none"
    raise NotFound(
        f"no configured provider speaks the dialect '{dialect}' that this call came in (configured: {spoken_here}): "
        f"add one under [providers] in dd0c.toml"
    )
