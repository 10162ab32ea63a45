"""What rules a candidate out, and which calls are bound to the model that began them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from dd0c_route.brain.capabilities import capability
from dd0c_route.config import Config, Match, Route
from dd0c_route.decide import Asking, Expected, Guard, Knowledge, Router, Views, build_router, decide
from dd0c_route.types import Call, Decision, Target, Usage
from tests.brain.test_request import CALLED, RESULT, TOOL, user
from tests.decide.test_decide import PROVIDERS
from tests.proxy.examples import call

STRONG, CHEAP, OWN = Target("openai", "gpt-4o"), Target("openai", "gpt-4o-mini"), Target("local", "acme-9")
COSTS = {STRONG.model: 100, CHEAP.model: 10, OWN.model: 1}
DEAREST = 1000
SIGNED = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "abc"}]}


def router(*candidates: str, guard: Guard | None = None, broken: bool = False, **changes: Any) -> Router:
    def views(asking: Asking, targets: Sequence[Target]) -> Views:
        if broken:
            raise RuntimeError("broken")
        return Views((0.95,) * len(targets), 0.8)

    def costs(asking: Asking, targets: Sequence[Target]) -> list[Expected]:
        tokens = len(asking.call.body) // 4
        return [Expected(COSTS.get(one.model, DEAREST), one.model not in COSTS, tokens) for one in targets]

    known = Knowledge(
        views=views, costs=costs, able=lambda target: capability(target.provider, target.model, (), None),
        kept=lambda target, usage: usage.input_total,
    )  # fmt: skip
    chosen: dict[str, Any] = {"mode": "on", "control_share": 0.0}
    route = Route(candidates=candidates, **(chosen | changes))
    return build_router(Config(providers=PROVIDERS, routes=(route,)), lambda model: (), known, guard=guard)


def asking(*messages: Any, model: str = "openai/gpt-4o", **more: Any) -> Call:
    body = {"model": model, "messages": list(messages) or [user("a")], **more}
    return call(json.dumps(body).encode(), session="s1")


def ruled_out(decision: Decision) -> dict[str, str | None]:
    return {one.target.model: one.ruled_out for one in decision.candidates}


NAMES = (
    "messages",
    "contents",
    "input",
    "prompt",
    "system",
    "tools",
    "role",
    "content",
    "parts",
    "type",
    "text",
    "source",
    "response_format",
    "text",
    "generationConfig",
    "thinking",
    "reasoning",
    "metadata",
    "user_id",
    "max_tokens",
    "n",
    "cache_control",
    "inlineData",
    "output",
    "image_url",
    "signature",
    "functionResponse",
    "modalities",
)
ALL = ("openai/gpt-4o", "openai/gpt-4o-mini", "local/acme-9")


# --- what a candidate lacks ---------------------------------------------------------------------------------------


def test_a_plain_text_may_go_to_anybody() -> None:
    decision = decide(asking(), router(*ALL))
    assert decision.plan[0] == OWN
    assert ruled_out(decision) == {"gpt-4o": None, "gpt-4o-mini": None, "acme-9": None}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"tools": [TOOL]}, "lacks tools"),
        ({"response_format": {"type": "json_schema"}}, "lacks answers by a schema"),
        ({"max_tokens": 5000}, "answers have at most 2048 tokens"),
        ({"n": 2, "logprobs": True}, "lacks logprobs, several answers"),
    ],
)
def test_what_the_request_uses_rules_out_who_is_not_known_for_it(more: dict[str, Any], why: str) -> None:
    decision = decide(asking(**more), router(*ALL))
    assert decision.plan[0] == CHEAP
    assert OWN not in decision.plan
    assert ruled_out(decision)["acme-9"] == why


def test_an_image_a_long_prompt_and_sound_rule_out_too() -> None:
    image = asking(user([{"type": "image_url", "image_url": {"url": "x"}}]))
    assert ruled_out(decide(image, router(*ALL)))["acme-9"] == "lacks vision"
    assert "too short" in str(ruled_out(decide(asking(user("word " * 5000)), router(*ALL)))["acme-9"])
    sound = decide(asking(user([{"type": "input_audio"}])), router(*ALL))
    assert sound.plan == (STRONG,)
    assert ruled_out(sound)["gpt-4o-mini"] == "lacks audio"


def test_an_image_that_a_long_conversation_no_longer_shows_is_remembered() -> None:
    rows = router(*ALL)
    first = decide(asking(user([{"type": "image_url", "image_url": {"url": "x"}}])), rows)
    rows.remember(first, first.plan[0], asking().at_ns)
    long = [user("a"), *([{"role": "assistant", "content": "Well. " * 500}, user("And? " * 500)] * 20)]
    assert ruled_out(decide(asking(*long), rows))["acme-9"] == "lacks vision"


@pytest.mark.parametrize(
    ("api", "why"),
    [("openai.embeddings", "the vectors of this model"), ("openai.completions", "completions without a chat")],
)
def test_what_only_one_model_gives_is_never_asked_of_another(api: str, why: str) -> None:
    body = json.dumps({"model": "openai/gpt-4o", "input": "a", "prompt": "a"}).encode()
    decision = decide(call(body, api=api), router(*ALL, policy="ordered"))
    assert decision.plan == (STRONG,)
    assert ruled_out(decision)["gpt-4o-mini"] == f"lacks {why}"


def test_a_count_is_of_the_model_that_is_asked_about() -> None:
    assert decide(call(asking().body, api="openai.input_tokens"), router(*ALL)).plan == (STRONG,)


def test_the_same_model_elsewhere_lacks_nothing() -> None:
    decision = decide(asking(model="local/gpt-4o", audio={}, n=3), router("local/gpt-4o", "openai/gpt-4o"))
    assert ruled_out(decision) == {"gpt-4o": None}


# --- what binds a call ----------------------------------------------------------------------------------------------

LOOP = (user("a"), CALLED, RESULT)


def test_in_a_tool_loop_the_model_asked_for_goes_on_where_nobody_knows_of_another() -> None:
    decision = decide(asking(*LOOP), router(*ALL))
    assert decision.plan == (STRONG,)
    assert decision.reason == "in a tool loop of gpt-4o"
    assert ruled_out(decision)["gpt-4o-mini"] == "in a tool loop of gpt-4o"


def test_in_a_tool_loop_who_called_the_tools_goes_on_and_the_model_asked_for_stands_by() -> None:
    rows = router(*ALL)
    first = decide(asking(tools=[TOOL]), rows)
    assert first.plan[0] == CHEAP
    rows.remember(first, CHEAP, asking().at_ns)

    decision = decide(asking(*LOOP, tools=[TOOL]), rows)

    assert decision.plan == (CHEAP, STRONG)
    assert (decision.verdict, decision.reason) == ("routed", "in a tool loop of gpt-4o-mini")


def test_of_two_conversations_with_one_opening_each_goes_on_with_whom_called_its_tools() -> None:
    rows = router(*ALL)
    first = decide(asking(tools=[TOOL]), rows)
    assert first.conversation is not None
    for target, id in ((STRONG, "c1"), (CHEAP, "c2")):  # such as a call of the control group, and a routed one
        rows.remember(first, target, asking().at_ns)
        rows.called(first, target, (id,))
    other = json.loads(json.dumps(LOOP).replace("c1", "c2"))
    unknown = json.loads(json.dumps(LOOP).replace("c1", "c3"))
    assert decide(asking(*LOOP, tools=[TOOL]), rows).plan[0] == STRONG
    assert decide(asking(*other, tools=[TOOL]), rows).plan[0] == CHEAP
    assert decide(asking(*unknown, tools=[TOOL]), rows).plan[0] == CHEAP  # whoever answered last


def test_what_a_conversation_used_rules_nobody_out_where_the_whole_request_is_seen() -> None:
    rows = router("openai/gpt-4o", "openai/gpt-4o-mini")
    sound = decide(asking(user([{"type": "input_audio"}])), rows)
    assert ruled_out(sound)["gpt-4o-mini"] == "lacks audio"
    rows.remember(sound, STRONG, asking().at_ns)
    assert ruled_out(decide(asking(user("a")), rows))["gpt-4o-mini"] is None
    long = [user("a"), *([{"role": "assistant", "content": "Well. " * 500}, user("And? " * 500)] * 20)]
    assert ruled_out(decide(asking(*long), rows))["gpt-4o-mini"] == "lacks audio"


@pytest.mark.parametrize("ladder", [{"mode": "shadow"}, {"control_share": 1.0}, {"mode": "canary", "share": 0.0}])
def test_a_loop_that_began_elsewhere_is_ended_there_whatever_the_ladder_says(ladder: dict[str, Any]) -> None:
    rows = router(*ALL, **ladder)
    rows.remember(decide(asking(tools=[TOOL]), rows), CHEAP, asking().at_ns)
    assert decide(asking(*LOOP, tools=[TOOL]), rows).plan[0] == CHEAP


@pytest.mark.parametrize(
    ("messages", "more", "why"),
    [
        ((user("a"), SIGNED, user("b")), {}, "holds thoughts that only gpt-4o can read"),
        ((user("a"),), {"previous_response_id": "r"}, "continues what a provider keeps"),
    ],
)
def test_thoughts_and_state_of_a_model_bind_to_it(messages: tuple[Any, ...], more: dict[str, Any], why: str) -> None:
    decision = decide(asking(*messages, **more), router(*ALL))
    assert (decision.plan, decision.reason) == ((STRONG,), why)


def test_where_nothing_is_chosen_the_decision_says_so() -> None:
    rows = router("openai/gpt-4o-mini")
    assert decide(asking(user("a"), CALLED, RESULT, tools=[TOOL]), rows).bound
    assert not decide(asking(user("a"), tools=[TOOL]), rows).bound


def test_what_a_reason_repeats_of_a_name_is_printable_and_no_secret() -> None:
    secret = "sk-ant-api03-" + "synthetic" * 10 + "AA"
    for name, shown in ((f"a {secret}", "a [redacted:anthropic]"), ("a\r\nb: 1", "a??b: 1")):
        one = asking(user("a"), CALLED, RESULT, tools=[TOOL], model=f"openai/{name}")
        decision = decide(one, router("local/acme-9"))
        assert decision.reason == f"in a tool loop of {shown}"
        assert ruled_out(decision)["acme-9"] == f"in a tool loop of {shown}"


def test_a_name_that_stands_for_the_candidates_binds_nothing() -> None:
    rows = router("openai/gpt-4o-mini", match=Match(model="auto"), policy="ordered")
    unpriced = Knowledge(costs=lambda asking, targets: [Expected(1, target.model == "auto") for target in targets],
                         able=rows.known.able)  # fmt: skip
    rows = build_router(Config(providers=PROVIDERS, routes=(rows.routes[0].settings,)), lambda model: (), unpriced)
    assert decide(asking(*LOOP, model="auto"), rows).plan == (CHEAP,)


def test_off_is_off_whatever_was_answered_before() -> None:
    rows = router(*ALL)
    rows.remember(decide(asking(), rows), CHEAP, asking().at_ns)
    off = call(asking(*LOOP).body, session="s1", route_off=True)
    assert (decide(off, rows).plan, decide(off, rows).verdict) == ((STRONG,), "pinned")


# --- a brain that is off, fails or is slow ----------------------------------------------------------------------------


@pytest.mark.parametrize("guard", [Guard(enabled=False), Guard(switched_on=lambda: False)])
def test_while_the_brain_is_off_the_model_asked_for_is_called(guard: Guard) -> None:
    decision = decide(asking(), router(*ALL, guard=guard))
    assert (decision.plan, decision.verdict) == ((STRONG,), "kept")
    assert "off" in decision.reason


def test_when_the_brain_fails_the_model_asked_for_is_called_and_then_it_rests() -> None:
    rows = router(*ALL, broken=True, guard=Guard())
    decisions = [decide(asking(), rows) for _ in range(4)]
    assert all(one.plan[0] == STRONG and one.verdict == "kept" for one in decisions)
    assert [one.fault for one in decisions] == ["it failed: RuntimeError"] * 3 + ["it rests after 3 faults"]


def test_a_decision_that_took_too_long_is_followed_since_it_is_there_and_says_so() -> None:
    decision = decide(asking(), router(*ALL, guard=Guard(budget_us=0)))
    assert (decision.plan[0], decision.verdict) == (OWN, "routed")
    assert decision.fault is not None
    assert decision.fault.startswith("it took ")


def test_slow_decisions_rest_the_predictor() -> None:
    rows = router(*ALL, guard=Guard(budget_us=0))
    decisions = [decide(asking(), rows) for _ in range(4)]
    assert [one.plan[0] for one in decisions] == [OWN, OWN, OWN, STRONG]
    assert decisions[-1].fault == "it rests after 3 faults"
    assert all(one.p_good is None for one in decisions[-1].candidates if not one.asked)


@pytest.mark.parametrize("policy", ["ordered", "pinned", "weighted"])
def test_a_policy_that_needs_no_odds_decides_without_the_predictor_too(policy: str) -> None:
    whole = router("local/acme-9", "openai/gpt-4o-mini", policy=policy)
    broken = router("local/acme-9", "openai/gpt-4o-mini", policy=policy, broken=True)
    for _ in range(5):
        decision = decide(asking(model="auto"), broken)
        assert decision.plan[0] == decide(asking(model="auto"), whole).plan[0]
        assert decision.fault is not None


@pytest.mark.parametrize("policy", ["cheapest-capable", "budget", "risk-bound", "cascade"])
def test_without_the_predictor_an_alias_means_the_first_candidate_that_may_answer(policy: str) -> None:
    rows = router("openai/gpt-4o-mini", "local/acme-9", policy=policy, usd_per_hour=1.0, broken=True)
    for _ in range(5):
        assert decide(asking(model="auto"), rows).plan[0] == CHEAP


def test_an_alias_has_no_model_asked_for_that_a_control_group_could_keep() -> None:
    rows = router("openai/gpt-4o-mini", policy="ordered", control_share=1.0)
    alias, named = decide(asking(model="auto"), rows), decide(asking(model="openai/gpt-4o"), rows)
    assert (alias.plan, alias.control) == ((CHEAP,), False)
    assert (named.plan, named.control) == ((STRONG,), True)


def test_an_alias_outside_of_the_canary_share_means_the_first_candidate() -> None:
    rows = router("openai/gpt-4o-mini", "local/acme-9", mode="canary", share=0.0, floor=0.0)
    assert decide(asking(model="auto"), rows).plan[0] == CHEAP


def test_whatever_fails_an_alias_is_answered() -> None:
    def broken(*given: object) -> Any:
        raise RuntimeError("broken")

    rows = router("openai/gpt-4o-mini", "local/acme-9", policy="ordered")
    rows = structs.replace(rows, known=structs.replace(rows.known, costs=broken, able=broken))
    decision = decide(asking(model="auto"), rows)
    assert decision.plan == (CHEAP, OWN)
    assert decision.fault == "it failed: RuntimeError"
    assert decide(asking(), rows).plan == (STRONG,)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_what_a_provider_keeps_is_remembered_by_what_was_used() -> None:
    rows = router(*ALL)
    decision = decide(asking(), rows)
    assert decision.conversation is not None
    rows.remember(decision, CHEAP, asking().at_ns, Usage(input=2000))
    session = rows.sessions.of(decision.conversation.key, asking().at_ns)
    assert session is not None
    assert session.warm[CHEAP].tokens == 2000


# --- whatever a client sends ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8))
@example({"thinking": {"type": []}})
@settings(max_examples=300)
def test_no_body_makes_the_brain_fail(body: dict[str, Any]) -> None:
    sent = call(json.dumps({**body, "model": "openai/gpt-4o"}).encode(), headers=[(b"x-dd0c-kind", b"\xff")])
    assert decide(sent, router(*ALL)).fault is None


# --- second tries -----------------------------------------------------------------------------------------------------


def test_a_target_that_seldom_answers_costs_what_answers_in_its_place() -> None:
    rows = router(*ALL)
    known = structs.replace(rows.known, failing=lambda target, at_ns: 0.4 if target == CHEAP else 0.0)
    decision = decide(asking(), structs.replace(rows, known=known))
    assert {one.target: (one.expected_cost, one.failing) for one in decision.candidates} == {
        STRONG: (100, 0.0), CHEAP: (46, 0.4), OWN: (1, 0.0),
    }  # fmt: skip


def test_an_outage_of_the_cheapest_makes_another_the_cheapest() -> None:
    rows = router(*ALL)
    rows = structs.replace(rows, known=structs.replace(rows.known, failing=rows.failures.share))
    assert decide(asking(), rows).plan[0] == OWN
    for _ in range(10):
        rows.failures.tried(OWN, asking().at_ns, failed=True)
    assert decide(asking(), rows).plan[0] == CHEAP


@pytest.mark.parametrize(("asked_failing", "cheap"), [(0.0, 46), (0.4, 10), (0.9, 10)])
def test_while_a_provider_is_down_its_cheap_models_stay_cheap(asked_failing: float, cheap: int) -> None:
    rows = router(*ALL)
    shares = {STRONG: asked_failing, CHEAP: 0.4}
    known = structs.replace(rows.known, failing=lambda target, at_ns: shares.get(target, 0.0))
    decision = decide(asking(), structs.replace(rows, known=known))
    assert {one.target: one.expected_cost for one in decision.candidates} == {STRONG: 100, CHEAP: cheap, OWN: 1}


def test_what_fails_elsewhere_is_paid_as_often_as_the_model_asked_for_then_answers() -> None:
    rows = router(*ALL)
    known = structs.replace(rows.known, failing=lambda target, at_ns: 0.5)
    decision = decide(asking(), structs.replace(rows, known=known))
    costs = {one.target: one.expected_cost for one in decision.candidates}
    assert costs == {STRONG: 100, CHEAP: 10, OWN: 1 + round((0.5 - 0.25) / 0.75 * 99)}


@given(st.floats(0, 1), st.floats(0, 1))
def test_an_answer_costs_between_its_own_and_that_of_the_model_asked_for(one: float, other: float) -> None:
    rows = router(*ALL)
    known = structs.replace(rows.known, failing=lambda target, at_ns: one if target == STRONG else other)
    for candidate in decide(asking(), structs.replace(rows, known=known)).candidates:
        assert candidate.expected_cost is not None
        assert COSTS[candidate.target.model] <= candidate.expected_cost <= 100
