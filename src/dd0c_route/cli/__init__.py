"""The command line: one small file for each command, imported only when it is called."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of `dd0c-route`."""
    if sys.argv[1:] == ["statusline"]:  # drawn again and again, and click alone takes 30 ms
        from dd0c_route.cli.session_line import main as show

        sys.exit(show())
    from dd0c_route.cli.commands import run

    sys.exit(run(sys.argv[1:]))
