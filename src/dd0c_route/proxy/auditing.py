"""`python -m dd0c_route.proxy.auditing`: counts again what providers have reported, beside the worker.

Questions come on standard input, answers go to standard output, until the input ends. A question is `lengths of head,
request and answer (3 x u32, little-endian) | Head as JSON | the request's body | the answer's text`; an answer is an
`Audit` as JSON, or `null` where nothing can be counted, in a line.
"""

from __future__ import annotations

from dd0c_route.redact import hooks

if __name__ == "__main__":
    hooks.install("worker")  # before everything else

import os
import struct
import sys
from typing import BinaryIO

import msgspec
from msgspec import Struct

from dd0c_route.errors import RouteError
from dd0c_route.tokens import count_answer, count_request_exactly
from dd0c_route.tokens.traits import traits
from dd0c_route.types import Audit
from dd0c_route.wire.body import split

LENGTHS = struct.Struct("<III")
_NICE = 10  # behind the worker and all that people wait for


class Head(Struct, frozen=True):
    """A question, without its texts.

    Attributes:
        model: That was asked of *provider*.
        reported: Its input tokens, cached ones included.
        answer_reported: Its visible output tokens; 0 where the answer's text is not asked about.
    """

    id: str
    provider: str
    model: str
    api: str
    reported: int
    answer_reported: int = 0


def audit(head: Head, body: bytes, text: str) -> Audit | None:
    """The answer to one question; None where *body* is not one that can be counted."""
    try:
        fields = split(body)
    except RouteError:
        return None
    of = traits(head.api, fields)
    return Audit(
        id=head.id,
        provider=head.provider,
        model=head.model,
        api=head.api,
        count=count_request_exactly(head.api, fields, head.model, head.provider),
        reported=head.reported,
        kind=of.kind,
        tool_choice=of.tool_choice,
        tools_hash=of.tools_hash,
        script=of.script,
        answer=count_answer(text, head.model, head.api, head.provider) if head.answer_reported else None,
        answer_reported=head.answer_reported,
    )


def main(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends."""
    while len(lengths := questions.read(LENGTHS.size)) == LENGTHS.size:
        head, body, text = [questions.read(length) for length in LENGTHS.unpack(lengths)]
        known = audit(msgspec.json.decode(head, type=Head), body, text.decode("utf-8", "replace"))
        answers.write(msgspec.json.encode(known) + b"\n")
        answers.flush()


if __name__ == "__main__":
    os.nice(_NICE)
    main(sys.stdin.buffer, sys.stdout.buffer)
