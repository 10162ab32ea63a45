"""Answers that are checked before the client sees one: read whole, and good enough or not.

Only JSON answers without a content coding, which are held anyway. One that is too long to be held is handed on as it
is: nobody pays twice for an answer because it was long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct, structs

from dd0c_route.brain.checks import Said, Verdict, agree, check, expected, said
from dd0c_route.brain.checks.odds import AGREEMENT, Rates
from dd0c_route.proxy.bill import Bill
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.headers import Headers
from dd0c_route.proxy.relay import HOLD_BYTES
from dd0c_route.proxy.translate import Crossing
from dd0c_route.types import Call, Decision, Entry, Target
from dd0c_route.upstream import Reply
from dd0c_route.wire.meter import Meter, meter_for

_UNREADABLE = Verdict(failed=("readable",), passed=())


class Doubtful(Struct, frozen=True):
    """An answer that failed its checks, or is to be compared with another; it is handed on where no better one comes.

    Attributes:
        attempt: Which of the call's tries it answered.
        answer: What it says; None where it cannot be read.
        again: It passed: its target is asked again, and has to say the same.
        dropped: What was left out in translation.
    """

    target: Target
    headers: Headers
    status: int
    body: bytes
    meter: Meter
    attempt: int
    answer: Said | None
    again: bool
    dropped: tuple[str, ...] = ()

    def translated(self, across: Crossing) -> Doubtful:
        """The same in the caller's dialect."""
        status, body = across.whole(self.status, self.body)
        headers = across.headers(self.headers, streamed=False)
        return structs.replace(self, status=status, body=body, headers=headers, dropped=across.dropped)

    def hand_on(self, client: Client, bill: Bill, headers: Callable[[Entry | None], Headers]) -> None:
        """This is the answer after all: what came later was worse."""
        bill.used_after_all(self.attempt)
        bill.dropping(self.dropped)
        bill.answering(self.target, self.status, self.meter, whole_json=True)
        entry = bill.settle("complete", answered=True, more=len(self.body))
        client.whole(self.status, headers(entry), self.body)


def can_be_checked(reply: Reply) -> bool:
    """Whether *reply* is an answer that can be read whole and judged."""
    fields = dict(reply.headers)
    kind, coding = fields.get(b"content-type", b"").lower(), fields.get(b"content-encoding", b"")
    return reply.status == 200 and reply.has_body and kind.startswith(b"application/json") and not coding


async def doubtful(
    call: Call, target: Target, decision: Decision, reply: Reply, bill: Bill, earlier: Doubtful | None,
    learned: Mapping[str, Rates],
) -> Doubtful | None:  # fmt: skip
    """Read the answer whole and check it; None where it is good enough, and *reply* can be handed on as it came.

    Args:
        earlier: An answer to the same call that is held back already.
        learned: Error rates of checks, as far as labels have shown them.

    Raises:
        UpstreamError: The answer did not come whole.
    """
    body = await _whole(reply)
    if body is None:
        return None
    answer = said(call.api, body)
    verdict = _verdict(call, answer)
    if answer is not None and earlier is not None and earlier.again and earlier.answer is not None:
        same = agree(earlier.answer, answer)
        verdict = Verdict((*verdict.failed, *([] if same else [AGREEMENT])), verdict.passed)
    odds = next((one.p_good for one in decision.candidates if one.target == target), None)
    is_good = not verdict.failed or verdict.p_good(odds or 0.0, learned) >= decision.good_enough
    again = is_good and decision.samples > 1 and earlier is None
    if is_good and not again:
        reply.give_back(body)
        return None
    meter = meter_for(call.api, "application/json", "")
    meter.whole(body)
    bill.unused(reply.status, meter, "asked_again" if again else f"check_failed:{','.join(verdict.failed)}")
    return Doubtful(target, reply.headers, reply.status, body, meter, bill.tries - 1, answer, again)


async def _whole(reply: Reply) -> bytes | None:
    """The body of *reply*; None where it is longer than `HOLD_BYTES`: then all of it is still to be handed on."""
    pieces: list[bytes] = []
    too_long = asyncio.Event()

    def keep(piece: bytes) -> None:
        pieces.append(piece)
        if sum(map(len, pieces)) > HOLD_BYTES and not too_long.is_set():
            reply.pause()
            too_long.set()

    reply.attach(keep)
    ended = asyncio.ensure_future(reply.ended())
    passed_bound = asyncio.ensure_future(too_long.wait())
    try:
        await asyncio.wait((ended, passed_bound), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
    finally:
        for waiter in (ended, passed_bound):
            waiter.cancel()
    body = b"".join(pieces)
    if too_long.is_set():
        reply.give_back(body)
        reply.resume()
        return None
    return body


def _verdict(call: Call, answer: Said | None) -> Verdict:
    wanted = expected(call.api, call.fields)
    return _UNREADABLE if wanted is None or answer is None else check(wanted, answer)
