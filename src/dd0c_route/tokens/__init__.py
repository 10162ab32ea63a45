"""Counting tokens locally: before a call, for what a cut answer left unreported, and as an audit of what is reported.

Two of each. `count_text` and `count_request` are safe on an event loop: about a millisecond at most, exact for short
texts whose vocabulary is loaded, and else an estimate with its band. Those that end in `_exactly`, and
`count_answer`, are for threads: they load what they need and take any length.
"""

from dd0c_route.tokens.models import tokenizer_for
from dd0c_route.tokens.request import count_answer, count_request, count_request_exactly, ended
from dd0c_route.types import Count

__all__ = [
    "count_answer",
    "count_request",
    "count_request_exactly",
    "count_text",
    "count_text_exactly",
    "ended",
    "load",
]


def count_text(text: str, model: str) -> Count:
    """The tokens of *text* for *model*, without what an API puts around it; 0 only for ""."""
    return tokenizer_for(model).count(text)


def count_text_exactly(text: str, model: str) -> Count:
    """The same at any length, as exactly as can be: blocks, and may load a vocabulary first."""
    return tokenizer_for(model).count_exactly(text)


def load(model: str) -> bool:
    """Load the vocabulary of *model*, so that short texts count exactly from now on; False where there is none.

    Blocks for up to half a second, some 0.15 s of it without releasing the interpreter: call it in a thread, before
    traffic matters, and one thread at a time (two would both load). Repeating it costs nothing.
    """
    return tokenizer_for(model).load()
