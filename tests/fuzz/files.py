"""What stands on the disk: the journal, the configuration with its prices, the predictor."""

from __future__ import annotations

import hashlib
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from dd0c_route.brain import artefact
from dd0c_route.brain.layer import Layer
from dd0c_route.brain.lengths import LengthArrays
from dd0c_route.brain.predictor import SHIPPED
from dd0c_route.config import load, load_without_secrets
from dd0c_route.errors import BadBrain, ConfigError
from dd0c_route.ledger import records
from dd0c_route.ledger.fold import Fold
from dd0c_route.ledger.segments import Segment
from dd0c_route.pricing.catalog import Catalog
from dd0c_route.types import Reset
from dd0c_route.upstream.providers import known
from tests.config.examples import ENVIRON, VALID
from tests.fuzz.target import Target, body_of, chosen, cut

PLANTED = "planted-5f0c1e7a9d3b"  # made up: what a configuration's secrets are, where an input says `PLANTED`
FOLDER = Path(tempfile.mkdtemp(prefix="dd0c-fuzz-"))
AT_NS = 1_790_000_000_000_000_000


def check_journal(data: bytes) -> None:
    """Whatever happens to a journal's bytes: what stands before survives, nothing is invented, nothing raises."""
    written, ends = _journal(chosen(data))
    known_records = {(record.kind, record.payload) for record in records.scan(written, complete=True).records}
    damaged, first = _damaged(written, body_of(data))
    for complete in (True, False):
        found = records.scan(damaged, complete=complete)
        whole = [(record.kind, record.payload) for record in found.records]
        assert len([end for end in ends if end <= first]) <= len(whole), "a record before the damage is lost"
        assert whole[: len([end for end in ends if end <= first])] == _before(written, first)
        assert set(whole) <= known_records, "a record that nobody wrote"
        assert 0 <= found.end <= len(damaged)
        assert not complete or found.end == len(damaged)
    at = int.from_bytes(data[1:3], "big") % (len(damaged) + 1)
    living = records.scan(damaged[:at], complete=False)
    rest = records.scan(damaged[living.end :], complete=True)
    assert len(living.records) + len(rest.records) == len(records.scan(damaged, complete=True).records)
    _fold(body_of(data))


