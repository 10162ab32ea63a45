"""What says nothing of how hard a question is, added to the texts that are learned from: it shall change no choice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SHARE = 0.5  # of the texts

_BEFORE = (
    "Please help me with this. ",
    "Hi there! ",
    "Answer the following question carefully. ",
    "I have a quick question for you: ",
    "You are a helpful assistant. ",
    "By the way, I have been thinking about this for a while and it is getting late here today. ",
    "This is very important for my work, so take your time. ",
    "Context: the weather was nice, we had lunch, and then somebody asked this. ",
    "Next item on the list, number 7 of 12: ",
    "The bus stops in front of the library every ten minutes. ",
    "[exam, part B] ",
    "A colleague sent this along: ",
    "Expert mode, deep analysis, highest priority - ",
)
_AFTER = (
    " Thank you so much in advance!",
    " Thanks!",
    "\n\nThink step by step and give the final answer at the end.",
    " Please be concise.",
    " Let me know what you think, and have a great day.",
    " I would really appreciate a good answer to this.",
    " It rained all morning, the train was late, and the coffee was cold again.",
    " Explain how you got there.",
    " Check the result twice before you send it.",
    " (source: an old notebook, page 31)",
    " The library closes at six on Fridays.",
    "\n\n#homework #study #late",
)
_WORDS = (
    "quantum calculus proof theorem algorithm python function code easy simple trivial basic difficult advanced expert "
    "medical legal history poem story urgent important research analysis strategy optimize compare explain lorem ipsum "
    "dolor sit amet consectetur data system market law physics translate debug creative school university children"
)


def noisy(text: str, random: np.random.Generator) -> str:
    """*text* with one or two kinds of noise."""
    for kind in random.permutation(len(_KINDS))[: random.integers(1, 3)]:
        text = _KINDS[kind](text, random)
    return text


def _one(choices: tuple[str, ...], random: np.random.Generator) -> str:
    return choices[int(random.integers(len(choices)))]


def _words(random: np.random.Generator) -> str:
    words = _WORDS.split()
    return " ".join(words[int(at)] for at in random.integers(len(words), size=int(random.integers(2, 12))))


def _recased(text: str, random: np.random.Generator) -> str:
    return text.lower() if random.random() < 0.7 else text.upper()


_KINDS: tuple[Callable[[str, np.random.Generator], str], ...] = (
    lambda text, random: _one(_BEFORE, random) + text,
    lambda text, random: text + _one(_AFTER, random),
    lambda text, random: f"{_words(random)} {text}",
    lambda text, random: f"{text} {_words(random)}",
    _recased,
)
