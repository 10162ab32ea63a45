"""`count`: requests or texts in, token counts out."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Raw

from dd0c_route.cli.lines import Answer, answer_each, table, text

if TYPE_CHECKING:
    from dd0c_route.ledger.counting import Known


@click.command("count")
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    help="Correct estimates by what the router of this configuration has learned from reported usage.",
)
def command(config_path: str | None) -> int:
    """Count tokens: JSON lines in, JSON lines out.

    \b
    in   {"api", "provider", "model", "request"} or {"model", "text"}; with "output_text" the output is counted too
         ("provider" may be missing, and "model" where the request names it)
    out  {"input_tokens", "exactness": "exact"|"estimated", "band": [low, high], "tokenizer"} ("output_tokens")
    """
    return answer_each(counted if config_path is None else partial(counted, known=_known(config_path)))


def _known(config_path: str) -> Known:
    """What was learned, as the router published it last; nothing where it never ran."""
    from dd0c_route.cli.ledger import settings_without_secrets
    from dd0c_route.ledger import journal_directory
    from dd0c_route.ledger.counting import Known

    loaded = settings_without_secrets(config_path)
    return Known(journal_directory(loaded.config.ledger.url, loaded.base_dir))


def counted(line: Answer, known: Known | None = None) -> Answer:
    """The counts of one line, corrected by what is *known*."""
    from dd0c_route.tokens import count_answer, count_request_exactly, count_text_exactly
    from dd0c_route.wire.output_limit import output_limit

    model, request, output = _model(line), line.get("request"), line.get("output_text")
    api = provider = ""
    limit = None
    if request is not None:
        fields = {name: _raw(value) for name, value in table(line, "request").items()}
        provider = text(line, "provider", may_be_empty=True) if line.get("provider") is not None else ""
        api = text(line, "api")
        asked = (api, fields, model, provider)
        count, limit = count_request_exactly(*asked), output_limit(api, fields)
        if known is not None:
            count = known.correct(count, *asked)
    else:
        count = count_text_exactly(text(line, "text", may_be_empty=True), model)
    answer: Answer = {
        "input_tokens": count.tokens,
        "exactness": count.exactness,
        "band": count.band,
        "tokenizer": count.tokenizer,
    }
    if output is not None:
        answered = count_answer(text(line, "output_text", may_be_empty=True), model, api, provider, limit)
        answer |= {
            "output_tokens": answered.tokens,
            "output_exactness": answered.exactness,
            "output_band": answered.band,
        }
    return answer


def _model(line: Answer) -> str:
    """The model of the line, or the one that its request names."""
    request = line.get("request")
    if line.get("model") is None and isinstance(request, dict) and isinstance(request.get("model"), str):
        return text(request, "model")
    return text(line, "model")


def _raw(value: Any) -> Raw:
    """The value as JSON; numbers longer than 64 bits come from clients too."""
    try:
        return Raw(msgspec.json.encode(value))
    except OverflowError:
        return Raw(json.dumps(value).encode())
