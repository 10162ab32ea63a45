"""The bill of one call: exactly one entry, however the call is left.

    with Bill(request, client, runtime, deliveries) as bill:
        ...

What must happen on the way out is synchronous, so a cancelled call still does it. The entry is journaled before the
answer's last write, on the assumption that the client gets it all; when the socket has drained or closed, a delivery
record confirms that or corrects it (`Deliveries`).
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal

from msgspec import structs, to_builtins

from dd0c_route.clock import rfc3339
from dd0c_route.errors import RouteError, UpstreamStale
from dd0c_route.ledger.money import UNKNOWN, prices_of, usage_cost, with_unused
from dd0c_route.proxy.bodies import Copy, Over
from dd0c_route.proxy.call import MODEL_CHARS, session_of
from dd0c_route.proxy.charges import charge, charged_fields, decision_record, shown_cost, with_charges
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.counts import LOCAL
from dd0c_route.proxy.delivery import Deliveries
from dd0c_route.proxy.prompt_secrets import Pasted
from dd0c_route.proxy.server import Inbound
from dd0c_route.proxy.statement import AT_ONCE, Account, Counting, Facts, account, counted
from dd0c_route.redact import redact_label
from dd0c_route.runtime import Runtime
from dd0c_route.types import (
    Attempt,
    Call,
    Count,
    Decision,
    Delivery,
    Dialect,
    EndState,
    Entry,
    Intent,
    Secret,
    Target,
    Usage,
)
from dd0c_route.upstream import Marks
from dd0c_route.wire.meter import Meter
from dd0c_route.wire.show_cost import Cost
from dd0c_route.wire.stored import is_stored

_NOTHING = Account(Usage(), "none", None, 0, 0, 0, None)
_WHOLE = Facts(
    sent=True, status=200, meter=None, answered=True, delivered_bytes=0, body_bytes=0, whole_json=True
)  # of an answer that came whole
_BY_US = frozenset(("client_gone", "timed_out", "shut_down", "internal"))
"""The endings in which it was the router that closed the provider's connection."""


