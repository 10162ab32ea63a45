"""`sys.stderr` that redacts: the last writer before the terminal or the log collector."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from typing import TextIO

from dd0c_route.redact.scrub import redact_sensitive

MAX_LINE_CHARS = 64 << 10  # a line that is longer is written in pieces


class RedactingStderr(io.TextIOBase):
    """Whole lines are redacted and written at once; the rest waits for its end, or for `flush`.

    It has no `buffer`: bytes written past the text layer would not be looked at.
    """

    def __init__(self, raw: TextIO, lock: AbstractContextManager[object]) -> None:
        self.raw = raw
        self._line = ""
        self._lock = lock

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        return self.raw.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # a plain attribute there
        return self.raw.errors

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self._line += text
            if "\n" in text or "\r" in text or len(self._line) > MAX_LINE_CHARS:
                end = max(self._line.rfind("\n"), self._line.rfind("\r")) + 1 or len(self._line)
                whole, self._line = self._line[:end], self._line[end:]
                self.raw.write(redact_sensitive(whole))
                self.raw.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            rest, self._line = self._line, ""
            if rest:
                self.raw.write(redact_sensitive(rest))
            self.raw.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.raw.isatty()

    def fileno(self) -> int:
        return self.raw.fileno()
