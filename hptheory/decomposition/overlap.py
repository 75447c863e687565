"""Do models agree on which examples are easy and which are hard (2512.22768, Sec. 4.2.3, Fig. 14)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.errors import DomainError

End = Literal["easy", "hard"]


def extreme_examples(index: ArrayLike, share: float, end: End) -> np.ndarray:
    """The examples with the smallest (``easy``) or largest (``hard``) mean component index, ``[count]``.

    ``share`` of all P examples, rounded, at least one; the easiest or the hardest first; of equal indices the
    earlier example counts as the easier one.

    Domain: 0 < share <= 1, else ``DomainError``.

    *Laws*: easy examples of ``-index`` are the hard ones of ``index`` where no two are equal.

    >>> extreme_examples([3.0, 1.0, 2.0, 9.0], 0.5, "easy").tolist()
    [1, 2]
    >>> extreme_examples([3.0, 1.0, 2.0, 9.0], 0.25, "hard").tolist()
    [3]
    """
    if not 0 < share <= 1:
        raise DomainError("share", share, "in (0, 1]")
    values = np.asarray(index)
    order = np.argsort(values, kind="stable")
    count = max(1, round(share * len(values)))
    return order[:count] if end == "easy" else order[::-1][:count]


def extreme_overlap(
    indices: Mapping[tuple[int, int], ArrayLike], share: float, end: End
) -> dict[tuple[int, int], float]:
    r"""The mean share of common examples among the extreme ones, for each pair of widths n1 <= n2.

    ``indices[width, seed]`` holds the mean component index of the same P examples. For two models the overlap
    is |S1 and S2| / |S1|, S the ``extreme_examples``; it is averaged over all pairs of seeds, but for a model
    with itself. Two random sets have an overlap of ``share`` in the mean. A pair of widths without two
    different models (one seed, the same width) is absent.

    Source: 2512.22768, Sec. 4.2.3, before Fig. 14.

    Domain: that of ``extreme_examples``; all indices of one length, else ``ShapeMismatchError``.

    *Laws*: in [0, 1]; 1 if all models rank alike; unchanged by an increasing function of the indices.

    >>> index = {(64, 0): [1, 2, 3, 4], (64, 1): [1, 3, 2, 4], (128, 0): [4, 3, 2, 1]}
    >>> extreme_overlap(index, 0.5, "easy")
    {(64, 64): 0.5, (64, 128): 0.25}
    """
    lengths = {model: np.shape(index) for model, index in indices.items()}
    if len(set(lengths.values())) > 1:
        first, *others = lengths.items()
        differing = next(each for each in others if each[1] != first[1])
        raise ShapeMismatchError(
            f"the index of {first[0]}",
            first[1],
            f"that of {differing[0]}",
            differing[1],
            "take the same examples",
        )
    chosen = {model: set(extreme_examples(index, share, end).tolist()) for model, index in indices.items()}
    overlaps: dict[tuple[int, int], list[float]] = {}
    for one, other in combinations_with_replacement(sorted(chosen), 2):
        if one != other:
            common = len(chosen[one] & chosen[other]) / len(chosen[one])
            overlaps.setdefault((one[0], other[0]), []).append(common)
    return {pair: float(np.mean(values)) for pair, values in overlaps.items()}
