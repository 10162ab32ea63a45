"""The router of a configuration, with everything that it asks: predictor, what labels taught, costs, capabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from dd0c_route.brain.capabilities import Capability, capability
from dd0c_route.brain.failures import Failures
from dd0c_route.brain.moments import Moments, Thresholds
from dd0c_route.brain.request import Asked
from dd0c_route.brain.residuals import Key
from dd0c_route.brain.taught import Taught
from dd0c_route.config import Config, Match
from dd0c_route.decide import Asking, Guard, Knowledge, Router, Views, build_router, decide
from dd0c_route.decide.costs import Correct, ExpectedCosts, Lengths, usual_length
from dd0c_route.decide.router import CompiledRoute
from dd0c_route.errors import BadBrain, BadLabels, ConfigError
from dd0c_route.pricing import Catalog
from dd0c_route.redact.log import log
from dd0c_route.types import Call, Target
from dd0c_route.wire.body import split

if TYPE_CHECKING:
    from dd0c_route.brain.predictor import Predictor

_CHOICE = "Which of these 17 numbers, 3.5 among them, is the sum?\nA. 42\nB. 4,711\nC. one of “größer”, “大”\n"
_PLAIN = "The water rose to the second step, and nobody asked why.\n" * 100
_TOOL = {"type": "function", "function": {"name": "look", "description": _PLAIN[:500], "parameters": {}}}
_SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
_TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
_RESULT: list[dict[str, Any]] = [
    {"role": "assistant", "tool_calls": [_TOOL_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": _PLAIN},
]
_REHEARSED: tuple[tuple[str, list[dict[str, Any]], dict[str, Any]], ...] = (
    ("Read the tables now.", [], {}),
    (_CHOICE, [], {}),
    *[(_CHOICE * times, [], {}) for times in (30, 100, 100)],
    (_PLAIN, [], {}),
    (_PLAIN * 20, [], {"tools": [_TOOL]}),
    (_PLAIN, _RESULT, {"tools": [_TOOL]}),
    (_PLAIN, [], {"response_format": _SCHEMA}),
)
"""What is asked for, what follows it, and what else the request says."""


def assembled(
    config: Config, catalog: Catalog, correct: Correct, taught: Callable[[], Taught], switched_on: Callable[[], bool],
    now_s: Callable[[], float], at_ns: int, before: Router | None,
) -> Router:  # fmt: skip
    """The router; it goes on with the conversations and budgets of *before*.

    Args:
        correct: What is known of our own counts.
        taught: What labels have taught until now.
        switched_on: The operator's switch.
        now_s: A clock that does not go back.
        at_ns: Wall time.

    Raises:
        ConfigError: A predictor or labels that it names cannot be used.
    """
    predictor = predictor_of(config)
    costs = ExpectedCosts(catalog, correct, lengths_of(predictor))
    failures = before.failures if before is not None else Failures()
    knowledge = Knowledge(
        views=views_of(predictor, taught),
        costs=costs,
        able=able_of(config, catalog),
        kept=costs.kept,
        rolled_back=lambda route: route in taught().rolled_back,
        failing=failures.share,
    )
    sessions = before.sessions if before is not None else None
    guard = Guard(config.brain.enabled, config.brain.budget_us, switched_on)
    plain = build_router(config, catalog.owners, knowledge, sessions=sessions, guard=guard)
    moments = Moments(
        config.routes,
        now_s,
        config.server.workers,
        before.moments if before is not None else None,
        thresholds_of(plain.routes, predictor),
        lambda number: taught().thresholds_of(plain.routes[number].id),
        lambda: taught().checks,
    )
    router = structs.replace(plain, moments=moments, failures=failures)
    costs.prepare({target for route in router.routes for target in route.targets}, at_ns)
    rehearse(router, at_ns)
    return router


def predictor_of(config: Config) -> Predictor | None:
    """The predictor, where a route may want to know; it is loaded here, since that takes some 0.1 s."""
    if not any(route.mode != "off" for route in config.routes):
        return None
    from dd0c_route.brain.predictor import SHIPPED, Predictor  # brings numpy along: not for who only passes calls on

    try:
        return Predictor.load(Path(config.brain.file) if config.brain.file is not None else SHIPPED)
    except (BadBrain, OSError) as error:
        if config.brain.file is not None:
            raise ConfigError([f"brain.file: {error}"]) from None
        log("brain_missing", "error", reason=str(error), fix="install this version anew; until then models are kept")
        return None


def views_of(predictor: Predictor | None, taught: Callable[[], Taught]) -> Callable[[Asking, Sequence[Target]], Views]:
    """What the predictor says, corrected by what labels of the route taught."""

    def views(asking: Asking, targets: Sequence[Target]) -> Views:
        request, route = asking.request, asking.route.id
        told: Sequence[float | None] = (None,) * len(targets)
        support = None
        if predictor is not None:
            odds = predictor.predict(request.turn, [target.model for target in targets])
            told, support = odds.p_good, odds.support
        keys = [Key(route, str(target), request.kind, request.form) for target in targets]
        learned = [taught().adjust(p_good, key) for p_good, key in zip(told, keys, strict=True)]
        return Views(
            tuple(one.p_good if one is not None else None for one in learned),
            support,
            tuple(one.learned if one is not None else 0.0 for one in learned),
        )

    return views


def lengths_of(predictor: Predictor | None) -> Lengths:
    """How long answers become, where the predictor knows it, and their reasoning where that is asked for."""
    if predictor is None or predictor.lengths is None:
        return usual_length

    def lengths(model: str, request: Asked) -> tuple[float, float]:
        length = predictor.length(request.turn, model, "reasoning" in request.uses)
        return length.mean, length.reasoning_mean

    return lengths


def able_of(config: Config, catalog: Catalog) -> Callable[[Target], Capability]:
    @lru_cache(maxsize=256)  # targets are the configuration's own
    def able(target: Target) -> Capability:
        context = catalog.context(target.provider, target.model)
        return capability(target.provider, target.model, config.models, context)

    return able


def thresholds_of(routes: Sequence[CompiledRoute], predictor: Predictor | None) -> dict[int, Thresholds]:
    """What each route with labels can promise.

    Raises:
        ConfigError: Its file of labels cannot be used.
    """
    found: dict[int, Thresholds] = {}
    for route in routes:
        settings = route.settings
        if settings.calibration is None or settings.mode == "off" or predictor is None:
            continue
        from dd0c_route.brain.calibration import calibrated
        from dd0c_route.brain.training.labels import read_labels

        try:
            with open(settings.calibration, "rb") as file:
                labels = read_labels(file)
        except (BadLabels, OSError) as error:
            raise ConfigError([f"routes[{route.number}].calibration: {error}"]) from None
        found[route.number] = calibrated(labels, predictor, route.targets, settings.epsilon, settings.delta)
    return found


def rehearse(router: Router, at_ns: int) -> None:
    """Decide on each route, so that tables are read and prices found now and not while a client waits.

    The requests take the ways that others will: short and long, numbers, options to choose from, other scripts, tools
    and what they gave, a schema.
    """
    for route in router.routes:
        any_call = structs.replace(route, settings=structs.replace(route.settings, match=Match()))
        unhurried = structs.replace(router, routes=(any_call,), guard=Guard())
        dialect = router.spoken(route.targets[0].provider)
        for text, further, more in _REHEARSED:
            messages = [{"role": "user", "content": text}, *further]
            body = msgspec.json.encode({"model": "m", "messages": messages, **more})
            call = Call(id="", at_ns=at_ns, started_ns=0, dialect=dialect, api="openai.chat", method="POST", path="",
                        query="", headers=[], body=body, fields=split(body), model=str(route.targets[0]))  # fmt: skip
            decide(call, unhurried)
