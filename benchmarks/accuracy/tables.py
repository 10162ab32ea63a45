"""The tables, as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.accuracy.measured import ENOUGH, Measured, errors, in_band, least, pairs_of, share, width
from benchmarks.accuracy.targets import TARGETS, WORDS

MISSED = "(missed)"
OTHERS = ("litellm", "length", "claude_2")


def percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def reached(value: float, least: float) -> str:
    return percent(value) if value >= least else f"{percent(value)} {MISSED}"


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def head(*names: str) -> Iterator[str]:
    yield line(*names)
    yield "|" + "---|" * len(names)


def by_row(found: Iterable[Measured]) -> dict[str, list[Measured]]:
    rows: dict[str, list[Measured]] = defaultdict(list)
    for one in found:
        rows[one.case.row].append(one)
    return dict(sorted(rows.items()))


def targets_table(found: Sequence[Measured]) -> Iterator[str]:
    """What was to be reached, what is, in the worst repository too, and what the others reach by the same measure."""
    yield from head("what", "n", "measure", "target", "reached", "least in one repository", "litellm", "length / 4")
    for target in TARGETS:
        some = [one for one in found if target.rows.search(one.case.row)]
        if not some:
            continue
        lowest, source = least(some, target.field)
        others = [pairs_of(some, who) for who in ("litellm", "length")]
        shown = [percent(getattr(errors(pairs), target.field)) if pairs else "-" for pairs in others]
        mine = reached(getattr(errors(pairs_of(some)), target.field), target.least)
        yield line(
            *(target.what, len(some), WORDS[target.field], percent(target.least), mine),
            *(f"{percent(lowest)} {source}".strip() if source else "-", *shown),
        )


def classes_table(found: Sequence[Measured]) -> Iterator[str]:
    """Each class of at least `ENOUGH` cases: shares and errors, the band, and the same of what others use."""
    yield from head(
        *("class", "n", "exact", "within 1 %", "or 2 tokens", "median", "95 of 100 below", "in the band", "its width"),
        *("litellm within 1 %", "median", "95 of 100 below", "length / 4 median", "Claude-2 tokenizer median"),
    )
    rows = by_row(found)
    few = [one for some in rows.values() if len(some) < ENOUGH for one in some]
    for row, some in rows.items():
        if len(some) >= ENOUGH:
            yield class_line(row, some)
    if few:
        yield class_line("classes of fewer", few)


def class_line(row: str, some: Sequence[Measured]) -> str:
    mine = errors(pairs_of(some))
    widths = [width(one) for one in some if one.ours.exactness != "exact"]
    theirs = {who: errors(pairs) if (pairs := pairs_of(some, who)) else None for who in OTHERS}
    litellm = theirs["litellm"]
    return line(
        *(row, len(some), *map(percent, (mine.exact, mine.within, mine.near, mine.middle, mine.most))),
        *(percent(share(map(in_band, some))), percent(median(widths)) if widths else "-"),
        *(map(percent, (litellm.within, litellm.middle, litellm.most)) if litellm else "---"),
        *(percent(one.middle) if (one := theirs[who]) else "-" for who in ("length", "claude_2")),
    )


def estimates_table(found: Sequence[Measured]) -> Iterator[str]:
    """All that is called an estimate, and all that is called exact."""
    estimated = [one for one in found if one.ours.exactness != "exact"]
    exact = [one for one in found if one.ours.exactness == "exact"]
    yield from head("what", "n", "to reach", "reached", "least in one repository", "median width of the band")
    for what, some, wanted in (
        ("estimates, truth in the band", estimated, 0.95),
        ("called exact, right", exact, 0.98),
    ):
        by_source: dict[str, list[bool]] = defaultdict(list)
        for one in some:
            by_source[one.case.source].append(in_band(one))
        low, source = min((share(hits), source) for source, hits in by_source.items() if len(hits) >= ENOUGH)
        held = reached(share(map(in_band, some)), wanted)
        middle = percent(median(map(width, some)))
        yield line(what, len(some), percent(wanted), held, f"{percent(low)} {source}", middle)
