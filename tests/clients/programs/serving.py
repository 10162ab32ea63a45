"""A program's side of the conversation with its test: an action a line on standard input, its outcome on the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any


def serve(actions: list[Callable[..., Any]]) -> None:
    """Carry out `{"do": name, "with": {…}}` until the input ends; an exception is an outcome too."""
    by_name = {action.__name__: action for action in actions}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            outcome = {"value": by_name[asked["do"]](**asked["with"])}
        except Exception as error:
            outcome = {"raised": _described(error)}
        print(json.dumps(outcome), flush=True)


def _described(error: Exception) -> dict[str, Any]:
    """An SDK's exception: its classes, most special first, and what it says of the answer."""
    response = getattr(error, "response", None)
    return {
        "classes": [kind.__name__ for kind in type(error).__mro__],
        "status": getattr(error, "status_code", None),
        "message": str(error),
        "body": getattr(error, "body", None),
        "request_id": getattr(error, "request_id", None),
        "headers": dict(getattr(response, "headers", {})),
    }
