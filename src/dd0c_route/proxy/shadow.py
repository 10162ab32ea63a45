"""What routes learn from calls that are over: the form of their answers, and what the other model would have said.

Nothing here delays a call: it begins when the client has its answer. Shadow calls are a sample (`shadow_share`), paid
from a budget (`shadow_usd_per_day`), at providers whose key is ours to use. Texts are compared in memory and forgotten.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct, structs

from dd0c_route.brain.checks import Said, agree
from dd0c_route.brain.request import asked as read
from dd0c_route.clock import rfc3339
from dd0c_route.decide import share_of
from dd0c_route.decide.router import CompiledRoute
from dd0c_route.errors import JournalError, NotFound
from dd0c_route.ledger.money import usage_cost
from dd0c_route.ledger.purses import most_at_once
from dd0c_route.proxy import judge
from dd0c_route.proxy.aside import Aside, ask_aside
from dd0c_route.proxy.form import checks_of, form_label
from dd0c_route.redact import redact_label
from dd0c_route.redact.log import log
from dd0c_route.runtime import Runtime
from dd0c_route.types import EXPLORED, Call, Decision, Entry, Label, PicoUSD, Target, Usage
from dd0c_route.wire.answer import Output
from dd0c_route.wire.meter import Meter

MOST_BYTES = 1 << 20  # of an answer that is looked at
MOST_AT_ONCE = 4  # of a worker; more are left out
_CHARS_A_TOKEN = 3  # of ordinary text at least
_ONCE_ONLY = frozenset(("state", "server_tools"))  # what a second call would do a second time


class Over(Struct, frozen=True):
    """A call that is over, as its bill tells it; *served*: whose answer the client got."""

    call: Call
    decision: Decision
    served: Target
    entry: Entry
    meter: Meter


class Shadows:
    """One worker's.

    Attributes:
        skipped: Sampled calls that were not compared: too many at once, or not enough money left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.skipped = 0
        self._loop = loop
        self._running: set[asyncio.Task[None]] = set()
        self._hopeless: set[str] = set()  # routes of which it was said

    def look(self, over: Over, runtime: Runtime) -> None:
        """Label the answer's form, and have the call compared if it is of the sample."""
        entry, decision = over.entry, over.decision
        if decision.route is None or decision.route_id is None or entry.end_state != "complete" or entry.status != 200:
            return
        if entry.delivered_bytes > MOST_BYTES:
            return
        output = over.meter.output_at()
        checks = checks_of(over.call, output, entry.usage)
        if not checks:
            return  # no API whose answers are read
        runtime.journal.label(form_label(over.call, checks, rfc3339(runtime.clock.wall_ns())))
        route = next((one for one in runtime.router.routes if one.id == decision.route_id), None)
        if route is None or share_of(over.call.id, "shadow") >= route.settings.shadow_share:
            return
        choice = decision.shadow if decision.shadow is not None else over.served
        if decision.asked is not None and choice == decision.asked:  # no worse than itself
            runtime.journal.label(_label(over.call, runtime, choice, 1.0, "same"))
        if (other := other_of(decision, over.served)) is not None:
            self._begin(over, other, output, route, runtime)

    async def close(self) -> None:
        """Ask nobody any more; what runs is given up, and its entry says so."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(list(self._running), timeout=1.0)

    def _begin(self, over: Over, other: Target, output: Output, route: CompiledRoute, runtime: Runtime) -> None:
        if not _may_ask(over.call, other, runtime):
            return
        expected = _expected_cost(over, other, output, runtime)
        money = Money(route.id, route.settings.shadow_usd_per_day, expected)
        if len(self._running) >= MOST_AT_ONCE or not money.take(runtime):
            self.skipped += 1
            self._say_if_hopeless(money)
            return
        task = self._loop.create_task(_compare(over, other, output, money, runtime))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _say_if_hopeless(self, money: Money) -> None:
        """Once for each route: its budget does not even pay for one comparison."""
        if money.expected > most_at_once(money.usd_per_day) and money.route not in self._hopeless:
            self._hopeless.add(money.route)
            cost = f"a comparison costs ${money.expected / 1e12:.2g}, and at once a quarter of the budget can be spent"
            log("shadow_unaffordable", "warning", source=money.route, reason=cost, fix="raise shadow_usd_per_day")

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log("shadow_failed", "warning", reason=f"{type(error).__name__}: this call is not compared")


class Money(Struct):
    """Of the budget of *route*, for one comparison.

    Attributes:
        expected: Picodollars that it will probably cost; they are taken before it begins.
        spent: What it has cost until now.
    """

    route: str
    usd_per_day: float
    expected: PicoUSD
    spent: PicoUSD = 0

    def take(self, runtime: Runtime) -> bool:
        """Whether the budget pays for it."""
        return runtime.purses.take(self.route, self.usd_per_day, self.expected, runtime.clock.wall_ns())

    def pay(self, target: Target, aside: Aside, runtime: Runtime) -> None:
        """*target* was asked. Without a price, as a judge may be, it counts as the dearest of its provider."""
        cost = aside.cost
        if cost is None and aside.usage != Usage():
            cost = usage_cost(aside.usage, runtime.catalog.worst_case(target.provider, runtime.clock.wall_ns()))
        self.spent += cost or 0

    def settle(self, runtime: Runtime) -> None:
        """It is over."""
        now_ns = runtime.clock.wall_ns()
        runtime.purses.settle(self.route, self.usd_per_day, self.expected, self.spent, now_ns)


def other_of(decision: Decision, served: Target) -> Target | None:
    """Who else is to answer, so that the policy's choice and the model asked for can be compared.

    Where the choice came to the model asked for, the cheapest other candidate: else a policy that trusts nobody would
    never learn whom it may trust. None where there is nobody.
    """
    asked = decision.asked
    if asked is None:
        return None
    if served != asked:
        return asked
    if decision.shadow not in (None, asked):
        return decision.shadow
    fit = [one for one in decision.candidates if one.ruled_out is None and not one.asked and not one.unpriced]
    return min(fit, key=lambda one: one.expected_cost or 0).target if fit else None


def _may_ask(call: Call, other: Target, runtime: Runtime) -> bool:
    """Our own key pays, at a known price, and asking twice does nothing twice."""
    try:
        provider = runtime.line(other.provider).provider
    except NotFound:
        return False
    if not provider.has_key and not provider.simulated:
        return False
    if runtime.price(other.provider, other.model, call.at_ns, None) is None:
        return False
    return not read(call).uses & _ONCE_ONLY


def _expected_cost(over: Over, other: Target, output: Output, runtime: Runtime) -> PicoUSD:
    """What asking *other* and the judge will probably cost, in picodollars."""
    seen = (one.expected_cost for one in over.decision.candidates if one.target == other)
    cost = next(seen, None) or over.entry.cost_picodollars or 0
    if (model := runtime.config.judge.model) is None:
        return cost
    judged = Target(*model.split("/", 1))
    chars = min(2 * len(output.text), 2 * judge.MOST_CHARS) + len(read(over.call).turn)
    usage = Usage(judge.FRAME_TOKENS + chars // _CHARS_A_TOKEN, output=judge.VERDICT_TOKENS)
    price = runtime.price(judged.provider, judged.model, over.call.at_ns, None)
    return cost + 2 * (usage_cost(usage, price) or 0)


async def _compare(over: Over, other: Target, output: Output, money: Money, runtime: Runtime) -> None:
    """Compare what *other* would have said, and settle what that cost; what was given up is taken as expected."""
    try:
        await _compared(over, other, output, money, runtime)
    except asyncio.CancelledError:
        money.spent = max(money.spent, money.expected)
        raise
    finally:
        money.settle(runtime)


async def _compared(over: Over, other: Target, output: Output, money: Money, runtime: Runtime) -> None:
    """Ask *other*, have both answers compared, and label the one that is not the model asked for."""
    decision = over.decision
    call = structs.replace(over.call, may_drop=True) if decision.may_drop else over.call
    try:
        aside = await ask_aside(call, other, call.id, f"shadow of {call.id}", runtime)
        money.pay(other, aside, runtime)
        if aside.output is None:
            return
        assert decision.asked is not None  # noqa: S101 - else there is nobody to compare with
        is_asked = over.served == decision.asked
        served = Aside(output, over.entry.usage, None)
        asked, chosen = (served, aside) if is_asked else (aside, served)
        found = _by_form(call, asked, chosen)
        if found is None:
            found = await _by_judge(call, asked, chosen, money, runtime)
    except JournalError:
        return  # it could not be accounted for
    if found is not None:
        score, source = found
        is_choice = not is_asked or other == decision.shadow
        target = other if is_asked else over.served
        runtime.journal.label(_label(call, runtime, target, score, source if is_choice else f"{EXPLORED}{source}"))


def _by_form(call: Call, asked: Aside, chosen: Aside) -> tuple[float, str] | None:
    """Score and source, where the form of the answers decides; None where both are as they should and differ."""
    assert asked.output is not None and chosen.output is not None  # noqa: S101, PT018 - both answered
    good, other = (
        all(checks_of(call, one, usage).values())
        for one, usage in ((asked.output, asked.usage), (chosen.output, chosen.usage))
    )
    if good != other or not good:
        return (0.0 if good else 1.0), "check"
    same = agree(Said(asked.output.text), Said(chosen.output.text)) and asked.output.tools == chosen.output.tools
    return (1.0, "agreement") if same else None


async def _by_judge(
    call: Call, asked: Aside, chosen: Aside, money: Money, runtime: Runtime
) -> tuple[float, str] | None:  # fmt: skip
    """The same by the judge, if there is one; without it the form is all that is known."""
    model = runtime.config.judge.model
    if model is None:
        return 1.0, "check"
    target = Target(*model.split("/", 1))
    dialect = runtime.router.spoken(target.provider)
    texts = [_text(one) for one in (asked, chosen)]
    said: list[judge.Verdict] = []
    for first, second in (texts, reversed(texts)):
        question = judge.judge_call(call, dialect, target, read(call).turn, first, second)
        answer = await ask_aside(question, target, call.id, f"judge of {call.id}", runtime)
        money.pay(target, answer, runtime)
        found = judge.verdict(answer.output.text) if answer.output is not None else None
        if found is None:
            return None
        said.append(found)
    return judge.score(*said), "judge"


def _text(one: Aside) -> str:
    assert one.output is not None  # noqa: S101 - it answered
    return "\n".join(part for part in (one.output.text, one.output.tools) if part)


def _label(call: Call, runtime: Runtime, target: Target, score: float, source: str) -> Label:
    at = rfc3339(runtime.clock.wall_ns())
    return Label(score, source, "shadow", at, redact_label(str(target)), id=call.id)
