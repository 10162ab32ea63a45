"""Which targets are tried for a call, in which order, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from dd0c_route.config import Config, Match, Provider, Route
from dd0c_route.decide import Asking, Expected, Knowledge, Router, Views, build_router, decide, resolve
from dd0c_route.decide.assembly import rehearse
from dd0c_route.errors import BadRequest, ConfigError, NotFound
from dd0c_route.types import Call, Target
from tests.proxy.examples import call

OWNERS = {
    "gpt-4o": ("openai", "azure"),
    "claude-haiku-4-5": ("anthropic", "bedrock"),
    "gemini-2.5-pro": ("google",),
}
COSTS = {"large": 100, "small": 10}
DEAREST = 1000


def provider(name: str, dialect: str) -> Provider:
    return Provider(name=name, dialect=dialect, base_url="http://127.0.0.1:9")  # type: ignore[arg-type]  # one of them


PROVIDERS = {
    name: provider(name, dialect)
    for name, dialect in {
        "local": "openai",
        "openai": "openai",
        "anthropic": "anthropic",
        "google": "gemini",
    }.items()
}


def router(
    *routes: Route, providers: dict[str, Provider] | None = None, odds: dict[str, float] | None = None
) -> Router:
    return build_router(
        Config(providers=PROVIDERS if providers is None else providers, routes=routes),
        lambda model: OWNERS.get(model, ()),
        knowing(odds or {}),
    )


def knowing(odds: dict[str, float], **more: Any) -> Knowledge:
    def views(asking: Asking, targets: Sequence[Target]) -> Views:
        return Views(tuple(odds.get(target.model) for target in targets), 0.5)

    def costs(asking: Asking, targets: Sequence[Target]) -> list[Expected]:
        return [Expected(COSTS.get(target.model, DEAREST), target.model not in COSTS) for target in targets]

    return Knowledge(**({"views": views, "costs": costs} | more))


def asking(model: str, **changes: Any) -> Call:
    return call(msgspec.json.encode({"model": model}), **changes)


def routed(*candidates: str, **settings: Any) -> Route:
    return Route(candidates=candidates, **({"mode": "on", "policy": "ordered"} | settings))


# --- what a name means ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "dialect", "target"),
    [
        ("gpt-4o", "openai", "openai/gpt-4o"),
        ("claude-haiku-4-5", "anthropic", "anthropic/claude-haiku-4-5"),
        ("gemini-2.5-pro", "gemini", "google/gemini-2.5-pro"),
        ("nobody-knows-it", "openai", "local/nobody-knows-it"),
        ("nobody-knows-it", "anthropic", "anthropic/nobody-knows-it"),
        ("openai/nobody-knows-it", "openai", "openai/nobody-knows-it"),
        ("local/gpt-4o", "openai", "local/gpt-4o"),
        ("meta-llama/llama-3", "openai", "local/meta-llama/llama-3"),
        ("local/meta-llama/llama-3", "openai", "local/meta-llama/llama-3"),
        ("local/", "openai", "local/local/"),
        ("claude-haiku-4-5", "openai", "anthropic/claude-haiku-4-5"),
        ("gpt-4o", "anthropic", "openai/gpt-4o"),
    ],
)
def test_a_name_means_the_named_provider_else_its_owner_else_the_first_of_the_dialect(
    model: str, dialect: str, target: str
) -> None:
    assert str(resolve(asking(model, dialect=dialect), router())) == target


def test_an_owner_that_is_not_configured_does_not_count() -> None:
    only = {"local": PROVIDERS["local"]}

    assert str(resolve(asking("gpt-4o"), router(providers=only))) == "local/gpt-4o"


def test_a_further_owner_is_taken_where_the_first_is_not_configured() -> None:
    both = {"local": PROVIDERS["local"], "azure": provider("azure", "openai")}

    assert str(resolve(asking("gpt-4o"), router(providers=both))) == "azure/gpt-4o"


def test_where_nobody_speaks_the_dialect_one_is_called_that_can_be_translated_to() -> None:
    only = {"anthropic": PROVIDERS["anthropic"]}

    assert str(resolve(asking("gpt-4o"), router(providers=only))) == "anthropic/gpt-4o"


@pytest.mark.parametrize("providers", [{}, {"cohere": provider("cohere", "cohere")}])
def test_where_nobody_speaks_the_dialect_the_refusal_says_what_to_configure(providers: dict[str, Provider]) -> None:
    with pytest.raises(NotFound, match=r"'openai'.*\[providers\]"):
        decide(asking("gpt-4o"), router(providers=providers))


def test_a_call_without_a_model_is_refused() -> None:
    with pytest.raises(BadRequest, match="model"):
        decide(call(b'{"messages":[]}'), router())


# --- calls that are not routed --------------------------------------------------------------------------------


def test_without_a_route_the_model_asked_for_is_called() -> None:
    decision = decide(asking("gpt-4o"), router(routed("local/small", match=Match(model="other"))))

    assert decision.plan == (Target("openai", "gpt-4o"),)
    assert (decision.verdict, decision.reason, decision.policy, decision.route) == (
        "kept",
        "no route matched",
        None,
        None,
    )
    assert decision.asked == Target("openai", "gpt-4o")


def test_a_passed_through_call_goes_where_its_path_says() -> None:
    asked = asking("gpt-4o", dialect="passthrough", provider="local")

    decision = decide(asked, router(routed("openai/gpt-4o")))

    assert decision.plan == (Target("local", "gpt-4o"),)
    assert decision.verdict == "pinned"


def test_a_caller_can_forbid_routing() -> None:
    decision = decide(asking("gpt-4o", route_off=True), router(routed("local/small")))

    assert decision.plan == (Target("openai", "gpt-4o"),)
    assert decision.verdict == "pinned"


# --- which route ----------------------------------------------------------------------------------------------


def test_the_first_route_that_matches_decides() -> None:
    rows = router(
        routed("local/never", match=Match(model="claude-*")),
        routed("local/first", match=Match(model="gpt-*")),
        routed("local/second", match=Match(model="gpt-4o")),
    )

    decision = decide(asking("gpt-4o"), rows)

    assert (decision.plan[0].model, decision.route) == ("first", 1)


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        (Match(), True),
        (Match(model="gpt-4o"), True),
        (Match(model="gpt-4?"), True),
        (Match(model="GPT-4O"), False),
        (Match(model="gpt-4"), False),
        (Match(dialect="openai"), True),
        (Match(dialect="anthropic"), False),
        (Match(tags={"team": "core"}), True),
        (Match(tags={"team": "c*"}), True),
        (Match(tags={"team": "other"}), False),
        (Match(tags={"team": "core", "feature": "search"}), False),
        (Match(tags={"absent": "*"}), False),
        (Match(model="gpt-*", dialect="openai", tags={"team": "core"}), True),
        (Match(kind="anything"), False),
    ],
)
def test_a_route_matches_by_all_that_it_names(match: Match, matches: bool) -> None:
    decision = decide(asking("gpt-4o", tags={"team": "core"}), router(routed("local/small", match=match)))

    assert (decision.route == 0) is matches


def test_a_tag_that_is_not_there_fits_no_glob() -> None:
    rows = router(routed("local/small", match=Match(tags={"team": "*"})))

    assert decide(asking("gpt-4o", tags={"team": ""}), rows).route == 0
    assert decide(asking("gpt-4o"), rows).route is None


@pytest.mark.parametrize(
    ("match", "model", "matches"),
    [
        ("gpt-4o", "openai/gpt-4o", True),
        ("openai/gpt-*", "gpt-4o", True),
        ("local/*", "gpt-4o", False),
        ("gpt-4o", "local/gpt-4o", False),  # the bare name means another one
        ("local/gpt-4o", "local/gpt-4o", True),
    ],
)
def test_a_model_matches_with_its_provider_and_without(match: str, model: str, matches: bool) -> None:
    decision = decide(asking(model), router(routed("local/small", match=Match(model=match))))

    assert (decision.route == 0) is matches


def test_two_names_of_one_model_are_no_two_candidates() -> None:
    with pytest.raises(ConfigError) as caught:
        router(routed("local/small", "openai/gpt-4o", "gpt-4o"))

    assert caught.value.faults[0].startswith("routes[0].candidates[2]: 'gpt-4o' and 'openai/gpt-4o' are both ")


def test_a_model_without_a_price_is_still_a_model_where_its_provider_is_named() -> None:
    rows = router(routed("local/small", policy="cheapest-capable", floor=0.9, control_share=0.0), odds={"small": 0.5})

    assert decide(asking("local/own"), rows).plan == (Target("local", "own"), Target("local", "small"))
    assert decide(asking("fast"), rows).plan == (Target("local", "small"),)  # stands for the candidates


# --- modes ----------------------------------------------------------------------------------------------------


def test_on_follows_the_policy_and_the_others_stand_by() -> None:
    decision = decide(asking("gpt-4o"), router(routed("local/small", "openai/gpt-4o")))

    assert decision.plan == (Target("local", "small"), Target("openai", "gpt-4o"))
    assert (decision.verdict, decision.shadow) == ("routed", None)


def test_on_may_keep_what_was_asked_for() -> None:
    decision = decide(asking("gpt-4o"), router(routed("openai/gpt-4o", "local/small")))

    assert decision.verdict == "kept"


def test_shadow_is_the_default_and_calls_what_was_asked_for() -> None:
    route = Route(candidates=("local/small",), policy="ordered")

    decision = decide(asking("gpt-4o"), router(route))

    assert decision.plan == (Target("openai", "gpt-4o"),)
    assert (decision.verdict, decision.shadow) == ("kept", Target("local", "small"))
    assert decision.reason.startswith("shadow: ")


def test_off_calls_what_was_asked_for_and_looks_no_further() -> None:
    decision = decide(asking("gpt-4o"), router(routed("local/small", mode="off"), routed("local/other")))

    assert decision.plan == (Target("openai", "gpt-4o"),)
    assert (decision.reason, decision.shadow) == ("the route is off", None)


def test_canary_routes_its_share_by_the_call_s_id() -> None:
    rows = router(routed("local/small", mode="canary", share=0.25, control_share=0.0))
    decisions = [decide(asking("gpt-4o", id=f"dd_{number}"), rows) for number in range(400)]

    served = [decision.plan[0].model for decision in decisions]
    assert 70 < served.count("small") < 130
    assert all((one.shadow is None) is (one.plan[0].model == "small") for one in decisions)
    assert served == [decide(asking("gpt-4o", id=f"dd_{number}"), rows).plan[0].model for number in range(400)]


@pytest.mark.parametrize("mode", ["on", "canary"])
def test_a_control_group_keeps_the_model_asked_for_and_says_so(mode: str) -> None:
    rows = router(routed("local/small", mode=mode, share=1.0, control_share=0.05))
    decisions = [decide(asking("gpt-4o", id=f"dd_{number}"), rows) for number in range(1000)]

    control = [one for one in decisions if one.control]
    assert 25 < len(control) < 80
    assert all(one.plan == (Target("openai", "gpt-4o"),) and one.shadow == Target("local", "small") for one in control)
    assert all(one.plan[0].model == "small" for one in decisions if not one.control)


def test_a_route_that_was_rolled_back_only_watches() -> None:
    rows = router(routed("local/small"))
    rows = msgspec.structs.replace(rows, known=knowing({}, rolled_back=lambda route: route == rows.routes[0].id))

    decision = decide(asking("gpt-4o"), rows)

    assert (decision.plan[0].model, decision.shadow) == ("gpt-4o", Target("local", "small"))
    assert decision.reason.startswith("rolled back: ")


# --- candidates and policies ----------------------------------------------------------------------------------


def test_the_model_asked_for_is_good_enough_for_itself_and_others_by_their_odds() -> None:
    rows = router(
        routed("openai/large", "local/small", policy="cheapest-capable", floor=0.9), odds={"small": 0.95, "large": 0.1}
    )

    decision = decide(asking("openai/large"), rows)

    assert decision.plan == (Target("local", "small"), Target("openai", "large"))
    assert [(c.target.model, c.p_good, c.expected_cost) for c in decision.candidates] == [
        ("large", 0.1, 100),
        ("small", 0.95, 10),
    ]


def test_a_candidate_without_a_price_is_ruled_out_where_the_model_asked_for_has_one() -> None:
    rows = router(
        routed("local/unheard-of", "local/small", policy="cheapest-capable", floor=0.9),
        odds={"small": 0.95, "unheard-of": 0.99},
    )

    decision = decide(asking("openai/large"), rows)

    assert [target.model for target in decision.plan] == ["small", "large"]
    assert [(c.unpriced, c.ruled_out) for c in decision.candidates] == [
        (True, "has no price"),
        (False, None),
        (False, None),
    ]


def test_a_dearer_model_than_the_one_asked_for_never_takes_its_place() -> None:
    rows = router(
        routed("openai/large", "local/small", policy="cheapest-capable", floor=0.9), odds={"small": 0.3, "large": 0.95}
    )

    assert decide(asking("local/small"), rows).plan[0].model == "small"


def test_without_a_predictor_the_model_asked_for_is_kept() -> None:
    decision = decide(asking("openai/large"), router(routed("local/small", "openai/large", policy="cheapest-capable")))

    assert decision.plan[0] == Target("openai", "large")
    assert decision.verdict == "kept"


def test_candidates_that_cannot_be_translated_to_are_left_out() -> None:
    both = PROVIDERS | {"cohere": provider("cohere", "cohere")}
    decision = decide(asking("gpt-4o"), router(routed("cohere/command", "local/small"), providers=both))

    assert decision.plan == (Target("local", "small"), Target("openai", "gpt-4o"))


def test_without_a_candidate_of_the_callers_dialect_the_model_asked_for_is_called() -> None:
    both = PROVIDERS | {"cohere": provider("cohere", "cohere")}
    decision = decide(asking("gpt-4o"), router(routed("cohere/command"), providers=both))

    assert decision.plan == (Target("openai", "gpt-4o"),)
    assert decision.reason == "no candidate speaks the caller's dialect"
    assert decision.route == 0


def test_a_caller_may_choose_the_policy_and_the_decision_names_it() -> None:
    rows = router(routed("openai/large", "local/small", policy="ordered"), odds={"small": 0.95})

    decision = decide(asking("openai/large", policy="cheapest-capable"), rows)

    assert decision.plan[0].model == "small"
    assert decision.policy == "cheapest-capable"


def test_a_policy_that_is_not_there_leaves_the_routes_own() -> None:
    decision = decide(asking("gpt-4o", policy="no-such-policy"), router(routed("local/small")))

    assert (decision.plan[0].model, decision.policy) == ("small", "ordered")


def test_a_bare_candidate_means_its_owner() -> None:
    assert router(routed("gpt-4o")).routes[0].targets == (Target("openai", "gpt-4o"),)


# --- purity ---------------------------------------------------------------------------------------------------


def test_the_same_call_gets_the_same_decision() -> None:
    rows = router(routed("local/small", "openai/gpt-4o"))
    asked = asking("gpt-4o")

    first, second = decide(asked, rows), decide(asked, rows)

    assert msgspec.structs.replace(first, decide_us=0.0) == msgspec.structs.replace(second, decide_us=0.0)
    assert first.decide_us > 0


def test_a_model_asked_for_that_the_route_does_not_list_stands_by_and_answers_where_no_other_is_good_enough() -> None:
    route = routed("local/small", policy="cheapest-capable", floor=0.9)

    good = decide(asking("openai/large"), router(route, odds={"small": 0.95}))
    poor = decide(asking("openai/large"), router(route, odds={"small": 0.5}))

    assert [target.model for target in good.plan] == ["small", "large"]
    assert [target.model for target in poor.plan] == ["large", "small"]
    assert poor.verdict == "kept"


@pytest.mark.parametrize("dialect", ["cohere", "ollama"])
def test_routes_to_a_provider_whose_dialect_is_only_passed_through_are_ready_too(dialect: Any) -> None:
    providers = {
        "it": Provider("it", dialect, "http://127.0.0.1:1"),
        "o": Provider("o", "openai", "http://127.0.0.1:1"),
    }
    one = router(
        Route(match=Match(model="mine"), candidates=("it/m",), policy="ordered", mode="on"), providers=providers
    )

    rehearse(one, 0)
    assert decide(call(model="it/m", dialect="passthrough"), one).plan[0] == Target("it", "m")
