"""Print what learning from reported usage brings, on recorded requests in their order: predict, then learn.

    DD0C_CORPUS=folder python scripts/calibration_accuracy.py                # against the folder's recordings/
    DD0C_CORPUS=folder python scripts/calibration_accuracy.py --whole-model  # as if all kinds of requests were one

Each repository of the recordings is an installation of its own that starts without any knowledge: nothing is learned
from one and used in another. A class is a family of models, at its maker's or at another host, and a kind of request.
Of each: how many requests there are and how many of them were corrected, and of the corrected ones, before and after:
counted to the token, within 1 % or two tokens, the error that 95 of 100 stay below, inside the band, and the median
width of the band.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Raw, Struct

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from dd0c_route.tokens import count_request_exactly
from dd0c_route.tokens.calibration import Calibration, Residuals, keys
from dd0c_route.tokens.traits import Traits, traits
from dd0c_route.types import Count

APIS = (
    *("openai.chat", "openai.completions", "openai.responses", "embeddings", "anthropic.messages"),
    *("gemini.generate", "bedrock.converse", "bedrock.invoke", "cohere.chat", "ollama"),
)
MAKERS = ("openai", "anthropic", "google", "vertex", "azure")


class Told(Struct, frozen=True):
    """A recorded call: how it was counted, and what its provider reported."""

    source: str
    provider: str
    model: str
    traits: Traits
    count: Count
    reported: int


class Predicted(Struct, frozen=True):
    """The same, with what was predicted for it."""

    told: Told
    corrected: Count


def calls(folder: Path) -> Iterator[Told]:
    """All recorded calls whose input the provider reported, in the order of the files."""
    for api in APIS:
        with gzip.open(folder / f"{api}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                request, reported = record["request"], (record.get("usage_norm") or {}).get("input_total")
                if not isinstance(request, dict) or not reported or "[REDACTED]" in line:
                    continue
                fields = {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}
                provider, model = record["provider"], record["model"] or ""
                count = count_request_exactly(api, fields, model, provider)
                yield Told(record["source"], provider, model, traits(api, fields), count, reported)


def predicted(told: Iterator[Told], *, whole_model: bool = False) -> list[Predicted]:
    """Each call as its installation would have counted it, knowing the calls before it."""
    installations: defaultdict[str, dict[str, tuple[tuple[int, int], ...]]] = defaultdict(dict)
    found = []
    for call in told:
        windows = installations[call.source]
        of = Traits(call.traits.api) if whole_model else call.traits
        mine = {key: windows[key] for key in keys(call.count, call.provider, call.model, of) if key in windows}
        calibration: Calibration = Residuals(mine).calibration()
        found.append(Predicted(call, calibration.correct(call.count, call.provider, call.model, of)))
        windows |= Residuals(mine).add(call.count, call.reported, call.provider, call.model, of)
    return found


def class_of(call: Told) -> str:
    model = call.model.lower()
    if "claude" in model:
        family = "Claude"
    elif "gemini" in model:
        family = "Gemini"
    else:
        family = "OpenAI" if call.count.tokenizer in ("o200k_base", "cl100k_base", "p50k_base") else "others"
    return f"{family}{'' if call.provider in MAKERS else ', other hosts'}, {call.traits.kind}"


def shares(counts: list[tuple[Count, int]]) -> list[str]:
    """The cells that are shown of some counts and what was reported."""
    errors = sorted(abs(count.tokens - true) / true for count, true in counts)
    each = (
        [count.tokens == true for count, true in counts],
        [abs(count.tokens - true) <= max(2, true * 0.01) for count, true in counts],
    )
    inside = sum(count.band[0] <= true <= count.band[1] for count, true in counts) / len(counts)
    width = median((count.band[1] - count.band[0]) / true for count, true in counts)
    cells = [f"{sum(hits) / len(counts):.1%}" for hits in each]
    return [*cells, f"{errors[len(errors) * 95 // 100]:.1%}", f"{inside:.1%}", f"{width:.1%}"]


def table(found: list[Predicted]) -> Iterator[str]:
    """A row for each class in which something was corrected, and one for all."""
    titles = ["exact", "1 % or 2", "95 of 100 below", "in the band", "width"]
    yield f"| class | n | corrected | {' | '.join(titles)} | {' | '.join(f'{title}, after' for title in titles)} |"
    yield "|---" * (3 + 2 * len(titles)) + "|"
    classes: defaultdict[str, list[Predicted]] = defaultdict(list)
    for one in found:
        classes[class_of(one.told)].append(one)
    for name, ones in [*sorted(classes.items()), ("all", found)]:
        touched = [one for one in ones if one.corrected != one.told.count]
        if touched:
            before = shares([(one.told.count, one.told.reported) for one in touched])
            after = shares([(one.corrected, one.told.reported) for one in touched])
            yield f"| {name} | {len(ones)} | {len(touched)} | {' | '.join(before)} | {' | '.join(after)} |"


def main() -> None:
    folder = Path(os.environ["DD0C_CORPUS"]) / "recordings"
    found = predicted(calls(folder), whole_model="--whole-model" in sys.argv)
    print("\n".join(table(found)))
    touched = [one for one in found if one.corrected != one.told.count]
    exact = [one for one in found if one.told.count.exactness == "exact"]
    errors = [(abs(one.told.count.tokens - one.told.reported), abs(one.corrected.tokens - one.told.reported))
              for one in touched]  # fmt: skip
    better, worse = sum(old > new for old, new in errors), sum(new > old for old, new in errors)
    print(f"\nOf {len(touched)} corrected counts {better} came nearer and {worse} went further away.")
    print(f"Of {len(exact)} exact counts {sum(one.corrected != one.told.count for one in exact)} were touched.")


if __name__ == "__main__":
    main()
