"""`python -m dd0c_route.control BOOT_FILE`, started by the supervisor."""

from __future__ import annotations

import sys

from dd0c_route.redact import hooks

hooks.install("control")  # before anything else is loaded, so that no import can say a secret

from dd0c_route.control.process import main  # noqa: E402 - see the line before

sys.exit(main(sys.argv[1]))
