"""Exact bounds on a share that was counted, at once or while one watches. Pure; no third-party numerics.

Sources: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934); H. Robbins, Ann. Math. Stat. 41 (1970), the mixture
that makes a bound hold at all times; W. H. Press et al., Numerical Recipes, §6.4, the fraction of the beta integral.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300
_STEPS = 100_000  # of the continued fraction: it needs about the root of the larger parameter
_CLOSE = 1e-14
_HALVINGS = 60  # of the interval 0..1: down to 1e-18


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised integral I_x(a, b), that is P(X <= x) for X ~ Beta(a, b); *a*, *b* above 0.

    Wrong by less than 1e-11 for parameters up to a million (compared with exact sums of binomial terms).
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1 - x) / b


def log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """By Lentz's method."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1.0 + step * d
            c = 1.0 + step / c
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = c if abs(c) > _TINY else _TINY
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p)."""
    return 1.0 if k >= n else 0.0 if k < 0 else incomplete_beta(n - k, k + 1, 1.0 - p)


def upper_bound(k: int, n: int, confidence: float) -> float:
    """The largest share that *k* of *n* is not too few for: the true one is above it with 1 - *confidence* at most."""
    _counts(k, n)
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(k, n, middle) > 1 - confidence else (low, middle)
    return high


def lower_bound(k: int, n: int, confidence: float) -> float:
    """The mirror of `upper_bound`."""
    _counts(k, n)
    return 1.0 - upper_bound(n - k, n, confidence)


def clopper_pearson(k: int, n: int, confidence: float) -> tuple[float, float]:
    """The interval that holds the true share with *confidence* at least, for *k* of *n* independent draws."""
    one_sided = (1.0 + confidence) / 2
    return lower_bound(k, n, one_sided), upper_bound(k, n, one_sided)


@lru_cache(maxsize=256)
def most_losses(n: int, epsilon: float, delta: float) -> int:
    """How many losses among *n* labels still show that the true share is at most *epsilon*; -1: not even none does.

    If the share is above *epsilon*, so few occur with probability *delta* at most.
    """
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at_most(middle, n, epsilon) <= delta else (low, middle)
    return low


def labels_needed(epsilon: float, delta: float) -> int | None:
    """How many labels it takes, without a loss among them, to promise *epsilon*; None: no number does."""
    if epsilon <= 0.0 or delta <= 0.0:
        return None
    if epsilon >= 1.0 or delta >= 1.0:
        return 1
    return math.ceil(math.log(delta) / math.log1p(-epsilon))


def anytime_upper(k: int, n: int, confidence: float) -> float:
    """An upper bound on the share that may be looked at after every draw.

    The probability that the true share is ever above it, at any *n*, is 1 - *confidence* at most: a bet against each
    share p, mixed over all smaller ones by a Beta(1/2, 1/2), may win more than 1 / (1 - confidence) only so often.
    """
    _counts(k, n)
    if k >= n:
        return 1.0
    limit = -math.log1p(-confidence)
    low, high = k / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_bet(k, n, middle) < limit else (low, middle)
    return high


def anytime_lower(k: int, n: int, confidence: float) -> float:
    """The mirror of `anytime_upper`: the share is above it at all times, with *confidence*."""
    _counts(k, n)
    return 1.0 - anytime_upper(n - k, n, confidence)


def _log_bet(k: int, n: int, p: float) -> float:
    """What was won by betting that the share is below *p*, as a logarithm."""
    if p >= 1.0:
        return math.inf
    below = incomplete_beta(k + 0.5, n - k + 0.5, p)
    if below <= 0.0:
        return -math.inf
    prior = math.asin(math.sqrt(p)) * 2 / math.pi
    won = log_beta(k + 0.5, n - k + 0.5) - math.log(math.pi) + math.log(below) - math.log(prior)
    return won - k * math.log(p) - (n - k) * math.log1p(-p)


def _counts(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
