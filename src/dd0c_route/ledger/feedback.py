"""What somebody says of an answer becomes a label in the journals, whoever they tell it to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from dd0c_route.clock import Clock, rfc3339
from dd0c_route.errors import BadRequest
from dd0c_route.ledger.journal import one_note
from dd0c_route.redact import redact_label
from dd0c_route.types import Entry, Label

_WORDS = {"good": 1.0, "bad": 0.0}
_SOURCE = re.compile(r"[\w.@-]{1,64}", re.ASCII)
_COMMENT_CHARS = 1_000
MOST_SOURCES = 16  # that judge one answer: entries and what is learned of one call stay bounded


class Said(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/requests/{id}/feedback`."""

    score: float | str
    source: str = "api"
    comment: str | None = None


def read_said(body: bytes) -> Said:
    """
    Raises:
        BadRequest: It is not what the address takes; the message names the fault, never the comment.
    """
    try:
        return msgspec.json.decode(body, type=Said)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else "not JSON"
        raise BadRequest(f'feedback cannot be read ({reason}): send {{"score": 0..1, "good" or "bad"}}') from None


def label_of(entry_id: str, said: Said, clock: Clock, *, keep_comment: bool) -> Label:
    """
    Raises:
        BadRequest: The score is no number from 0 to 1 and neither good nor bad, or the source is no name.
    """
    score = _WORDS.get(said.score) if isinstance(said.score, str) else said.score
    if score is None or not 0.0 <= score <= 1.0:
        raise BadRequest(f"score: expected 0 to 1, 'good' or 'bad', got {str(said.score)[:20]!r}")
    if not _SOURCE.fullmatch(said.source):
        raise BadRequest("source: expected up to 64 letters, digits and . _ - @")
    comment = redact_label(said.comment[:_COMMENT_CHARS]) if said.comment and keep_comment else None
    return Label(
        id=entry_id,
        kind="feedback",
        source=redact_label(said.source),
        score=score,
        at=rfc3339(clock.wall_ns()),
        comment=comment,
    )


def is_one_too_many(label: Label, before: Iterable[Label]) -> bool:
    """Whether enough others have judged the same answer already; one of them may change its mind."""
    sources = {one.source for one in before if one.kind == "feedback"}
    return label.kind == "feedback" and label.source not in sources and len(sources) >= MOST_SOURCES


def refuse_one_too_many(label: Label, entry: Entry) -> None:
    """
    Raises:
        BadRequest: Enough others have judged the answer.
    """
    if is_one_too_many(label, entry.feedback):
        raise BadRequest(f"source: {MOST_SOURCES} others have judged this answer, and no more are heard")


def note(directory: Path, label: Label, clock: Clock) -> None:
    """Put *label* into the journals; it stands in its entry a moment later.

    Raises:
        JournalError: They cannot be written.
    """
    with one_note(directory, clock) as journal:
        journal.label(label)
