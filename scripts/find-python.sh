#!/bin/sh
# Print the newest python3 on the path that can make an environment for dd0c/route, or say what is missing.
# PYTHON=/path/to/python3 decides instead.
set -u

lacks_venv=""
for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    python=$(command -v "$name") || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
    lacks_venv=$python
done

if [ -n "$lacks_venv" ]; then
    echo "$lacks_venv has no 'venv' or 'ensurepip' module: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2
else
    echo "no Python of version 3.11 or newer found: install one, or name it with PYTHON=/path/to/python3" >&2
fi
exit 1
