"""The vocabularies that travel with the package: unpacked when first needed, checked before use, never fetched."""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files

import zstandard


def load_vocabulary(name: str) -> bytes:
    """The content of one packed vocabulary. Takes some 20 ms.

    Raises:
        ValueError: The file is not the one that was published: its SHA-256 differs from `vocabularies/index.toml`.
    """
    folder = files(__package__).joinpath("vocabularies")
    row = tomllib.loads(folder.joinpath("index.toml").read_text("utf-8"))[name]
    packed = folder.joinpath(f"{name}.zst").read_bytes()
    try:
        content = zstandard.ZstdDecompressor().decompress(packed, max_output_size=row["bytes"])
    except zstandard.ZstdError:
        content = b""
    if hashlib.sha256(content).hexdigest() != row["sha256"]:
        raise ValueError(f"the vocabulary {name} is damaged (its SHA-256 is wrong): install dd0c-route again")
    return content
