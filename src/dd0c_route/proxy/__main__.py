"""A worker process: `python -m dd0c_route.proxy BOOT_FILE INDEX LISTENING_FD [READY_FD]`."""

from __future__ import annotations

from dd0c_route.redact import hooks

hooks.install("worker")

import sys  # noqa: E402 - the hooks come before everything else

from dd0c_route.proxy.worker import main  # noqa: E402 - the same

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else None))
