"""All targets, by name."""

from __future__ import annotations

from tests.fuzz import answers, clients, files, secrets, streams
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    "sse": streams.SSE,
    "aws": streams.AWS,
    "arrays": streams.ARRAYS,
    "http": clients.HTTP,
    "bodies": clients.BODIES,
    "cookies": clients.COOKIES,
    "redactor": secrets.REDACTOR,
    "usage": answers.USAGE,
    "request": answers.REQUEST,
    "answer": answers.ANSWER,
    "journal": files.JOURNAL,
    "config": files.CONFIG,
    "brain": files.BRAIN,
}
