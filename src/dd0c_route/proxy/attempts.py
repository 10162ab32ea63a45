"""What to try next, and when to stop trying. Pure: outcomes in, the next step out.

Only before the first byte has gone to the client. A try that was provably not sent, and the answers 429, 502, 503 and
529, go on to the next target (or the same one again); 408, 500 and 504 only where the provider's row says that it does
not bill them. A target that nobody asked for and that refuses the request gives way to the model asked for; anything
else is the answer. A kept-alive connection that had died says nothing about its target: that one is asked again, over a
new connection, and whatever the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from dd0c_route.config import Provider, Retries
from dd0c_route.errors import UpstreamError, UpstreamRedirected, UpstreamStale
from dd0c_route.proxy.headers import Headers
from dd0c_route.types import Target
from dd0c_route.upstream.health import RetryBudget

REFUSALS = frozenset((429, 502, 503, 529))
"""The provider says that it did not do the work.

Source: RFC 9110 §15.6, RFC 6585 §4; 529 is Anthropic's `overloaded_error`.
"""

UNFIT = frozenset((401, 402, 403, 404))
"""It is the target that cannot answer: its key, its account, its name. Source: RFC 9110 §15.5."""

_MAY_BE_BILLED = 408
BACKOFF_S = 0.1  # before the same target is asked again without a `retry-after`; half of it at random on top


class Next(Struct, frozen=True):
    """Try `plan[index]` after *delay_s* seconds."""

    index: int
    delay_s: float


def after_refusal(
    status: int,
    headers: Headers,
    provider: Provider,
    tried: int,
    index: int,
    targets: int,
    rules: Retries,
    budget: RetryBudget,
    wall_s: float,
    jitter: Callable[[], float],
) -> Next | None:
    """The step after the answer *status* of `plan[index]` to try number *tried* (1 = the first); None: that is it."""
    if status not in REFUSALS and status not in provider.retry_unsafe:
        return None
    if tried >= rules.attempts:
        return None
    asked_s = retry_after_s(headers, wall_s)
    if targets > 1:
        return Next((index + 1) % targets, 0.0) if budget.take() else None
    delay_s = asked_s if asked_s is not None else BACKOFF_S * (1 + jitter() / 2)
    if delay_s > rules.retry_after_cap_s or not budget.take():
        return None
    return Next(0, delay_s)


def after_wrong_choice(status: int, tried: int, index: int, plan: Sequence[Target], asked: Target | None,
                       rules: Retries) -> Next | None:  # fmt: skip
    """The step after the answer *status* of a target that nobody asked for: what the choice cannot answer, the model
    asked for may. None where that is the answer all the same: no refusal of the request, or nobody else to ask.

    Whatever the retry budget: such a refusal is no sign of load, and is not billed.
    """
    is_refusal = 400 <= status < 500 and status not in REFUSALS and status != _MAY_BE_BILLED
    if asked is None or asked not in plan or plan[index] == asked or not is_refusal or tried >= rules.attempts:
        return None
    return Next(plan.index(asked), 0.0)


def after_error(
    error: UpstreamError, tried: int, index: int, targets: int, rules: Retries, budget: RetryBudget
) -> Next | None:
    """The step after a try at `plan[index]` that failed without an answer; None: *error* is the answer."""
    if not error.retryable or tried >= rules.attempts:
        return None
    if isinstance(error, UpstreamStale):
        return Next(index, 0.0)
    if targets == 1 and isinstance(error, UpstreamRedirected):  # it would redirect again
        return None
    return Next((index + 1) % targets, 0.0) if budget.take() else None


def retry_after_s(headers: Headers, wall_s: float) -> float | None:
    """The wait that the provider asks for, in seconds; None if it asks for none, or unreadably.

    `retry-after-ms`, then `retry-after` in seconds or as a date.

    Source: RFC 9110 §10.2.3; `retry-after-ms` as OpenAI's clients read it.
    """
    for name, value in headers:
        if name == b"retry-after-ms":
            seconds = _number(value)
            if seconds is not None:
                return seconds / 1000
    for name, value in headers:
        if name == b"retry-after":
            seconds = _number(value)
            return seconds if seconds is not None else _date(value, wall_s)
    return None


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number >= 0 else None  # not NaN; a wait without end is one that is too long


def _date(value: bytes, wall_s: float) -> float | None:
    from email.utils import parsedate_to_datetime  # a rare path; the module is slow to import

    try:
        return max(0.0, parsedate_to_datetime(value.decode("latin-1")).timestamp() - wall_s)
    except (ValueError, OverflowError):
        return None
