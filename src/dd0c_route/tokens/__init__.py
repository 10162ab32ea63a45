"""Counting tokens locally: before a call, and for what a cut answer left unreported.

Estimates so far; an exact tokenizer is another implementation of the `Tokenizer` port in `models`.
"""

from dd0c_route.tokens.models import Tokenizer, tokenizer_for
from dd0c_route.tokens.request import count_request
from dd0c_route.types import Count

__all__ = ["Tokenizer", "count_request", "count_text", "tokenizer_for"]


def count_text(text: str, model: str) -> Count:
    """The tokens of *text* for *model*, without what an API puts around it; 0 only for ""."""
    return tokenizer_for(model).count(text)
