"""Small labels in which something can be learned: sums are easy for both models, law is hard for the weak one."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.training.labels import Labels

MODELS = ["strong", "weak"]


def labels(prompts: int = 300, seed: int = 0) -> Labels:
    random = np.random.default_rng(seed)
    texts, scores = [], []
    for number in range(prompts):
        a, b = random.integers(2, 900, 2)
        if number % 2:
            texts.append(f"What is the sum of {a} and {b}? Write the number, case {number}.")
            odds = (0.95, 0.9)
        else:
            texts.append(
                f"The plaintiff sues the defendant over clause {a} of contract {b}. Who prevails in court, {number}?"
            )
            odds = (0.9, 0.2)
        scores.append([float(random.random() < p) for p in odds])
    return Labels(texts, MODELS, np.array(scores, np.float32), np.ones((prompts, 2), np.bool_))


SUM = "What is the sum of 123 and 456? Write the number, case 171."
LAW = "The plaintiff sues the defendant over clause 523 of contract 312. Who prevails in court, 150?"
