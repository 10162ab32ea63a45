"""Whether what the brain says can be believed: calibration, promises, and choices that noise does not change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.routing.data import Data
from benchmarks.routing.metrics import Floats, Ints, chosen, ece, reliability, settings
from benchmarks.routing.pairs import STRONG, WEAK, asked
from benchmarks.routing.pools import names, pool
from benchmarks.routing.promise import DELTA, DRAWS, cells
from benchmarks.routing.table import heading, percent, row
from dd0c_route.brain.predictor import Predictor

FLOOR = 0.9
_PROMPTS = 300  # of each pool, for noise
_NOISE: dict[str, Callable[[str], str]] = {
    "a frame of signs": lambda text: f"{'~' * 60}\n{text}\n{'+' * 30}",
    "filler": lambda text: f"Trains run late on Sundays, and the bakery is shut. {text}",
    "politeness": lambda text: f"Dear team, pardon the intrusion. {text} Any pointers are welcome, cheers!",
    "keywords in front": lambda text: f"Graduate level, rigorous, theorem, compiler, diagnosis. {text}",
    "keywords behind": lambda text: f"{text} regex tax cardiology kernel sonnet",
    "white space": lambda text: re.sub(r"\s+", lambda found: found[0] * 2, text),
    "upper case": str.upper,
    "other words for the task": lambda text: f"Someone in class came up with this one. {text} Work it out.",
}


def calibration(data: Data, unseen: Floats) -> Iterator[str]:
    """By source, and one table of all: how often what was said came true."""
    known = ~np.isnan(unseen) & ~np.isnan(data.scores)
    said, was = np.clip(unseen[known], 0, 1), data.scores[known]
    yield from heading("Calibration, out of fold", "source", "scores", "ECE")
    where = np.broadcast_to(data.sources[:, None], known.shape)[known]
    for source in np.unique(where):
        own = where == source
        yield row(str(source), f"{own.sum():,}", f"{ece(reliability(said[own], was[own])):.3f}")
    table = reliability(said, was)
    yield row("all", f"{len(said):,}", f"{ece(table):.3f}")
    yield from heading("Reliability, all sources", "p_good, mean of a tenth", "scores", "mean score")
    for one in table:
        yield row(f"{one.said:.3f}", f"{one.prompts:,}", f"{one.was:.3f}")


def promises(data: Data, unseen: Floats) -> Iterator[str]:
    given = asked(data, "routellm-mmlu")
    p_weak, p_strong = unseen[given.rows][:, [data.column(WEAK), data.column(STRONG)]].T
    title = f"Promises on RouteLLM's MMLU pair: {DRAWS} draws a cell, {DELTA:.0%} of them may break it"
    columns = ("labels", "epsilon", "promise given", "sent to the weak model", "broken")
    yield from heading(title, *columns, "sent, tuned threshold", "broken, tuned threshold")
    for one in cells(p_weak, p_strong, given.weak, given.strong):
        figures = (one.given, one.weak, one.broken, one.tuned_weak, one.tuned_broken)
        yield row(f"{one.labels:,}", f"{one.epsilon}", *(percent(figure) for figure in figures))


def noise(data: Data, predictor: Predictor) -> Iterator[str]:
    """Before and after a prompt is disturbed. Of the pair: half of the calls to either model. Of a pool: by the
    cheapest that is good enough, as routes do without further words; and at the exchange rate at which choices are most
    evenly spread, where most of them are close."""
    title = f"Choices that noise changes (pools: `cheapest-capable` at {FLOOR}; at the rate where most are close)"
    yield from heading(title, "noise", "RouteLLM's pair", *names())
    rows = np.random.default_rng(0).choice(asked(data, "routellm-mmlu").rows, _PROMPTS, replace=False)
    pair = [data.prompts[row] for row in rows]
    need = _need(predictor, pair)
    half = float(np.median(need))
    pools = [pool(data, name) for name in names()]
    drawn = [own.only(np.random.default_rng(0).choice(len(own.rows), _PROMPTS, replace=False)) for own in pools]
    said = [_odds(predictor, [data.prompts[row] for row in own.rows], own.models) for own in drawn]
    rates = [_telling(p_good, own.expected) for p_good, own in zip(said, drawn, strict=True)]
    for name, disturb in _NOISE.items():
        after = _need(predictor, [disturb(prompt) for prompt in pair])
        flips = [percent(float(((need >= half) != (after >= half)).mean()))]
        for own, p_good, rate in zip(drawn, said, rates, strict=True):
            disturbed = _odds(predictor, [disturb(data.prompts[row]) for row in own.rows], own.models)
            usual = _usual(p_good, own.expected) != _usual(disturbed, own.expected)
            close = chosen(p_good, own.expected, rate) != chosen(disturbed, own.expected, rate)
            flips.append(f"{percent(float(usual.mean()))}; {percent(float(close.mean()))}")
        yield row(name, *flips)


def _odds(predictor: Predictor, prompts: list[str], models: tuple[str, ...]) -> Floats:
    return np.array([predictor.predict(prompt, models).p_good for prompt in prompts], np.float64)


def _need(predictor: Predictor, prompts: list[str]) -> Floats:
    """How much rather the strong model of the pair, (n,)."""
    odds = _odds(predictor, prompts, (STRONG, WEAK))
    return np.asarray(odds[:, 0] - odds[:, 1])


def _usual(p_good: Floats, expected: Floats) -> Ints:
    """The cheapest that is good enough, else the likeliest."""
    able = p_good >= FLOOR
    cheapest = np.where(able, expected, np.inf).argmin(axis=1)
    return np.asarray(np.where(able.any(axis=1), cheapest, p_good.argmax(axis=1)), dtype=np.int64)


def _telling(p_good: Floats, expected: Floats) -> float:
    """The rate at which the most frequent choice is least frequent: where flips are likeliest."""

    def most(rate: float) -> int:
        return int(np.bincount(chosen(p_good, expected, rate)).max())

    return float(min(settings(expected), key=most))
