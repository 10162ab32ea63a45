"""Long agent sessions for the cache simulator: made from seeds, the same on every machine.

A session is a fixed prefix (system prompt and tools) and turns. Each turn's prompt is all that was said before, so the
prompt grows by the answer and by what the tools returned. How hard a turn is drifts: hard turns come in runs. The
figures are round ones in the range of coding agents; they were fixed before any router was run on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SESSIONS = 60
TURNS = (30, 120)  # of a session, uniform
PREFIX_TOKENS = (12_000, 25_000)  # uniform
TOOL_TOKENS = (1_200.0, 1.0)  # median and log-deviation of what a turn adds before the model answers
ANSWER_TOKENS = (220.0, 0.8)
GAP_S = (12.0, 0.8)  # between two turns; the tools run meanwhile
PAUSE_SHARE, PAUSE_S = 0.04, (900.0, 1.0)  # the user thinks, or is at lunch
CONTEXT_TOKENS = 180_000  # the agent compacts there, to the prefix and a summary
SUMMARY_TOKENS = 6_000
# A model answers a turn well with probability sigmoid(skill - hardness + its own noise).
SKILLS = {
    "anthropic/claude-opus-4.6": 4.0,
    "google/gemini-3-flash-preview": 2.6,
    "minimax/minimax-m2.7": 2.2,
    "deepseek/deepseek-v3.2": 2.0,
}
HARDNESS_DEVIATION, HARDNESS_MEMORY, OWN_NOISE = 1.5, 0.6, 0.5


class Turn(NamedTuple):
    """One call of an agent.

    Attributes:
        at_s: Seconds since the session began.
        generation: Counts compactions: only prompts of the same generation share what came before.
        prompt_tokens: The whole prompt, the prefix included.
        answer_tokens: What the model writes, whichever it is.
        p_good: Probability of a good answer, by model in the order of `SKILLS`.
    """

    at_s: float
    generation: int
    prompt_tokens: int
    answer_tokens: int
    p_good: tuple[float, ...]


def session(seed: int) -> list[Turn]:
    random = np.random.default_rng(seed)
    prefix = int(random.integers(*PREFIX_TOKENS))
    prompt, at_s, generation, hardness = prefix, 0.0, 0, random.normal(0, HARDNESS_DEVIATION)
    turns: list[Turn] = []
    for _ in range(random.integers(*TURNS)):
        prompt += _size(random, TOOL_TOKENS)
        if prompt > CONTEXT_TOKENS:
            prompt, generation = prefix + SUMMARY_TOKENS, generation + 1
        answer = _size(random, ANSWER_TOKENS)
        turns.append(Turn(at_s, generation, prompt, answer, _p_good(random, hardness)))
        prompt += answer
        gap = PAUSE_S if random.random() < PAUSE_SHARE else GAP_S
        at_s += gap[0] * float(np.exp(gap[1] * random.normal()))
        step = HARDNESS_DEVIATION * np.sqrt(1 - HARDNESS_MEMORY**2)
        hardness = HARDNESS_MEMORY * hardness + random.normal(0, step)
    return turns


def sessions(count: int = SESSIONS) -> list[list[Turn]]:
    return [session(seed) for seed in range(count)]


def _size(random: np.random.Generator, median_and_deviation: tuple[float, float]) -> int:
    median, deviation = median_and_deviation
    return 1 + int(median * np.exp(deviation * random.normal()))


def _p_good(random: np.random.Generator, hardness: float) -> tuple[float, ...]:
    skills: NDArray[np.float64] = np.array(list(SKILLS.values()))
    chance = 1 / (1 + np.exp(hardness - skills - random.normal(0, OWN_NOISE, len(skills))))
    return tuple(chance.tolist())
