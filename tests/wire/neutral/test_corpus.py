"""Every recorded exchange through every other dialect and back: the meaning is kept.

`DD0C_CORPUS_ALL=1` translates all of them and prints the counts of each pair (`-s`); a plain run takes a sample, the
same one each time. The same through real processes: `tests/proxy/test_translated.py`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from dd0c_route.errors import BadRequest, UpstreamInvalid
from dd0c_route.wire.body import split
from dd0c_route.wire.meter import meter_for
from dd0c_route.wire.neutral import DIALECTS, Aim, Opening
from dd0c_route.wire.neutral.dialect import Dialect
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import Answer, Fault, Piece, Thinking, ToolCall
from tests.wire.corpus import body_of, records
from tests.wire.neutral.meaning import asked, said

ALL = os.environ.get("DD0C_CORPUS_ALL") == "1"
SAMPLE = 5  # one in so many, by the recording's own hash
PAIRS = [(api, other) for api in DIALECTS for other in DIALECTS if api != other]
JSON = "application/json"
IN_PATH = ("gemini.generate", "bedrock.converse")  # whose body does not say whether it is a stream
OPENING = Opening("opening", "opened", 1_700_000_000)
# Several choices, sound, compaction: what is asked for only where nothing is translated.
_UNTRANSLATED = (b'"transcript"', b'"compaction"')


@cache
def _chosen(api: str) -> list[dict[str, Any]]:
    return [record for record in records(api) if ALL or int(record["hash"][:8], 16) % SAMPLE == 0]


def chosen(api: str) -> Iterator[tuple[dict[str, Any], str, bytes]]:
    """Recordings with the type and the bytes of their answers."""
    for record in _chosen(api):
        yield record, *body_of(record)


def pieces_of(dialect: Dialect, body: bytes, rng: random.Random) -> list[Piece]:
    """A stream, cut anywhere."""
    reader, pieces, at = dialect.reader(), [], 0
    while at < len(body):
        size = rng.choice((3, 50, 900, 9000))
        pieces += reader.feed(body[at : at + size])
        at += size
    return pieces + reader.end()


def crossed(theirs: Dialect, ours: Dialect, kind: str, body: bytes, rng: random.Random) -> tuple[Answer, Answer] | None:
    """The answer as its own dialect says it, and as the other one does; None where it is an error."""
    if kind == JSON:
        try:
            answer = theirs.read_answer(body)
        except UpstreamInvalid:
            assert b'"error"' in body
            return None
        return answer, ours.read_answer(ours.write_answer(answer))
    pieces = pieces_of(theirs, body, rng)
    writer = ours.writer(OPENING)
    back = pieces_of(ours, b"".join([writer.feed([piece]) for piece in pieces]) + writer.end(), rng)
    if any(isinstance(piece, Fault) for piece in pieces):
        assert any(isinstance(piece, Fault) for piece in back)
        return None
    return answer_of(pieces), answer_of(back)


@pytest.mark.timeout(600 if ALL else 60)
@pytest.mark.parametrize(("api", "other"), PAIRS)
def test_every_recorded_answer_says_the_same_in_the_other_dialect(api: str, other: str) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for record, kind, body in chosen(api):
        found = crossed(DIALECTS[api], DIALECTS[other], kind, body, random.Random(record["id"]))
        if found is None:
            counts["error"] += 1
            continue
        answer, back = found
        if any(isinstance(part, ToolCall) and part.custom for part in answer.parts):
            counts["free text of a custom tool"] += 1  # is asked for only where nothing is translated
            continue
        one, two = said(answer), said(back)
        if "bedrock.converse" in (api, other):
            one["totals"], two["totals"] = _without_thoughts(one["totals"]), _without_thoughts(two["totals"])
        differing = [(name, one[name], two[name]) for name in one if one[name] != two[name]]
        counts["wrong" if differing else "kept"] += 1
        wrong += [(record["id"], differing)] if differing else []
    print(f"\nanswers {api} -> {other}: {dict(counts)}")
    assert not wrong, wrong[:5]
    assert counts["kept"] > 20


def _without_thoughts(totals: Any) -> Any:
    """Converse counts them among what was said."""
    return totals[:3] if totals else totals or (0, 0, 0)


@pytest.mark.timeout(600 if ALL else 60)
@pytest.mark.parametrize("api", list(DIALECTS))
def test_every_recorded_answer_is_read_as_the_meter_reads_it(api: str) -> None:
    dialect = DIALECTS[api]
    for record, kind, body in chosen(api):
        meter = meter_for(api, kind, "")
        meter.whole(body)
        several = record["request"].get("n", 1) != 1
        if meter.error is not None or several or any(word in body.replace(b" ", b"") for word in _UNTRANSLATED):
            continue
        found = crossed(dialect, dialect, kind, body, random.Random(record["id"]))
        if found is None:
            continue
        answer = found[0]
        refused = "".join(getattr(part, "text", "") for part in answer.parts if not isinstance(part, Thinking))
        assert refused == meter.output_at().text, record["id"]
        if meter.reported is not None and meter.reported.final:
            assert answer.usage == meter.reported.usage


@pytest.mark.timeout(600 if ALL else 60)
@pytest.mark.parametrize(("api", "other"), PAIRS)
def test_every_recorded_request_is_whole_in_the_other_dialect_or_says_what_is_not(api: str, other: str) -> None:
    """Where nothing is said to be lost nothing is; and what is lost takes no more with it than itself."""
    ours, theirs = DIALECTS[api], DIALECTS[other]
    counts: Counter[str] = Counter()
    names: Counter[str] = Counter()
    wrong = []
    for record, _, _ in chosen(api):
        try:
            prompt = ours.read_request(split(msgspec.json.encode(record["request"])))
        except BadRequest as error:
            counts["not understood"] += 1
            names[str(error)[:60]] += 1
            continue
        written = theirs.write_request(prompt, Aim("a-model"))
        one, two = asked(prompt), asked(theirs.read_request(split(written.body)))
        if one["most"] is None:  # some APIs insist on one
            two["most"] = None
        names.update(loss.field for loss in written.losses)
        kept = ("instructions",) if written.losses else tuple(one)
        if not {api, other}.isdisjoint(IN_PATH):
            two["stream"] = one["stream"]
        if "bedrock.converse" in (api, other) and one["choice"] == "none":  # who has no tools calls none
            kept = tuple(name for name in kept if name not in ("tools", "choice"))
        differing = [(name, one[name], two[name]) for name in kept if one[name] != two[name]]
        counts["wrong" if differing else "refused by name" if written.losses else "kept"] += 1
        wrong += [(record["id"], differing)] if differing else []
    print(f"\nrequests {api} -> {other}: {dict(counts)}\n  {dict(names.most_common(40))}")
    assert not wrong, wrong[:5]
    assert counts["kept"] > 20
    assert counts["not understood"] <= counts.total() // 100 + 1
