"""`count`: requests or texts in, token counts out."""

from __future__ import annotations

import click
import msgspec
from msgspec import Raw

from dd0c_route.cli.lines import Answer, answer_each, table, text


@click.command("count")
def command() -> int:
    """Count tokens: JSON lines in, JSON lines out.

    \b
    in   {"api", "provider", "model", "request"} or {"model", "text"}; with "output_text" the output is counted too
    out  {"input_tokens", "exactness": "exact"|"estimated", "band": [low, high], "tokenizer"} ("output_tokens")
    """
    return answer_each(counted)


def counted(line: Answer) -> Answer:
    """The counts of one line."""
    from dd0c_route.tokens import count_answer, count_request_exactly, count_text_exactly

    model = text(line, "model")
    if "request" in line:
        fields = {name: Raw(msgspec.json.encode(value)) for name, value in table(line, "request").items()}
        provider = text(line, "provider", may_be_empty=True) if "provider" in line else ""
        count = count_request_exactly(text(line, "api"), fields, model, provider)
    else:
        count = count_text_exactly(text(line, "text", may_be_empty=True), model)
    answer: Answer = {
        "input_tokens": count.tokens,
        "exactness": count.exactness,
        "band": count.band,
        "tokenizer": count.tokenizer,
    }
    if "output_text" in line:
        output = count_answer(text(line, "output_text", may_be_empty=True), model)
        answer |= {"output_tokens": output.tokens, "output_exactness": output.exactness, "output_band": output.band}
    return answer
