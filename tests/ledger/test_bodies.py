"""The file of bodies: what is too old goes, its pages come back, and a killed writer leaves it readable."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from dd0c_route.clock import HandClock, new_id
from dd0c_route.control.tidying import Tidying
from dd0c_route.ledger.bodies import BATCH_ROWS, Bodies, Body, BodyStore
from tests.stand import until

DAY_NS = 86_400 * 1_000_000_000

WRITES = """
import sys
from pathlib import Path
from dd0c_route.ledger.bodies import Bodies, Body, BodyStore
store = BodyStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.put([Bodies(f"dd_{number:026}", None, Body("x" * 50_000), Body("y" * 50_000))])
"""


def said(entry_id: str, text: str = "x" * 20_000) -> Bodies:
    return Bodies(entry_id, None, Body(text, len(text)), Body(None))


def test_what_is_too_old_goes_batch_by_batch_and_the_file_shrinks(tmp_path: Path) -> None:
    clock, path = HandClock(), tmp_path / "x.bodies"
    days = Tidying(path, lambda: 7.0, clock)
    old = [new_id("dd_", clock.wall_ns() - 8 * DAY_NS + n * 1_000_000) for n in range(BATCH_ROWS + 5)]
    with closing(BodyStore(path)) as store:
        store.put([said(one) for one in old])
        store.put([said(young := new_id("dd_", clock.wall_ns() - 6 * DAY_NS))])
        assert (days.look(), days.look(), days.look()) == (BATCH_ROWS, 5, 0)
        assert store.get(old[0]) is None
        assert store.get(young) is not None
    days.close()
    assert path.stat().st_size < 200_000


def test_forgotten_words_are_on_no_page(tmp_path: Path) -> None:
    path = tmp_path / "x.bodies"
    with closing(BodyStore(path)) as store:
        store.put([said("dd_1", "a word to forget " * 500), said("dd_2", "another")])
        assert store.forget(["dd_1", "dd_3"]) == 1
        assert b"word to forget" not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
        assert store.forget_between() == 1


def test_a_killed_writer_leaves_what_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.bodies"
    writer = subprocess.Popen([sys.executable, "-c", WRITES, str(path)])
    try:
        with closing(BodyStore(path)) as store:
            until(lambda: path.exists() and store.get(f"dd_{20:026}"), "some bodies")
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            kept = store.get(f"dd_{20:026}")
            assert kept is not None
            assert kept.request.text == "x" * 50_000
    finally:
        writer.kill()
        writer.wait()


def test_a_file_that_cannot_be_used_is_said_and_left(tmp_path: Path) -> None:
    path = tmp_path / "x.bodies"
    path.write_bytes(b"no database at all" * 100)
    days = Tidying(path, lambda: 7.0, HandClock())
    assert days.look() == 0
