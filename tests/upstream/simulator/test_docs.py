"""The page about the simulator names every setting."""

from __future__ import annotations

import re
from pathlib import Path

from dd0c_route.upstream.simulator.script import Scene

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(Scene.__struct_fields__)
