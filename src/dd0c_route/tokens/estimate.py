"""An estimate of how many tokens a text is, where the model's tokenizer is not at hand: by features, never length / 4.

Right on average, not to the token: each estimate comes with a band that holds the true count for 95 of 100 texts.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from dd0c_route.tokens.features import Features, features
from dd0c_route.types import Count

# Longer texts are read in slices, spread evenly, so that the time is bounded: 0.2 ms.
_SLICES = 12
_SLICE_CHARS = 256
_WHOLE_CHARS = _SLICES * _SLICE_CHARS


class _Rates(Struct, frozen=True):
    """One tokenizer's part of `rates.toml`: tokens by feature, and half widths by kind of text."""

    rates: dict[str, float]
    band: dict[str, tuple[float, float]]  # tokens, share of the estimate


_TOKENS_A_BYTE = 2  # more, no vocabulary takes: bytes are the smallest pieces, and Claude's marks capitals besides


class Estimator:
    """Counts by the fitted rates of one tokenizer.

    Args:
        rates: A part of `rates.toml`.
        name: What a count says it was made by.
        trust: Factor on the band, above 1 where the rates are those of another vocabulary.
    """

    def __init__(self, rates: str, *, name: str, trust: float = 1.0) -> None:
        fitted = _tables()[rates]
        self._name = name
        self._rates = fitted.rates
        self._bands = fitted.band
        self._trust = trust

    def count(self, text: str) -> Count:
        """At least 1, except for no text at all."""
        if not text:
            return Count(0, "exact", (0, 0), self._name)
        sample = text if len(text) <= _WHOLE_CHARS else _slices(text)
        factor = len(text) / len(sample)
        found = features(sample)
        rate_of = self._rates.get
        tokens = sum(amount * rate_of(name, 0.0) for name, amount in found.items())
        most = _TOKENS_A_BYTE * len(sample.encode("utf-8", "surrogatepass"))
        tokens = min(max(tokens, found["words"], 1.0), most) * factor

        base, share = self._bands[kind_of(found, len(sample))]
        half = (base + share * tokens) * self._trust
        return Count(round(tokens), "estimated", (max(1, int(tokens - half)), int(tokens + half) + 1), self._name)


def kind_of(found: Features, chars: int) -> str:
    """The kinds of text with a band of their own.

    `english` prose, `foreign` prose in Latin letters, `data` (code, markup, numbers), `other` scripts.
    """
    if found["not_latin"] > chars * 0.1:
        return "other"
    if found["english"] > 0.5:
        return "english"
    marks = found["punctuation"] + found["digits"] + found["newlines"] + found["tabs"]
    return "data" if marks > chars * 0.08 else "foreign"


def _slices(text: str) -> str:
    step = (len(text) - _SLICE_CHARS) / (_SLICES - 1)
    return "".join([text[int(i * step) : int(i * step) + _SLICE_CHARS] for i in range(_SLICES)])


@cache
def _tables() -> dict[str, _Rates]:
    document = tomllib.loads(files(__package__).joinpath("rates.toml").read_text("utf-8"))
    return {name: msgspec.convert(part, _Rates) for name, part in document.items() if isinstance(part, dict)}
