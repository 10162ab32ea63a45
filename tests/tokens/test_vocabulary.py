from __future__ import annotations

import hashlib
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
import tiktoken_ext.openai_public
import zstandard

from dd0c_route.tokens import vocabulary
from dd0c_route.tokens.vocabulary import load_vocabulary

# What OpenAI's own package expects of the files that it would download, read from its source.
PUBLISHED = dict(
    re.findall(
        r'encodings/(\w+)\.tiktoken",\s*expected_hash="([0-9a-f]{64})"',
        Path(tiktoken_ext.openai_public.__file__).read_text(encoding="utf-8"),
    )
)


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base", "p50k_base"])
def test_openais_vocabularies_are_the_published_ones(name: str) -> None:
    assert hashlib.sha256(load_vocabulary(name)).hexdigest() == PUBLISHED[name]


@pytest.mark.parametrize("content", [b"", b"not packed", zstandard.compress(b"another vocabulary")])
def test_a_damaged_vocabulary_is_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "vocabularies"
    folder.mkdir()
    index = files("dd0c_route.tokens").joinpath("vocabularies", "index.toml").read_text("utf-8")
    (folder / "index.toml").write_text(index, encoding="utf-8")
    (folder / "p50k_base.zst").write_bytes(content)
    monkeypatch.setattr(vocabulary, "files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="the vocabulary p50k_base is damaged"):
        load_vocabulary("p50k_base")


def test_every_vocabulary_has_its_source_and_its_licence() -> None:
    folder = files("dd0c_route.tokens").joinpath("vocabularies")
    index = tomllib.loads(folder.joinpath("index.toml").read_text("utf-8"))
    licences = folder.joinpath("LICENSES.txt").read_text("utf-8")
    packed = {file.name.removesuffix(".zst") for file in folder.iterdir() if file.name.endswith(".zst")}
    assert packed == index.keys()
    assert all(row["source"] for row in index.values())
    assert all(name in licences for name in index)