def _journal(choice: int) -> tuple[bytes, list[int]]:
    """Some records, and where each ends."""
    frame, written, ends = bytearray(), b"", []
    for number in range(1 + choice % 5):
        records.frame_into(frame, records.RESET, Reset(f"route-{number}" * (1 + choice // 5 % 9), "dd0i"))
        written += bytes(frame)
        ends.append(len(written))
    return written, ends


def _damaged(written: bytes, edits: bytes) -> tuple[bytes, int]:
    """*written* after some accidents, and the offset before which nothing happened."""
    first = len(written)
    for at in range(0, len(edits) - 3, 4):
        where = int.from_bytes(edits[at : at + 2], "big") % (len(written) + 1)
        how, what = edits[at + 2 : at + 4]
        first = min(first, where)
        if how % 5 == 0:
            written = written[:where] + bytes((what,)) + written[where + 1 :]
        elif how % 5 == 1:
            written = written[:where]
        elif how % 5 == 2:
            written = written[:where] + bytes(what) + written[where:]  # zeros, as after a crash of the machine
        elif how % 5 == 3:
            written = written[:where] + written[where + what :]
        else:
            written = written[:where] + edits[at + 4 : at + 4 + what] + written[where:]
    return written, first


def _before(written: bytes, first: int) -> list[tuple[bytes, bytes]]:
    return [(one.kind, one.payload) for one in records.scan(written, complete=True).records if one.end <= first]


def _fold(payload: bytes) -> None:
    """A whole record of another version, or of nobody: kept as unreadable, or read, never an error."""
    fold = Fold({}, lambda call_id: None)
    segment = Segment("1-" + "0" * 26, 0, FOLDER / "segment")
    for number, kind in enumerate(records._SEEDS):
        fold.add(segment, 0, records.Record(kind, payload, number))
    fold.end_run(segment.run)
    fold.batch({}, [])


def check_config(data: bytes) -> None:
    """Any file is a configuration, or is refused with the places of its faults, and never with a secret."""
    content = body_of(data).replace(b"PLANTED", PLANTED.encode())
    path = FOLDER / "dd0c.toml"
    path.write_bytes(content)
    environ = {**ENVIRON, "FUZZ_KEY": PLANTED}
    told: list[str] = []
    for with_secrets in (True, False):
        try:
            loaded = load(path, environ, {}, known()) if with_secrets else load_without_secrets(path, environ, known())
        except ConfigError as error:
            told += [error.message, str(error), repr(error)]
            assert error.message  # noqa: PT017 - it may be raised, not must
        else:
            told += [*loaded.warnings, repr(loaded)]
            Catalog.of(loaded.config).price("openai", "gpt-4o", AT_NS)
    if PLANTED.encode() not in content or _only_as_secret(content):
        assert not any(PLANTED in text for text in told), "a message says a secret"


def _only_as_secret(content: bytes) -> bool:
    """Whether `PLANTED` stands only where a secret is expected."""
    try:
        tree = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return True
    return all(name in ("api_key", "access_keys", "admin_password", "env", "file") for name in _holders(tree, ""))


def _holders(value: Any, name: str) -> list[str]:
    """The names of the fields in whose values or names `PLANTED` stands."""
    if isinstance(value, dict):
        keys = ["" for key in value if PLANTED in key]
        return keys + [found for key, inner in value.items() for found in _holders(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in _holders(inner, name)]
    return [name] if PLANTED in str(value) else []


def _config_seeds() -> list[bytes]:
    prices = (
        '[[prices]]\nprovider="openai"\nmodel="gpt-*"\ninput=1.25\noutput="10"\ncache_read=0.125\nsince=2026-01-31\n'
    )
    texts = [
        VALID,
        prices + 'source="x"\n[[prices]]\nprovider="a"\nmodel="b"\ninput=0\noutput=1e-3\nrequest=0.01\n',
        '[providers.a]\ndialect="openai"\nbase_url="http://127.0.0.1:1/v1"\napi_key="PLANTED"\n',
        '[providers.openai]\napi_key={env="FUZZ_KEY"}\n[server]\naccess_keys=["PLANTED"]\nadmin_password="PLANTED"\n',
        '[providers.openai]\napi_key={file="PLANTED"}\n[limits]\nhead_bytes=1000\n[timeouts]\nconnect_s=1.5\n',
        '[[routes]]\nid="r"\nmode="on"\ntargets=["openai/gpt-4o"]\n[routes.match]\nmodel="*"\ntags={team="core"}\n',
    ]
    return [cut(0, text.encode()) for text in texts]


def check_brain(data: bytes) -> None:
    """A file is a predictor or refused by name; what its hash covers is looked at all the same."""
    content = body_of(data)
    if chosen(data) & 1:
        content = b'{"dd0c_brain":' + content
    if chosen(data) & 2:
        content += hashlib.sha256(content).digest()
    path = FOLDER / "some.brain"
    path.write_bytes(content)
    try:
        parts, seen = artefact.load(path, (Layer, LengthArrays))
    except BadBrain as error:
        assert str(path) in error.message  # noqa: PT017 - it may be raised, not must
        return
    assert all(isinstance(models, tuple) for models, _ in parts)
    assert seen.dtype == "<u4"


def _brain_seeds() -> list[bytes]:
    head = SHIPPED.read_bytes().partition(b"\n")[0]
    names = list(Layer._fields)
    arrays = [{"name": name, "dtype": "<f4", "shape": [1, 1]} for name in names]
    small = {"dd0c_brain": artefact.VERSION, "parts": [{"kind": "Layer", "models": ["m"], "arrays": arrays}], "seen": 1}
    empty = {"dd0c_brain": artefact.VERSION, "parts": [], "seen": 0}
    texts = [msgspec.json.encode(one) + b"\n" + bytes(4 * (len(names) + 1)) for one in (small, empty)]
    return [cut(2, text) for text in (*texts, head[:2000])] + [cut(3, texts[0].removeprefix(b'{"dd0c_brain":'))]


_TOML = tuple(
    b'[server]|[[routes]]|[[prices]]|[providers.a]|[providers.openai]|[limits]|[timeouts]|[ledger]|[brain]|api_key=|{env="FUZZ_KEY"}|'
    b'{file="x"}|"PLANTED"|base_url="http://127.0.0.1/v1"|dialect="openai"|targets=["openai/gpt-4o"]|mode="on"|match={}|input=1|'
    b'output=1|nan|inf|-1|1e400|0x7fffffffffffffffff|1979-05-27T07:32:00Z|"""|[[]]|{}|\\u0000'.split(b"|")
)
JOURNAL = Target(
    check_journal, lambda: [cut(n, bytes(range(4 * n, 4 * n + 12))) for n in range(9)], (b"dd0s", b"dd0i"), 512
)
CONFIG = Target(check_config, _config_seeds, _TOML)
BRAIN = Target(
    check_brain, _brain_seeds, (b'"dtype":"', b'"shape":[', b'"kind":"', b'"seen":', b"<f4", b"|O", b"-1", b"1e9"), 2048
)
