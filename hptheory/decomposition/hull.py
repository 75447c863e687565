"""From bounds on single eigenvalues to bounds on the sums of the k largest in magnitude, for every k.

The k eigenvalues of largest magnitude are, for some p, the p largest (by value) and the k - p smallest. Which
p, is decided by comparing a positive with a negative one: where the bounds leave that open, because two of
opposite sign tie in magnitude, several p are possible, and the sum jumps between them. The interval returned
covers them all.
"""

from __future__ import annotations

import numpy as np

from hptheory.decomposition.grid_measures import Floats


def top_k_hull(top: tuple[Floats, Floats], bottom: tuple[Floats, Floats], k: int) -> tuple[Floats, Floats]:
    """Lower and upper bounds on the sums of the 1, ..., k eigenvalues of largest magnitude, ``[k]`` each.

    ``top`` holds lower and upper bounds of the largest, second largest, ... eigenvalue, ``bottom`` of the
    smallest, second smallest, ...; both may stop after k + 1, or after all n.

    *Laws*: contains the true sums; the interval is a point where the bounds are points without ties.

    >>> low, high = top_k_hull(*(((x := np.array([2.0, -1.0, -2.0])), x), ((y := x[::-1]), y)), 3)
    >>> low.tolist(), high.tolist()                 # 2 and -2 tie: the first sum is either
    ([-2.0, 0.0, -1.0], [2.0, 0.0, -1.0])
    """
    (top_low, top_high), (bottom_low, bottom_high) = (_padded(pair, k) for pair in (top, bottom))
    sums = [np.concatenate([[0.0], np.cumsum(x[:k])]) for x in (top_low, top_high, bottom_low, bottom_high)]
    low, high = np.empty(k), np.empty(k)
    for count in range(1, k + 1):
        p = np.arange(count + 1)
        q = count - p
        # The p-th largest is no less in magnitude than the smallest one left out, and the other way round.
        fits = (p == 0) | (top_high[p - 1] + bottom_high[q] >= 0)
        fits &= (q == 0) | (top_low[p] + bottom_low[q - 1] <= 0)
        p, q = p[fits], q[fits]
        low[count - 1] = (sums[0][p] + sums[2][q]).min()
        high[count - 1] = (sums[1][p] + sums[3][q]).max()
    return low, high


def _padded(pair: tuple[Floats, Floats], k: int) -> tuple[Floats, Floats]:
    """Bounds of k + 1 eigenvalues; where there are no more, bounds that exclude nothing."""
    low, high = pair
    missing = max(0, k + 1 - low.size)
    return (
        np.concatenate([low[: k + 1], np.full(missing, -np.inf)]),
        np.concatenate([high[: k + 1], np.full(missing, np.inf)]),
    )
