"""A predictor's file is whole, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dd0c_route.brain.artefact import VERSION
from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.training.fit import fit
from dd0c_route.errors import BadBrain
from tests.brain.examples import LAW, MODELS, labels


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("brain") / "one.brain"
    fit(labels(80)).save(path)
    return path


def test_what_was_saved_is_loaded(saved: Path, tmp_path: Path) -> None:
    loaded = Predictor.load(saved)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()
    assert loaded.predict(LAW, MODELS).support > 0


@pytest.mark.parametrize("at", [100, -100, -1])
def test_a_damaged_file_is_refused(saved: Path, tmp_path: Path, at: int) -> None:
    content = bytearray(saved.read_bytes())
    content[at] ^= 1
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadBrain, match="damaged"):
        Predictor.load(tmp_path / "x")


@pytest.mark.parametrize("content", [b"", b"PK", b"{}" * 100])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadBrain, match="no predictor"):
        Predictor.load(tmp_path / "x")


def test_a_file_of_another_version_is_refused(saved: Path, tmp_path: Path) -> None:
    import hashlib

    content = saved.read_bytes()[:-32].replace(f'{{"dd0c_brain":{VERSION}'.encode(), b'{"dd0c_brain":9')
    (tmp_path / "x").write_bytes(content + hashlib.sha256(content).digest())
    with pytest.raises(BadBrain, match="another version"):
        Predictor.load(tmp_path / "x")


def test_a_model_nothing_is_known_of_has_no_odds(saved: Path) -> None:
    odds = Predictor.load(saved).predict(LAW, ["weak", "unheard-of"])
    assert odds.p_good[0] is not None
    assert odds.p_good[1] is None
    assert len(odds.spread) == 2
