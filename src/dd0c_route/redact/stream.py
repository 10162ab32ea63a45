"""The redactor for a text that comes in pieces, cut anywhere."""

from __future__ import annotations

from collections import Counter

from dd0c_route.redact.registry import longest_form
from dd0c_route.redact.scrub import find, masked

OVERLAP_CHARS = 4 << 10  # longer than any credential of `rules.toml` but a private key, which is held until its end
CONTEXT_CHARS = 256  # of what is already out, so that a value does not lose the name before it
MAX_HELD_CHARS = 64 << 10  # a "credential" longer than this is masked up to here and its rest looked at anew


class StreamRedactor:
    """Redact piece by piece; the last few KiB wait until it is clear what they belong to.

    Attributes:
        masked: How many secrets of which rule.
    """

    def __init__(self) -> None:
        self.masked: Counter[str] = Counter()
        self._text = ""  # context that is out already, then what is held
        self._out = 0  # characters of it that are out
        self._new = 0  # characters that came since it was last looked at

    def feed(self, piece: str) -> str:
        """Take *piece*; return what can be said for sure by now."""
        self._text += piece
        self._new += len(piece)
        overlap = max(OVERLAP_CHARS, longest_form())
        # Looked at when another overlap has come, not with every piece: each character is then seen a few times only.
        if self._new < overlap or len(self._text) - self._out < 2 * overlap:
            return ""
        self._new = 0
        return self._release(len(self._text) - overlap)

    @property
    def held(self) -> bool:
        """Something waits for what may follow it."""
        return self._out < len(self._text)

    def lines(self) -> str:
        """The whole lines that are held, for a reader who would wait too long: what follows is still masked by them.

        A private key that has begun is held to its end.
        """
        cut = max(self._text.rfind("\n"), self._text.rfind("\r")) + 1
        key = self._text.rfind("-----BEGIN ", self._out)
        if key > self._text.rfind("-----END ") and "PRIVATE KEY" in self._text[key:]:
            cut = min(cut, key)
        return self._release(cut) if cut > self._out else ""

    def end(self) -> str:
        """What was held."""
        rest = self._release(len(self._text))
        self._text, self._out, self._new = "", 0, 0
        return rest

    def _release(self, cut: int) -> str:
        spans = find(self._text)
        for start, end, _ in spans:
            if start < cut < end:
                cut = start if start >= self._out and end - start < MAX_HELD_CHARS else end
        # What began in the context is masked there already; its rest just goes.
        done = max([self._out, *(end for start, end, _ in spans if start < self._out < end)])
        ready = [(start - done, end - done, name) for start, end, name in spans if start >= done and end <= cut]
        self.masked.update(name for _, _, name in ready)
        clean = masked(self._text[done:cut], ready)
        keep_from = max(0, cut - CONTEXT_CHARS)
        self._text, self._out = self._text[keep_from:], max(cut, done) - keep_from
        return clean
