"""One model, many names: hosts, dates and spellings differ, and labels of one are better than none."""

from __future__ import annotations

import re
from functools import lru_cache

_HOST = re.compile(r"^(?:.*/)?(?:(?:openai|anthropic|google|deepseek|qwen|mistralai|meta-llama|x-ai)_)?")
_AT = re.compile(r"@.*$")
_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d|\d\d-\d\d-\d\d|\d{4})(?=-|$)")
_ENDING = re.compile(r"-(?:latest|preview|beta|exp|turbo|00\d|hf|it|inst|instruct|chat)$")


@lru_cache(4096)
def bare(model: str) -> str:
    """*model* without its host, its date and what else does not make it another model.

    Base and instructed models become the same name: nobody routes to a base model.
    """
    name = _AT.sub("", _HOST.sub("", model)).lower().replace("_", "-").replace(".", "-").removeprefix("meta-")
    before = ""
    while name != before:
        before = name
        name = _ENDING.sub("", _DATE.sub("", name))
    return name
