"""JSON as clients write it: what is wrong with a text costs a character of it, not its count."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Raw


def decoded(data: Raw | bytes | memoryview) -> Any:
    """The value of *data*; half a surrogate pair and what is not UTF-8 become U+FFFD, as in the tokenizers.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        raise ValueError("nested too deeply") from None
    try:
        value = json.loads(bytes(memoryview(data)).decode("utf-8", "replace"))
        text = json.dumps(value, ensure_ascii=False)
        return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
