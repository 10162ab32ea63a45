"""Pools of several models: what is had for how much, at home and away from it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.routing import fits, simple
from benchmarks.routing.bootstrap import Interval
from benchmarks.routing.data import Data
from benchmarks.routing.judged import Curve, curve, difference, fixed, on_pool, oracle, quality_at
from benchmarks.routing.metrics import Floats, Ints
from benchmarks.routing.pools import names, pool, rows_of
from benchmarks.routing.table import heading, row


def section(data: Data, unseen: Floats, vectors: Floats) -> Iterator[str]:
    """*unseen*: (n, m): p_good by fits to the other folds; *vectors*: (n, d): what kNN looks at."""
    for name in names():
        own = pool(data, name)
        columns = ("router", "AIQ", "above the zero router", "saved at best single's quality, %")
        yield from heading(f"{own.title}, n = {len(own.rows):,}", *columns)
        fold, scores = data.fold[own.rows], own.scores
        groups = np.char.add(data.tasks[own.rows], data.subjects[own.rows])
        best = int(scores.mean(axis=0).argmax())
        single = f"{100 * scores[:, best].mean():.2f} at ${own.costs[:, best].mean():.3f} per 1,000"
        yield row(f"best single, {own.models[best]}", f"({single})", "-", "-")
        routers = {
            "zero router": fixed(own),
            "kNN": curve(own, simple.by_neighbours(scores, fold, vectors[own.rows])),
            "means of the true task or subject": curve(own, simple.by_group(scores, fold, groups)),
            "**ours**": curve(own, unseen[own.rows][:, data.columns(own.models)]),
            "oracle": oracle(own),
        }
        for who, router in routers.items():
            judged = on_pool(own, router)
            yield row(who, judged.aiq.text(2), judged.gain.text(2), _saved(judged.saved))


def _saved(found: Interval) -> str:
    if found.value < -1e6:
        return "never reached"
    return found.text(1) if found.low > -1e6 else f"{found.value:.1f} [not always reached, {found.high:.1f}]"


def away(data: Data) -> Iterator[str]:
    """Fits that saw nothing of what they are judged on: against the models' training means, and the zero router."""
    columns = ("left out", "n", "zero router", "training means", "ours", "ours above means", "ours above zero")
    yield from heading("Away from home: benchmarks and subjects that the fit has not seen", *columns)
    listed = tomllib.loads(Path(__file__).with_name("away.toml").read_text(encoding="utf-8"))
    for one in listed["fit"]:
        yield from _away(data, [(task, subject, rows_of(data, [task], subject)) for task, subject in one["left_out"]])


def _away(data: Data, left_out: list[tuple[str, str, Ints]]) -> Iterator[str]:
    """What belongs to no pool is left out too, but cannot be judged: its costs are not known."""
    rows = np.sort(np.concatenate([rows for _, _, rows in left_out]))
    predictor = fits.without(data, rows)
    seen = np.flatnonzero(~np.isin(data.qkeys, data.qkeys[rows]))
    for whole in (pool(data, name) for name in names()):
        models = data.columns(whole.models)
        at_home = fits.means(data, np.intersect1d(whole.rows, seen))[models]
        for task, subject, away_rows in left_out:
            own = whole.only(np.flatnonzero(np.isin(whole.rows, away_rows)))
            if not len(own.rows):
                continue
            means = curve(own, np.tile(at_home, (len(own.rows), 1)))
            ours = curve(own, fits.predicted(data, predictor, own.rows)[:, models])
            figures = [on_pool(own, who).aiq.text(2) for who in (fixed(own), means, ours)]
            gains = [difference(own, ours, other).text(2) for other in (means, fixed(own))]
            title = " ".join(word.strip("-*/") for word in (task, subject) if word != "*")
            yield row(title, f"{len(own.rows):,}", *figures, *gains)


def bandit(data: Data, unseen: Floats) -> Iterator[str]:
    """Rewards at ParetoBandit's seven budgets. Its points are of its own test set: beside ours, not against them."""
    path = Path(__file__).with_name("published.toml")
    published = tomllib.loads(path.read_text(encoding="utf-8"))["bandit"]
    own = pool(data, "paretobandit")
    ours: Curve = curve(own, unseen[own.rows][:, data.columns(own.models)])
    columns = ("$ per 1,000", published["who"], "zero router, here", "ours, here")
    yield from heading(f"ParetoBandit, reward at its budgets, n = {len(own.rows):,} by folds", *columns)
    for cost, reward in published["points"]:
        cells = (quality_at(who, cost) for who in (fixed(own), ours))
        yield row(f"{cost:.3f}", f"{reward:.4f}", *(cell.text(4) for cell in cells))
