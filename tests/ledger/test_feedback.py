from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.clock import HandClock, SystemClock
from dd0c_route.errors import BadRequest
from dd0c_route.ledger.feedback import MOST_SOURCES, Said, label_of, note, read_said, refuse_one_too_many
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.ledger.journal import Journal, one_note
from dd0c_route.ledger.sqlite import SqliteStore
from dd0c_route.types import Delivery, Entry
from tests.ledger.examples import an_entry


class Place:
    def __init__(self, path: Path) -> None:
        self.journals = path / "dd0c.db.journal"
        self.store = SqliteStore(path / "dd0c.db")
        self.ingest = Ingest(self.journals, self.store, lambda entries: None)

    def settled(self) -> Entry:
        journal, entry = Journal(self.journals, 0, SystemClock()), an_entry()
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))
        journal.close()
        self.ingest.step()
        return entry

    def say(self, entry_id: str, **said: Any) -> None:
        note(self.journals, label_of(entry_id, Said(**said), HandClock(), keep_comment=False), SystemClock())
        self.ingest.step()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.ingest.close()
    place.store.close()


@pytest.mark.parametrize(("score", "expected"), [("good", 1.0), ("bad", 0.0), (0, 0.0), (0.25, 0.25), (1, 1.0)])
def test_a_score_is_a_word_or_a_number(score: Any, expected: float) -> None:
    assert label_of("dd_1", Said(score), HandClock(), keep_comment=False).score == expected


@pytest.mark.parametrize("score", ["fine", -0.1, 1.1, float("nan"), "1"])
def test_any_other_score_is_refused_with_what_is_expected(score: Any) -> None:
    with pytest.raises(BadRequest, match="0 to 1, 'good' or 'bad'"):
        label_of("dd_1", Said(score), HandClock(), keep_comment=False)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"score": true}', b'{"score": 1, "stars": 5}', b"\xff"])
def test_a_body_that_says_no_score_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="feedback cannot be read"):
        read_said(body)


@pytest.mark.parametrize("source", ["", "a b", "x" * 65, "é", "a\n"])
def test_a_source_is_a_short_name(source: str) -> None:
    with pytest.raises(BadRequest, match="source"):
        label_of("dd_1", Said("good", source), HandClock(), keep_comment=False)


def test_a_comment_is_kept_only_where_that_is_switched_on_and_never_with_a_key_in_it() -> None:
    said = Said("bad", comment="wrong, and it said sk-proj-" + "aB3" * 16)
    assert label_of("dd_1", said, HandClock(), keep_comment=False).comment is None
    kept = label_of("dd_1", said, HandClock(), keep_comment=True).comment
    assert kept is not None
    assert kept.startswith("wrong, and it said ")
    assert "aB3aB3" not in kept


def test_feedback_stands_in_its_entry(place: Place) -> None:
    entry = place.settled()
    place.say(entry.id, score="bad")
    found = place.store.entry(entry.id)
    assert found is not None
    assert [(one.score, one.source, one.kind) for one in found.feedback] == [(0.0, "api", "feedback")]
    (listed,) = place.store.entries().entries
    assert listed.feedback == found.feedback


def test_the_last_word_of_a_source_counts(place: Place) -> None:
    entry = place.settled()
    for score, source in (("bad", "a"), ("good", "b"), (0.5, "a")):
        place.say(entry.id, score=score, source=source)
    assert {one.source: one.score for one in place.store.labels(entry.id)} == {"a": 0.5, "b": 1.0}


def test_the_last_word_counts_whatever_the_order_of_the_journals(place: Place) -> None:
    entry, clock = place.settled(), HandClock()
    labels = []
    for score in (0.1, 0.9, 0.5):
        clock.advance(0.001)
        labels.append(label_of(entry.id, Said(score), clock, keep_comment=False))
    for label in (labels[2], labels[0], labels[1]):
        with one_note(place.journals, SystemClock()) as journal:
            journal.label(label)
    place.ingest.step()
    assert [one.score for one in place.store.labels(entry.id)] == [0.5]


def test_only_so_many_sources_are_heard_of_one_answer(place: Place) -> None:
    entry = place.settled()
    for number in range(MOST_SOURCES):
        place.say(entry.id, score=1, source=f"user{number}")
    found = place.store.entry(entry.id)
    assert found is not None
    refuse_one_too_many(label_of(entry.id, Said(0.0, "user0"), HandClock(), keep_comment=False), found)
    with pytest.raises(BadRequest, match="have judged this answer"):
        refuse_one_too_many(label_of(entry.id, Said(0.0, "another"), HandClock(), keep_comment=False), found)


def test_feedback_on_a_call_that_is_not_there_is_counted_and_left(place: Place) -> None:
    place.settled()
    place.say("dd_nobody", score="good")
    assert place.ingest.faults.unmatched == 1
    assert place.store.labels("dd_nobody") == ()


def test_its_segment_does_not_stay(place: Place) -> None:
    entry = place.settled()
    place.say(entry.id, score="good")
    assert list(place.journals.glob("*.log")) == []
