"""Writing a configuration that was not there before."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write the file whole or not at all, with mode 0600 from its first byte on."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if force:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # unlike rename, this fails if somebody else was first
    except FileExistsError:
        raise click.ClickException(f"{path} is there already: --force replaces it") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
