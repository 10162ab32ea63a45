"""Models without labels: placed among those with labels by a published score, and as uncertain as can be."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import numpy as np

from dd0c_route.brain.layer import Layer

_WIDTH = 4.0  # points of MMLU within which models are taken to be alike
_LEAST = 3  # models with both labels and a profile, before anything is said of others
_ALIKE = 1.0  # how many models, counted by likeness, must stand near the one that is placed


@cache
def profiles() -> dict[str, float]:
    """MMLU in percent, by model."""
    listed = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8"))
    return {model: float(score) for table in listed["from"] for model, score in table["mmlu"].items()}


def with_profiles(models: tuple[str, ...], layer: Layer) -> tuple[tuple[str, ...], Layer]:
    """*layer* and its *models*, with those added that only a profile is known of.

    What is said of such a model is the mean of what is said of models of its score, each counted by its labels.
    """
    scores = profiles()
    known = [number for number, model in enumerate(models) if model in scores and layer.labels[number] > 0]
    if len(known) < _LEAST:
        return models, layer
    own = np.array([scores[models[number]] for number in known])
    added: list[str] = []
    mixes: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
    for model in sorted(set(scores) - set(models)):
        likeness = np.exp(-0.5 * ((own - scores[model]) / _WIDTH) ** 2)
        if likeness.sum() < _ALIKE:
            continue
        mix = np.zeros(len(models), np.float32)
        mix[known] = likeness * layer.labels[known]
        added.append(model)
        mixes.append(mix / mix.sum())
    if not added:
        return models, layer
    by = np.stack(mixes)  # (added, models)
    nothing = np.zeros(len(added), np.float32)
    leaves = np.rint(np.einsum("am,tlm->tla", by, layer.leaves.astype(np.float32))).astype(np.int8)
    return (*models, *added), layer._replace(
        heads=np.vstack((layer.heads, by @ layer.heads)),
        leaves=np.concatenate((layer.leaves, leaves), axis=2),
        means=np.concatenate((layer.means, by @ layer.means)),
        labels=np.concatenate((layer.labels, nothing)),
        evidence=np.hstack((layer.evidence, layer.evidence @ by.T)),
        noise=np.concatenate((layer.noise, by @ layer.noise)),
        doubt=np.concatenate((layer.doubt, nothing)),
        usual=np.concatenate((layer.usual, nothing)),
        loadings=np.vstack((layer.loadings, np.zeros((len(added), layer.loadings.shape[1]), np.float32))),
    )
