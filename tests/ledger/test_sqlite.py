from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dd0c_route.clock import HandClock, new_id
from dd0c_route.errors import ConfigError, StoreUnavailable
from dd0c_route.ledger import journal_directory, open_store
from dd0c_route.ledger.sqlite import SqliteStore
from dd0c_route.ledger.store import Batch, Filter, OpenCall, Row, id_at, moment_ns
from dd0c_route.types import Entry
from tests.ledger.examples import an_entry

NOTHING = Batch(settled=[], amended=[], opened=[], closed=[], positions={}, forgotten=[], unreadable=[])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "dd0c.db")
    yield store
    store.close()


def rows(*entries: Entry) -> list[Row]:
    return [Row(entry, msgspec.json.encode(entry).decode()) for entry in entries]


def put(store: SqliteStore, *entries: Entry) -> None:
    store.ingest(msgspec.structs.replace(NOTHING, settled=rows(*entries)))


def ids(store: SqliteStore, **conditions: Any) -> list[str]:
    return [entry.id for entry in store.entries(Filter(**conditions)).entries]


def test_an_entry_comes_back_as_it_went_in(store: SqliteStore) -> None:
    entry = an_entry(cost_picodollars=2**63, price={"row": "acme/large"}, tags={"café": "naïve \u0000 '\""})
    put(store, entry)
    assert store.entry(entry.id) == entry
    assert store.entry("dd_none") is None


def test_the_first_entry_of_an_id_stays(store: SqliteStore) -> None:
    entry = an_entry()
    put(store, entry)
    put(store, msgspec.structs.replace(entry, status=500))
    assert store.entry(entry.id) == entry


def test_a_batch_is_stored_whole_or_not_at_all(store: SqliteStore) -> None:
    entry = an_entry()
    batch = msgspec.structs.replace(
        NOTHING, settled=rows(entry), positions={"a.log": 3}, opened=[OpenCall("dd_1", "0-A", None)]
    )
    broken = msgspec.structs.replace(batch, opened=[OpenCall("dd_1", None, None)])  # type: ignore[arg-type]  # broken on purpose
    with pytest.raises(StoreUnavailable):
        store.ingest(broken)
    assert store.entry(entry.id) is None
    assert store.progress().positions == {}
    store.ingest(batch)
    progress = store.progress()
    assert progress.positions == {"a.log": 3}
    assert progress.calls == [OpenCall("dd_1", "0-A", None)]


def test_pages_are_newest_first_and_meet_without_gap_or_overlap(store: SqliteStore) -> None:
    entries = [an_entry() for _ in range(7)]
    put(store, *entries)
    newest = [entry.id for entry in reversed(entries)]
    seen: list[str] = []
    before = None
    for size in (3, 3, 1):
        page = store.entries(Filter(limit=3, before=before))
        assert len(page.entries) == size
        seen += [entry.id for entry in page.entries]
        before = page.next
    assert before is None
    assert seen == newest


def test_conditions_hold_together(store: SqliteStore) -> None:
    plain = an_entry(session=None, tags={})
    other = an_entry(provider="umbrella", served_model="u-1", requested_model="u-1")
    gone = an_entry(end_state="client_gone", session="s-2", tags={"team": "search", "beta": ""})
    put(store, plain, other, gone)
    assert ids(store, provider="umbrella") == [other.id]
    assert ids(store, model="acme-large") == [gone.id, plain.id]
    assert ids(store, model="u-1") == [other.id]
    assert ids(store, end_state="client_gone") == [gone.id]
    assert ids(store, session="s-1") == [other.id]
    assert ids(store, tags=(("team", "core"),)) == [other.id]
    assert ids(store, tags=(("team", ""),)) == [gone.id, other.id]
    assert ids(store, tags=(("team", "search"), ("beta", ""))) == [gone.id]
    assert ids(store, tags=(("team", "search"),), provider="umbrella") == []
    assert ids(store, model="x' OR 1=1 --") == []


def test_time_is_compared_by_id(store: SqliteStore) -> None:
    clock = HandClock()
    early = an_entry(new_id("dd_", clock.wall_ns()))
    clock.advance(60)
    late = an_entry(new_id("dd_", clock.wall_ns()))
    put(store, early, late)
    assert ids(store, since=id_at(clock.wall_ns())) == [late.id]
    assert ids(store, before=id_at(clock.wall_ns())) == [early.id]
    clock.advance(0.001)
    assert ids(store, since=id_at(clock.wall_ns())) == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 1_800_000_000 - 90),
        ("2h", 1_800_000_000 - 7200),
        ("30d", 1_800_000_000 - 2_592_000),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        ("2027-01-15T08:00:00.5", 1_800_000_000.5),
        ("2027-01-15", 1_799_971_200),
    ],
)
def test_a_moment_is_an_age_or_a_time(text: str, seconds: float) -> None:
    assert moment_ns(text, 1_800_000_000_000_000_000) == int(seconds * 10) * 100_000_000


@pytest.mark.parametrize("text", ["", "yesterday", "30", "-1d", "2026-13-01", "1e9s"])
def test_another_moment_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="an age like 30d"):
        moment_ns(text, 0)


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "dd0c.db").close()
    connection = sqlite3.connect(tmp_path / "dd0c.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer version"):
        SqliteStore(tmp_path / "dd0c.db")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "dd0c.db").write_bytes(b"not a database, but long enough to look like one" * 50)
    with pytest.raises(StoreUnavailable, match=r"dd0c\.db"):
        SqliteStore(tmp_path / "dd0c.db")


