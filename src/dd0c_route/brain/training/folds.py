"""Folds by question: the same question, however it is set, is never on both sides of a split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import cut

_OPTIONS = re.compile(r"\b(?:choices|options)\s*:|(?:^|\s)(?:\([A-J]\)|[A-J][.):])\s", re.IGNORECASE)
_LABEL = re.compile(r"^\s*(?:question|problem|q)\s*\d*\s*:", re.IGNORECASE)
_ENDS = 150  # letters of either end: in between, texts made from one template are alike


def folds(texts: Sequence[str], count: int) -> NDArray[np.int64]:
    """The fold of each text, 0 to *count* - 1: the same wherever and whenever it is asked for."""
    return np.array([_number(question(text)) % count for text in texts], np.int64)


def question(text: str) -> str:
    """What is asked, without the options to choose from and without anything but letters and digits."""
    stem = _OPTIONS.split(_LABEL.sub("", cut(text)), maxsplit=1)[0]
    letters = "".join(filter(str.isalnum, stem.lower())) or text
    return letters if len(letters) <= 2 * _ENDS else letters[:_ENDS] + letters[-_ENDS:]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())
