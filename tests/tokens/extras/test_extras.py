from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import msgspec
import pytest

from dd0c_route.tokens import extras
from dd0c_route.tokens.extras import load_content, load_counter, path_of, vocabularies
from tests.tokens.extras.installed import counter_or_skip

ROWS = vocabularies()
COUNTS = json.loads((Path(__file__).parent / "counts.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("name", ROWS)
def test_each_vocabulary_is_an_extra_of_its_own_package(name: str) -> None:
    lines = PROJECT["optional-dependencies"][ROWS[name].extra]
    assert [line for line in lines if line.startswith(ROWS[name].package)]
    assert ROWS[name].source


@pytest.mark.parametrize("name", COUNTS["counts"])
def test_random_texts_count_as_another_implementation_counts_them(name: str) -> None:
    counter = counter_or_skip(name)
    for text, tokens in zip(COUNTS["texts"], COUNTS["counts"][name], strict=True):
        assert counter.count(text) == (tokens, 0), ascii(text)


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        ("gemma_3", "Hello, world!", 4),
        ("gemma_3", "  two spaces\n\n\nthree lines", 6),
        ("tekken", "Hello, world!", 4),
        ("tekken", "2024", 4),  # a token for each digit
        ("deepseek", "2024", 2),
        ("qwen", "2024", 4),
        ("qwen_3_5", "2024", 4),
        ("llama_3", "2024", 2),
        ("llama_4", "2024", 2),
    ],
)
def test_examples(name: str, text: str, tokens: int) -> None:
    assert counter_or_skip(name).count(text) == (tokens, 0)


@pytest.mark.parametrize("name", ["qwen", "qwen_3_5"])
def test_qwen_composes_characters_first(name: str) -> None:
    counter = counter_or_skip(name)
    assert counter.count("cafe\u0301") == counter.count("caf\u00e9")


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "piece", ["a", "aB", " ", "\n", " \n", "人", "🌍🔥", "^", "> <", "<t", "1", "\U000e0100a", "\ud800"]
)
def test_100_000_characters_without_a_split_take_no_time(name: str, piece: str) -> None:
    counter = counter_or_skip(name)
    text = (piece * 100_000)[:100_000]
    start = time.perf_counter()
    tokens, slack = counter.count(text)
    assert time.perf_counter() - start < 1.0  # 0.04 s on an idle machine
    assert tokens > 0
    assert slack == 0


@pytest.mark.parametrize("name", ROWS)
def test_only_no_text_counts_nothing(name: str) -> None:
    counter = counter_or_skip(name)
    assert counter.count("") == (0, 0)
    assert all(counter.count(chr(code))[0] > 0 for code in range(1, 0x3000))


def test_a_package_is_read_and_not_imported() -> None:
    counter_or_skip("gemma_3")
    code = (
        "import sys\n"
        "from dd0c_route.tokens.extras import load_counter, vocabularies\n"
        "modules = {row.file.partition('/')[0] for row in vocabularies().values() if load_counter(row.name)}\n"
        "print(sorted(modules & sys.modules.keys()))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a package of our own, in the folder of which it is not imported."""
    file = tmp_path / "package_of_ours" / "words.tiktoken"
    file.parent.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    return file


def row(content: bytes) -> extras.Vocabulary:
    digest = hashlib.sha256(content).hexdigest()
    known = ROWS["qwen"]
    return msgspec.structs.replace(known, name="ours", file="package_of_ours/words.tiktoken", sha256=digest)


BYTES = b"".join(b"%s %d\n" % (base64.b64encode(bytes([byte])), byte) for byte in range(256))


def test_a_vocabulary_is_found_where_its_package_is_installed(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "ours", row(BYTES))
    assert path_of(row(BYTES)) is None
    assert load_counter("ours") is None
    package.write_bytes(BYTES)
    counter = load_counter("ours")
    assert counter is not None
    assert counter.count("abc") == (3, 0)


def test_a_file_that_is_not_the_known_one_is_not_used(package: Path) -> None:
    package.write_bytes(BYTES + b"YWI= 256\n")
    assert path_of(row(BYTES)) == package
    assert load_content(row(BYTES)) is None


def test_only_the_beginning_of_a_file_is_read_where_that_is_all_there_is_to_it(package: Path) -> None:
    package.write_bytes(BYTES + b"weights")
    assert load_content(msgspec.structs.replace(row(BYTES), bytes=len(BYTES))) == BYTES


def test_a_name_that_is_none_of_these_has_no_counter() -> None:
    assert load_counter("") is None
