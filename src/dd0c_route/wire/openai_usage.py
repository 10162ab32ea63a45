"""The usage object of OpenAI's APIs and of everybody who speaks their dialect."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, convert

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer, Reported
from dd0c_route.wire.loose import MAX_TOKENS, count_of, dollars_of
from dd0c_route.wire.openai_extras import inputs_of, media_of, outputs_of, tools_of

_TICK_DIGITS = 10  # xAI: `cost_in_usd_ticks` counts 10⁻¹⁰ dollars
_Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
_None = Annotated[int, Meta(ge=0, le=0)]


class _Inputs(Struct, forbid_unknown_fields=True, gc=False):
    cached_tokens: _Tokens = 0
    audio_tokens: _None = 0


class _Outputs(Struct, forbid_unknown_fields=True, gc=False):
    reasoning_tokens: _Tokens = 0
    audio_tokens: _None = 0
    accepted_prediction_tokens: _None = 0
    rejected_prediction_tokens: _None = 0


class _Usual(Struct, forbid_unknown_fields=True, gc=False):
    """The report of OpenAI itself and of most others; one with any other field, or with media, is read slowly."""

    prompt_tokens: _Tokens
    total_tokens: _Tokens
    completion_tokens: _Tokens = 0
    prompt_tokens_details: _Inputs | None = None
    completion_tokens_details: _Outputs | None = None


_NO_INPUTS, _NO_OUTPUTS = _Inputs(), _Outputs()


def report(answer: Answer) -> Reported | None:
    """Usage of chat, completions, embeddings and Responses; None where nothing was reported.

    The usual report is read in one look (2 % of a call between fake transports), any other by `_any_report`.
    """
    raw = answer.usage
    if raw is None:
        return None
    return (_usual_report(answer, raw) if answer.server_calls is None else None) or _any_report(answer, raw)


def _usual_report(answer: Answer, raw: dict[str, Any]) -> Reported | None:
    """The report where every field is known and the total is the sum; else None."""
    try:
        usual = convert(raw, _Usual)
    except ValidationError:
        return None
    cached = (usual.prompt_tokens_details or _NO_INPUTS).cached_tokens
    reasoning = (usual.completion_tokens_details or _NO_OUTPUTS).reasoning_tokens
    inputs, outputs = usual.prompt_tokens, usual.completion_tokens
    if usual.total_tokens != inputs + outputs or reasoning > outputs or cached > inputs:
        return None
    usage = Usage(input=inputs - cached, cache_read=cached, output=outputs - reasoning, reasoning=reasoning)
    return Reported(usage, answer.closed or answer.finished, raw, None, answer.tier)


def _any_report(answer: Answer, raw: dict[str, Any]) -> Reported:
    """How the fields of a report add up, whoever sent it.

    `total_tokens` decides what a provider means: reasoning is part of the output unless the total says that it
    was added (xAI), it is more than the output (OpenRouter, Vercel), or it stands beside cited pages (Perplexity's
    research, whose total holds neither); audio is part of the input unless the total says that it was added
    (Mistral). Cache reads and writes are parts of the input. Mistral's `num_cached_tokens` is what its engine
    reused, not what it bills as cached (docs.mistral.ai, prompt caching: `prompt_tokens_details.cached_tokens`).
    """
    inputs, outputs = inputs_of(raw), outputs_of(raw)
    total = count_of(raw, "total_tokens")
    input_total = count_of(raw, "prompt_tokens", "input_tokens")
    output_total = count_of(raw, "completion_tokens", "output_tokens")
    reasoning = count_of(outputs, "reasoning_tokens") or count_of(raw, "reasoning_tokens")
    audio = count_of(inputs, "audio_tokens")
    if input_total == output_total == 0:
        input_total = total  # Voyage: embeddings report the total alone
    missing = total - input_total - output_total if total else 0
    if reasoning and (missing == reasoning or reasoning > output_total or "citation_tokens" in raw):
        output_total += reasoning
        missing = 0
    elif audio and missing == audio:
        input_total += audio
        missing = 0
    read = count_of(inputs, "cached_tokens", "cache_read_input_tokens") or count_of(
        raw, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", "cached_prompt_text_tokens"
    )
    write = count_of(inputs, "cache_write_tokens") or count_of(raw, "cache_creation_input_tokens")
    cached_fits = read + write <= input_total
    read = min(read, input_total)
    write = min(write, input_total - read)
    usage = Usage(
        input=input_total - read - write,
        cache_read=read,
        cache_write_5m=write,
        output=output_total - reasoning,
        reasoning=reasoning,
    )
    return Reported(
        usage=usage,
        final=answer.closed or answer.finished,
        raw=raw,
        cost_usd=_charge(raw),
        service_tier=answer.tier,
        consistent=missing == 0 and cached_fits,
        media=media_of(raw, usage),
        server_tools=tools_of(raw, answer),
    )


def _charge(raw: dict[str, Any]) -> str | None:
    """What the provider says it charged: OpenRouter and Vercel `cost`, Perplexity `cost.total_cost`, xAI ticks."""
    cost = raw.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    if (dollars := dollars_of(cost)) is not None:
        return dollars
    ticks = raw.get("cost_in_usd_ticks")
    if isinstance(ticks, int) and not isinstance(ticks, bool) and 0 <= ticks < 1 << 62:
        return format(Decimal(ticks).scaleb(-_TICK_DIGITS), "f")
    return None
