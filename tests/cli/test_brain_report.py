"""`dd0c-route brain report`: what was measured of the shipped predictor."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from dd0c_route.brain import predictor
from dd0c_route.cli.brain import command


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prior.brain"
    path.write_bytes(b"a predictor")
    monkeypatch.setattr(predictor, "SHIPPED", path)
    return path


def test_the_table_is_printed(shipped: Path) -> None:
    digest = sha256(shipped.read_bytes()).hexdigest()
    shipped.with_name("report.md").write_text(f"<!-- {digest} -->\n| router |\n")
    assert CliRunner().invoke(command, ["report"]).output == "| router |\n"


def test_figures_of_another_predictor_say_so(shipped: Path) -> None:
    shipped.with_name("report.md").write_text("<!-- 00 -->\n| router |\n")
    output = CliRunner().invoke(command, ["report"]).output
    assert output.startswith("Measured with another predictor")
    assert output.endswith("| router |\n")


def test_without_figures_it_says_how_to_measure(shipped: Path) -> None:
    done = CliRunner().invoke(command, ["report"])
    assert done.exit_code == 1
    assert "make routing" in done.output
