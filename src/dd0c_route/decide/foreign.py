"""Targets whose provider speaks another dialect than the caller: which of them can be told what the call asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase

from dd0c_route.brain.capabilities import LEAST_OUTPUT, Capability
from dd0c_route.config import Provider
from dd0c_route.errors import BadRequest
from dd0c_route.redact import redact_label
from dd0c_route.types import Call, Target
from dd0c_route.wire.neutral import DIALECTS, Aim, Prompt, api_at, written

_SHOWN = 3  # fields that a reason names


def reachable(call: Call, dialect: str) -> bool:
    """Whether a provider of *dialect* can be asked what *call* asks, as it is or translated."""
    return dialect == call.dialect or api_at(call.api, call.dialect, dialect) is not None


def lacking(provider: Provider, model: str) -> frozenset[str]:
    """The APIs of its dialect by which *provider* cannot be asked for *model*."""
    lacks = {f"{provider.dialect}.{name}" for name in provider.without}
    if any(fnmatchcase(model.lower(), glob) for glob in provider.only_responses):
        lacks.add("openai.chat")
    return frozenset(lacks)


def aim_at(target: Target, provider: str, able: Capability) -> Aim:
    """What the writer of a request needs to know of *target*; *provider*: as its prices are filed."""
    known = bool(able.can) or able.output != LEAST_OUTPUT
    return Aim(
        target.model,
        provider,
        able.output if known else None,
        "reasoning" in able.can if known else None,
        able.refuses,
    )


def translated(
    call: Call, targets: Iterable[Target], dialects: Mapping[str, str], lacks: Callable[[Target], frozenset[str]]
) -> frozenset[Target]:
    """Those of *targets* whose provider is asked in other words than the caller's."""
    return frozenset(
        one for one in targets if api_at(call.api, call.dialect, dialects[one.provider], lacks(one)) is not None
    )


def unable(
    call: Call, targets: Iterable[Target], dialects: Mapping[str, str], able: Callable[[Target], Capability],
    lacks: Callable[[Target], frozenset[str]] = lambda target: frozenset(),
) -> dict[Target, str]:  # fmt: skip
    """Those of *targets* that cannot be given all of the request, and what not. Empty where the caller allows that.

    A request is written once for each dialect, which takes about a tenth of a millisecond; a long one a few.
    """
    if call.may_drop:
        return {}
    found: dict[Target, str] = {}
    prompt: Prompt | None = None
    for target in targets:
        api = api_at(call.api, call.dialect, dialects[target.provider], lacks(target))
        if api is None:
            continue
        try:
            prompt = DIALECTS[call.api].read_request(call.fields) if prompt is None else prompt
        except BadRequest:
            found[target] = "the request cannot be read, so it cannot be translated"
            continue
        losses = written(prompt, api, aim_at(target, target.provider, able(target))).losses
        if losses:
            words = DIALECTS[call.api].words
            found[target] = "cannot be given " + ", ".join(
                redact_label(words.get(loss.field, loss.field))[:64] for loss in losses[:_SHOWN]
            )
    return found
