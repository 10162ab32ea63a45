"""Where secrets come from: `{ env = "NAME" }`, `{ file = "path" }`, or, with a warning, the text itself.

No message holds a secret's value, nor a name or path that may be a secret put in the wrong place.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dd0c_route.config.settings import AccessKey
from dd0c_route.config.values import Fault, Text, structured
from dd0c_route.types import Secret

Warn = Callable[[str], None]

_STORED_PREFIX = "sha256:"
_STORED = re.compile(r"sha256:[0-9a-fA-F]{64}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")  # a key put here by mistake rarely looks like this
_FOREIGN_REFERENCE = re.compile(r"\$\{?(\w+)\}?|os\.environ/(\w+)|env:(\w+)")  # shell, LiteLLM, others
_MAX_FILE_BYTES = 64 << 10  # a key has a few hundred bytes; a longer file is another one
_SHORT_CHARS = 20  # what can be tried out
_HOW = 'write { env = "NAME" } or { file = "path" }'


def secret(value: Any, base_dir: Path, environ: Mapping[str, str], warn: Warn) -> Secret:
    """Resolve a reference or a literal.

    Args:
        base_dir: What a relative `file` is relative to: the folder of the configuration.

    Raises:
        Fault: No reference, nothing behind it, or nothing that can stand in a header.
    """
    return Secret(_resolved(value, base_dir, environ, warn))


def access_key(value: Any, base_dir: Path, environ: Mapping[str, str], warn: Warn) -> AccessKey:
    """Resolve one of `[server] access_keys`: a stored hash, or a secret that is hashed here and forgotten."""
    text = value.value if isinstance(value, Text) else value
    if isinstance(text, str) and text.startswith(_STORED_PREFIX):
        if not _STORED.fullmatch(text):
            raise Fault("expected 'sha256:' and 64 hex digits: make one with 'dd0c-route key new'")
        digest = bytes.fromhex(text.removeprefix(_STORED_PREFIX))
    else:
        key = _resolved(value, base_dir, environ, warn)
        if len(key) < _SHORT_CHARS:
            warn(f"shorter than {_SHORT_CHARS} characters, can be guessed: make one with 'dd0c-route key new'")
        digest = hashlib.sha256(key.encode()).digest()
    return AccessKey(id=digest.hex()[:8], digest=digest)


def _resolved(value: Any, base_dir: Path, environ: Mapping[str, str], warn: Warn) -> str:
    if isinstance(value, Text):
        if not value.value.startswith("{"):
            return _header_safe(value.value)
        value = structured(value)
    if isinstance(value, str):
        return _literal(value, warn)
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= {"env", "file"}:
        raise Fault(f"expected one reference to a secret: {_HOW}")
    ((kind, name),) = value.items()
    name = name.value if isinstance(name, Text) else name
    if not isinstance(name, str) or not name:
        raise Fault(f"expected a text behind '{kind}': {_HOW}")
    return _from_environ(name, environ) if kind == "env" else _from_file(base_dir / name, name, warn)


def _literal(text: str, warn: Warn) -> str:
    if reference := _FOREIGN_REFERENCE.fullmatch(text):
        name = next(filter(None, reference.groups()))
        raise Fault(f'variables are not expanded: write {{ env = "{name}" }}')
    warn(f"a secret stands in the file itself: {_HOW}")
    return _header_safe(text)


def _from_environ(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if value:
        return _header_safe(value)
    if _VARIABLE.fullmatch(name):
        raise Fault(f"the environment variable {name} is not set: export it, or name another")
    raise Fault("the environment variable that it names is not set ('env' takes the name, never the secret)")


def _from_file(path: Path, name: str, warn: Warn) -> str:
    spoken = f"the secret file '{name}'" if "/" in name or "." in name else "the secret file that it names"
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE_BYTES:
            raise Fault(f"{spoken} is not a file of at most {_MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise Fault(f"{spoken} cannot be read ({reason}): create it, or make it readable for this user") from None
    if not text:
        raise Fault(f"{spoken} is empty")
    if status.st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"{spoken} can be read by others: chmod 600")
    return _header_safe(text)


def _header_safe(text: str) -> str:
    """A secret travels in a header: printable ASCII only, or it could break out of it."""
    if not text:
        raise Fault(f"the secret is empty: {_HOW}")
    if not (text.isascii() and text.isprintable()):
        raise Fault("the secret holds a line break or a character that cannot stand in a header")
    return text
