"""`python -m dd0c_route.upstream.simulator`: the simulated provider without the command line around it."""

from __future__ import annotations

from dd0c_route.redact import hooks

hooks.install("simulator")  # callers may send it their real keys

import argparse  # noqa: E402 - the hooks come before everything else
import sys  # noqa: E402 - the same
from pathlib import Path  # noqa: E402 - the same

from dd0c_route.upstream.simulator import ScriptError, main  # noqa: E402 - the same

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m dd0c_route.upstream.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--fd", type=int, help="an inherited socket that listens already, instead of host and port")
    parser.add_argument("--recordings", type=Path, help="folder with *.jsonl.gz to replay")
    parser.add_argument("--script", type=Path, help="TOML file with [[rule]] tables")
    given = parser.parse_args()
    try:
        main(given.host, given.port, given.recordings, given.script, given.fd)
    except (ScriptError, OSError) as error:
        sys.exit(str(error))