class Bill:
    """Gathers what happens to a call, and writes it down once.

    Attributes:
        call: None until the request was read.
        status: What the client was answered, 0 while nothing was.
    """

    call: Call | None = None
    decision: Decision | None = None
    pasted: Pasted | None = None
    copy: Copy | None = None  # of both bodies, where they are stored
    status = 0
    ttft_ns: int | None = None
    _session: str | None = None
    _sent: Call | None = None  # the call as the provider got it, which is what is counted
    _target: Target | None = None
    _marks: Marks | None = None
    _unended: Marks | None = None  # of a try that was still running when the entry was written
    _tried_ns = 0
    _meter: Meter | None = None
    _answered = False
    _unanswered = False
    _status_of_try: int | None = None
    _whole_json = False
    _intended = False
    _entry: Entry | None = None
    _counted: Count | None = None

    def __init__(
        self, request: Inbound, dialect: Dialect, api: str, key_id: str | None, client: Client, runtime: Runtime,
        deliveries: Deliveries,
    ) -> None:  # fmt: skip
        self._request = request
        self._at = rfc3339(request.at_ns)
        self._dialect: Dialect = dialect
        self._api = api
        self._client = client
        self._runtime = runtime
        self._deliveries = deliveries
        self._attempts: list[Attempt] = []
        self._unheard: list[tuple[int, Target]] = []  # tries that were sent and never answered, by their number
        self.key_id = key_id

    # --- along the way ------------------------------------------------------------------------------------

    def read(self, call: Call) -> None:
        """The request was read, and is *call*."""
        self.call, self._session = call, session_of(call)

    def decide(self, decision: Decision) -> None:
        """The call goes out as *decision* says: its route's budget is charged what that will probably cost."""
        self.decision = decision
        self._runtime.router.moments.began(decision)

    def asking(self, sent: Call, dropped: tuple[str, ...]) -> None:
        """The next try goes out as *sent*, without what *dropped* names; the entry says so of the last one."""
        self._sent = sent
        self.dropping(dropped)

    def dropping(self, dropped: tuple[str, ...]) -> None:
        """This is all that is left out on the way to the provider and back, so far."""
        if self.decision is not None and dropped != self.decision.dropped:
            self.decision = structs.replace(self.decision, dropped=dropped)

    def trying(self, target: Target) -> Marks:
        """A try at *target* begins. The first one is journaled before a byte goes out.

        Raises:
            JournalError: The call could not be accounted for, so it must not be made.
        """
        self._target = target
        if not self._intended:
            self._runtime.journal.intent(self._intent(target))
            self._intended = True
            if self.call is not None and self.call.stream:
                self._deliveries.expect(target.model)
        self._tried_ns = self._runtime.clock.ticks_ns()
        self._marks = marks = Marks()
        return marks

    def failed(self, status: int | None, error: str) -> None:
        """The try that began last has failed, and another one may follow."""
        if self._target is not None and error != UpstreamStale.code:
            self._runtime.router.failures.tried(self._target, self._request.at_ns, failed=True)
        self.tried(status, error)

    def tried(self, status: int | None, error: str | None) -> None:
        """The try that began last has ended, well or badly."""
        marks, target = self._marks, self._target
        if marks is None or target is None:
            return
        self._unanswered = marks.sent and status is None
        if self._unanswered and error != UpstreamStale.code:
            self._unheard.append((len(self._attempts), target))
        self._attempts.append(self._attempt(marks, target, status, error))
        self._marks = None

    def unused(self, status: int, meter: Meter, why: str) -> None:
        """The try that began last was answered, and its answer is paid and not handed on."""
        call, target = self._sent, self._target
        assert call is not None and target is not None  # noqa: S101, PT018 - a try has both
        self.tried(status, why)
        facts = structs.replace(_WHOLE, status=status, meter=meter)
        used = account(call, target, facts)
        usage = used.priced or used.usage
        tier = meter.reported.service_tier if meter.reported is not None else None
        price, _ = prices_of(self._runtime.price, target, meter.served_model or target.model, None, call.at_ns, tier)
        paid = usage_cost(usage, price)
        self._attempts[-1] = structs.replace(self._attempts[-1], usage=usage, cost_picodollars=paid)

    def used_after_all(self, index: int) -> None:
        """The answer of attempt *index* is handed on, although it failed checks: its cost is the call's own."""
        self._attempts[index] = structs.replace(self._attempts[index], usage=None, cost_picodollars=None)

    @property
    def tries(self) -> int:
        """How many have ended."""
        return len(self._attempts)

    def answering(self, target: Target, status: int, meter: Meter, *, whole_json: bool) -> None:
        """The answer of *target* is the one that the client gets; *meter* reads along."""
        self._target = target
        self.status = self._status_of_try = status
        self._meter = meter
        self._whole_json = whole_json
        if status < 400:
            self._runtime.router.remember(self.decision, target, self._request.at_ns)
        failed = status == 429 or status >= 500
        self._runtime.router.failures.tried(target, self._request.at_ns, failed=failed)

    def counted(self, target: Target, count: Count) -> None:
        """The answer is the router's own: how long the prompt is. No provider is asked."""
        self._target, self._counted, self.status = Target(LOCAL, target.model), count, 200

    def listed(self) -> None:
        """The answer is the router's own list of models."""
        self._target, self.status = Target(LOCAL, ""), 200

    @property
    def outcome(self) -> tuple[Call, Target, Entry, Meter] | None:
        """The call, who served it, what was written down of it and what was read of the answer; None without one."""
        if self.call is None or self._target is None or self._entry is None or self._meter is None:
            return None
        return self.call, self._target, self._entry, self._meter

    @property
    def spoken(self) -> Over | None:
        """Both bodies, where they are stored."""
        if self.call is None or self.copy is None:
            return None
        is_all = self._entry is not None and self._entry.end_state == "complete"
        return Over(self.call, self.copy, self._meter, None if is_all else self._client.handed)

    @property
    def sent(self) -> Call | None:
        """The call as the provider got it."""
        return self._sent

    def overhead_ms(self) -> float:
        """The router's own time, from the whole request to the first byte sent upstream."""
        first = self._attempts[0].started_ms if self._attempts else None
        if first is None and self._marks is not None:
            first = self._ms(self._marks.sent_at)
        return first or 0.0

    def cost_so_far(self) -> Cost | None:
        """What the call costs if it ends here and the client gets all of it; None without a price."""
        offered = self._client.offered
        return shown_cost(self._entry_for("complete", None, offered, offered, answered=True))

    # --- the way out ----------------------------------------------------------------------------------------

    def settle(self, end_state: EndState, error: str | None = None, *, answered: bool = False, more: int = 0) -> Entry:
        """Write the entry, once; later calls change nothing.

        Call it before the answer's last write; *more* is the size of that write, which a client that is there is
        assumed to get. *answered*: the provider's answer came whole.
        """
        if self._entry is None:
            if (marks := self._marks) is not None:
                self.tried(self._status_of_try, error)
                self._unended = marks if marks.outcome is None else None
            self._answered = answered
            client = self._client
            delivered_bytes = client.delivered() if client.gone else client.offered + more
            entry = self._entry_for(end_state, error, delivered_bytes, client.offered + more, answered=answered)
            self._runtime.journal.settle(entry)
            self._entry = entry  # from here on; what failed before is tried again on the way out
            try:
                self._deliveries.watch(client, self)
            except BaseException:  # nobody else will say what arrived: no more than has by now
                self._runtime.journal.deliver(self.delivered(client.delivered()))
                raise
            self._runtime.router.moments.ended(self.decision, self._entry.cost_billable_picodollars)
            if self._target is not None and self._entry.usage_source == "provider_final":
                self._runtime.router.remember(self.decision, self._target, self._request.at_ns, self._entry.usage)
            self._remember_keeper()
            if self._target is not None and self._meter is not None:
                self._runtime.router.called(self.decision, self._target, self._meter.call_ids)
        return self._entry

    def _remember_keeper(self) -> None:
        """The answer may be gone on with, and only its provider has it."""
        call, meter, target = self.call, self._meter, self._target
        if call is not None and meter is not None and target is not None and meter.kept_as and is_stored(call.fields):
            for name in meter.kept_as:
                self._runtime.kept.remember(name, target)

    def __enter__(self) -> Bill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._settle_for(error)
        except BaseException:
            if self._entry is None:  # the account itself fails: then the entry says at least that there was a call
                self._settle_without_account()
            raise

    def _settle_for(self, error: BaseException | None) -> None:
        if isinstance(error, RouteError):
            if not (self._client.committed or self._client.gone):
                self.status = error.status
            self.settle(error.end_state, error.code)
        elif isinstance(error, asyncio.CancelledError):
            self.settle("shut_down", "shut_down")
        else:
            self.settle("internal", "internal_error" if error is not None else "no_answer")

    def _settle_without_account(self) -> None:
        target, client = self._target, self._client
        self._entry = Entry(
            id=self._request.id,
            at=self._at,
            dialect=self._dialect,
            api=self._api,
            provider=target.provider if target is not None else "",
            requested_model=redact_label(self.call.model) if self.call is not None else "",
            served_model=redact_label(target.model) if target is not None else "",
            stream=self.call.stream if self.call is not None else False,
            status=self.status,
            end_state="internal",
            error="internal_error",
            attempts=tuple(self._attempts),
            usage=Usage(),
            usage_source="none",
            delivered_bytes=client.offered,
            unpriced=target is not None,
            key_id=self.key_id,
        )
        self._runtime.journal.settle(self._entry)
        self._runtime.journal.deliver(Delivery(self._request.id, {}))

    def is_estimated(self, delivered_bytes: int) -> bool:
        """Whether the account of so many delivered bytes rests on an estimate that a thread could make better."""
        entry = self._entry
        if entry is None or self.call is None or self.call.method != "POST" or self._counted is not None:
            return False
        return entry.error_band is not None or (delivered_bytes != entry.delivered_bytes and self._meter is not None)

    def delivered(self, delivered_bytes: int, counting: Counting = AT_ONCE) -> Delivery:
        """The socket has drained or closed: confirm the entry, or correct it by what really arrived.

        Args:
            counting: Another one than the settlement's may block, and belongs in a thread.
        """
        entry = self._entry
        ended = self._end_of_try()
        if entry is None or (delivered_bytes == entry.delivered_bytes and counting is AT_ONCE):
            return Delivery(self._request.id, {"attempts": to_builtins(self._attempts)} if ended else {})
        whole = max(self._client.offered, entry.delivered_bytes)
        lost_some = delivered_bytes < whole and entry.end_state == "complete"
        end_state: EndState = "client_gone" if lost_some else entry.end_state
        offered, answered = self._client.offered, self._answered
        after = self._entry_for(
            end_state,
            entry.error,
            delivered_bytes,
            offered,
            answered=answered,
            counting=counting,
        )
        old, new = to_builtins(entry), to_builtins(after)
        changes = {name: value for name, value in new.items() if value != old[name] and name != "duration_ms"}
        return Delivery(entry.id, changes)

    def credential(self) -> Secret | None:
        """The caller's."""
        return self._request.credential()

    def _end_of_try(self) -> bool:
        """Note how the last try ended where that was not known yet: a stream is settled before its last bytes."""
        marks, target = self._unended, self._target
        if marks is None or target is None or marks.outcome is None:
            return False
        last = self._attempts[-1]
        self._attempts[-1] = self._attempt(marks, target, last.status, last.error)
        self._unended = None
        return True

    # --- making the records -----------------------------------------------------------------------------------

    def _attempt(self, marks: Marks, target: Target, status: int | None, error: str | None) -> Attempt:
        return Attempt(
            target=redact_label(str(target)),
            started_ms=self._ms(marks.sent_at or self._tried_ns) or 0.0,
            first_byte_ms=self._ms(marks.first_byte_at),
            ended_ms=self._ms(marks.ended_at or self._runtime.clock.ticks_ns()),
            status=status,
            error=error,
            connection=f"{'reused' if marks.reused else 'new'}:{marks.outcome or 'aborted'}",
        )

    def _intent(self, target: Target) -> Intent:
        call = self.call
        assert call is not None  # noqa: S101 - nothing is tried before the request was read
        return Intent(
            id=call.id,
            at=self._at,
            dialect=call.dialect,
            api=call.api,
            requested_model=redact_label(call.model),
            provider=target.provider,
            served_model=redact_label(target.model),
            stream=call.stream,
            session=self._session,
            tags=call.tags,
            key_id=call.key_id,
        )

    def _entry_for(
        self, end_state: EndState, error: str | None, delivered_bytes: int, body_bytes: int, *, answered: bool,
        counting: Counting = AT_ONCE,
    ) -> Entry:  # fmt: skip
        call, target = self.call, self._target
        meter = self._meter if call is not None and call.method == "POST" else None  # a GET repeats what was billed
        reported = meter.reported if meter is not None else None
        used, amounts = _NOTHING, None
        attempts = tuple(self._attempts)
        served = target.model if target is not None else ""
        if call is not None and target is not None:
            facts = self._facts(target, meter, delivered_bytes, body_bytes, answered, end_state)
            sent = self._sent or call
            used = account(sent, target, facts, counting) if self._counted is None else counted(self._counted)
            if meter is not None and meter.served_model:
                served = meter.served_model[:MODEL_CHARS]
            if call.method == "POST":
                asked = self.decision.asked if self.decision is not None else None
                amounts = charge(call, target, served, used, reported, asked, self._runtime.price)
                attempts = self._charged(call, counting)
                amounts = with_unused(amounts, attempts)
        spent = amounts or UNKNOWN
        return Entry(
            id=self._request.id,
            at=self._at,
            dialect=self._dialect,
            api=self._api,
            provider=target.provider if target is not None else "",
            requested_model=redact_label(call.model) if call is not None else "",
            served_model=redact_label(served),
            stream=call.stream if call is not None else False,
            status=self.status,
            end_state=end_state,
            error=error,
            attempts=attempts,
            delivered_bytes=delivered_bytes,
            unpriced=amounts is not None and amounts.cost is None,
            baseline_picodollars=spent.baseline,
            saved_picodollars=spent.saved,
            decision=decision_record(self.decision),
            session=self._session,
            tags=call.tags if call is not None else {},
            key_id=self.key_id,
            ttft_ms=self._ms(self.ttft_ns),
            duration_ms=self._ms(self._runtime.clock.ticks_ns()) or 0.0,
            overhead_ms=self.overhead_ms(),
            baseline_price=spent.baseline_price,
            credential=self._credential(),
            prompt_secrets=self.pasted.rules if self.pasted is not None else {},
            prompt_secrets_were=self.pasted.done if self.pasted is not None else None,
            **charged_fields(used, spent, reported, attempts),
        )

    def _credential(self) -> Literal["stored", "caller", "subscription"] | None:
        """Whose account the provider bills: of a subscription the cost is what the same would cost by the token."""
        line = self._runtime.lines.get(self._target.provider) if self._target is not None else None
        if self.call is None or line is None or line.provider.simulated:
            return None
        if line.provider.has_key:
            return "stored"
        return "subscription" if self.call.subscription is not None else "caller"

    def _facts(
        self, target: Target, meter: Meter | None, delivered_bytes: int, body_bytes: int, answered: bool,
        end_state: EndState,
    ) -> Facts:  # fmt: skip
        line = self._runtime.lines.get(target.provider)
        return Facts(
            sent=self._unanswered or meter is not None,
            status=self._status_of_try or 0,
            meter=meter,
            answered=answered,
            delivered_bytes=delivered_bytes,
            body_bytes=body_bytes,
            whole_json=self._whole_json,
            aborted=not answered and end_state in _BY_US,
            billed=line.provider.billed_after_abort if line is not None else "unknown",
        )

    def _charged(self, call: Call, counting: Counting) -> tuple[Attempt, ...]:
        """The attempts, with what those may cost that another one's answer left behind."""
        unheard = self._unheard
        if self._meter is None and self._unanswered:
            unheard = unheard[:-1]  # the account is of that very try
        if not unheard:
            return tuple(self._attempts)
        return with_charges(self._attempts, unheard, call, counting, self._runtime.price)

    def _ms(self, ticks_ns: int | None) -> float | None:
        """Milliseconds since the call's start, to the microsecond."""
        return None if ticks_ns is None else (ticks_ns - self._request.started_ns + 500) // 1000 / 1000