def test_opening_again_keeps_everything(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "dd0c.db")
    entry = an_entry()
    put(first, entry)
    second = SqliteStore(tmp_path / "dd0c.db")
    assert second.entry(entry.id) == entry
    first.close()
    second.close()


def test_the_address_names_file_and_journal(tmp_path: Path) -> None:
    assert journal_directory("sqlite:///a/dd0c.db", tmp_path) == tmp_path / "a" / "dd0c.db.journal"
    assert journal_directory("sqlite:////var/dd0c.db", tmp_path) == Path("/var/dd0c.db.journal")
    open_store("sqlite:///a/dd0c.db", tmp_path).close()
    assert (tmp_path / "a" / "dd0c.db").exists()
    with pytest.raises(ConfigError, match="write sqlite:///"):
        open_store("postgres://somewhere")
    with pytest.raises(ConfigError):
        open_store("sqlite:///")


def test_an_entry_that_may_still_change_is_not_shown_for_a_moment(store: SqliteStore) -> None:
    entry = an_entry()
    waiting = [OpenCall(entry.id, "run", None)]
    store.ingest(msgspec.structs.replace(NOTHING, settled=rows(entry), opened=waiting))

    assert store.entry(entry.id, confirmed=True) is None
    assert ids(store, confirmed=True) == []
    assert store.entry(entry.id) == entry

    store.ingest(msgspec.structs.replace(NOTHING, closed=[entry.id]))
    assert store.entry(entry.id, confirmed=True) == entry
    assert ids(store, confirmed=True) == [entry.id]


@pytest.mark.parametrize("since", ["since - 1", "since + 3600"], ids=["a second later", "a clock that was set back"])
def test_a_delivery_that_never_comes_hides_nothing_for_long(store: SqliteStore, tmp_path: Path, since: str) -> None:
    entry = an_entry()
    waiting = [OpenCall(entry.id, "run", None)]
    store.ingest(msgspec.structs.replace(NOTHING, settled=rows(entry), opened=waiting))
    with sqlite3.connect(tmp_path / "dd0c.db") as sql:
        sql.execute(f"UPDATE open_calls SET since = {since}")  # noqa: S608 - one of two constants

    assert store.entry(entry.id, confirmed=True) == entry


# --- rewriting ----------------------------------------------------------------------------------------------------


def renamed(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, error="seen")


def test_entries_are_rewritten_in_order_and_in_batches(store: SqliteStore) -> None:
    entries = [an_entry() for _ in range(5)]
    put(store, *entries)

    first = store.rewrite("", None, 3, renamed)
    second = store.rewrite(first.last or "", None, 3, renamed)

    assert (first.seen, first.last) == (3, entries[2].id)
    assert (second.seen, second.last) == (2, entries[4].id)
    assert store.rewrite(entries[4].id, None, 3, renamed).last is None
    assert {entry.error for entry in store.entries().entries} == {"seen"}


def test_only_those_between_two_ids_are_rewritten_and_only_what_changes(store: SqliteStore) -> None:
    entries = [an_entry() for _ in range(4)]
    put(store, *entries)

    store.rewrite(entries[0].id, entries[3].id, 10, lambda one: renamed(one) if one.id == entries[1].id else None)

    assert [entry.id for entry in store.entries().entries if entry.error == "seen"] == [entries[1].id]


def test_an_entry_that_a_delivery_may_still_change_is_not_rewritten(store: SqliteStore) -> None:
    settled, open_one = an_entry(), an_entry()
    batch = msgspec.structs.replace(
        NOTHING, settled=rows(settled, open_one), opened=[OpenCall(open_one.id, "0-A", None)]
    )
    store.ingest(batch)

    assert store.rewrite("", None, 10, renamed).seen == 1
    found = store.entry(open_one.id)
    assert found is not None
    assert found.error is None


def test_a_rewrite_that_fails_changes_nothing(store: SqliteStore) -> None:
    entries = [an_entry(), an_entry()]
    put(store, *entries)

    def breaks(entry: Entry) -> Entry:
        if entry.id == entries[1].id:
            raise ZeroDivisionError
        return renamed(entry)

    with pytest.raises(ZeroDivisionError):
        store.rewrite("", None, 10, breaks)

    assert {entry.error for entry in store.entries().entries} == {None}


def test_calls_without_a_price_are_found_by_model(store: SqliteStore) -> None:
    free: dict[str, Any] = {"unpriced": True, "cost_picodollars": None, "cost_usd": None}
    entries = [an_entry(), an_entry(**free), an_entry(**free), an_entry(**free, served_model="other")]
    put(store, *entries)

    found = store.unpriced("")

    assert [(one.provider, one.model, one.calls) for one in found] == [("acme", "acme-small", 2), ("acme", "other", 1)]
    assert found[0].problem == "2 calls of acme/acme-small without a price"
    assert found[0].fix.endswith(f"reprice --since {entries[1].at[:10]}")
    assert store.unpriced(entries[3].id) == found[1:]
    assert ids(store, unpriced=True) == [entry.id for entry in reversed(entries[1:])]
