"""The operator's switch for the brain: a file, so that it outlives every process."""

from __future__ import annotations

from pathlib import Path

from dd0c_route.switch import Switch


def test_it_is_on_until_somebody_turns_it_off(tmp_path: Path) -> None:
    switch, elsewhere = Switch(tmp_path), Switch(tmp_path)
    assert switch()
    switch.turn(on=False)
    assert not switch()
    assert elsewhere()  # it has not looked yet
    assert not elsewhere.look()
    assert not Switch(tmp_path)()
    switch.turn(on=True)
    assert elsewhere.look()


def test_turning_it_twice_changes_nothing(tmp_path: Path) -> None:
    switch = Switch(tmp_path)
    for on in (False, False, True, True):
        switch.turn(on=on)
        assert switch() is on


def test_without_a_place_there_is_none_and_the_brain_is_on() -> None:
    switch = Switch()
    switch.turn(on=False)
    assert switch.look()
