"""What Algorithm 1 measures of a curve on a grid of HPs: slopes, convexity, the best HP (2512.22768, App. C).

A curve is its values ``y[..., g]`` at HPs nu_1 < ... < nu_g, linear in between. Slopes are per unit of the HP
as passed (the paper passes the raw learning rate; pass its logarithm to measure there).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.decomposition.errors import ShapeMismatchError, TooFewHPsError
from hptheory.errors import DomainError

Floats = NDArray[np.float64]


def slopes(hps: ArrayLike, values: ArrayLike) -> Floats:
    """The slopes between neighbours, ``[..., g - 1]``.

    >>> slopes([0, 1, 3], [0, 2, 0]).tolist()
    [2.0, -1.0]
    """
    x, y = curve(hps, values, 2, "a slope")
    return np.diff(y, axis=-1) / np.diff(x)


def lipschitz(hps: ArrayLike, values: ArrayLike) -> Floats:
    """The Lipschitz constant of the interpolated curve: its largest |slope|, ``[...]``.

    Source: 2512.22768, Eq. (20). Domain: two HPs or more, else ``TooFewHPsError``.

    *Laws*: |y_i - y_j| <= Lip |nu_i - nu_j| for all pairs, with equality for one of them.

    >>> float(lipschitz([0, 1, 3], [0, 2, 0]))
    2.0
    """
    return np.abs(slopes(hps, values)).max(axis=-1)


def second_derivatives(hps: ArrayLike, values: ArrayLike) -> Floats:
    """The three-point estimate of the second derivative at each interior HP, ``[..., g - 2]``.

    Twice the second divided difference: the second derivative of the parabola through three neighbours,
    written here as the change of slope over the mean of the two cells, which is the same and loses no digits.

    Source: 2512.22768, the formula above Eq. (19). Domain: three HPs or more, else ``TooFewHPsError``.

    *Laws*: exact for parabolas on any grid; zero for lines.

    >>> second_derivatives([0, 1, 3], [0, 1, 9]).tolist()
    [2.0]
    """
    x, y = curve(hps, values, 3, "a second derivative")
    return 2 * np.diff(slopes(x, y), axis=-1) / (x[2:] - x[:-2])


def convexity_error(hps: ArrayLike, values: ArrayLike) -> Floats:
    """The share of interior HPs at which the estimated second derivative is negative, ``[...]``.

    Source: 2512.22768, Eq. (19). Domain: three HPs or more, else ``TooFewHPsError``.

    *Laws*: 0 for convex curves; 1 for strictly concave ones.

    >>> float(convexity_error([0, 1, 2, 3], [0, 1, 0, 1]))
    0.5
    """
    return (second_derivatives(hps, values) < 0).mean(axis=-1)


def best_hp(hps: ArrayLike, values: ArrayLike) -> Floats:
    """The HP on the grid with the least value, ``[...]``; of several, the smallest."""
    x, y = curve(hps, values, 1, "an optimum")
    return x[np.argmin(y, axis=-1)]


def curve(hps: ArrayLike, values: ArrayLike, needed: int, purpose: str) -> tuple[Floats, Floats]:
    """The grid and the values as floats, checked: one value for each HP, HPs strictly increasing."""
    x, y = np.asarray(hps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    checked_grid(x)
    if y.ndim == 0 or y.shape[-1] != x.size:
        raise ShapeMismatchError("hps", x.shape, "values", y.shape, "the last axis of values runs over hps")
    if x.size < needed:
        raise TooFewHPsError(x.size, needed, purpose)
    return x, y


def checked_grid(x: Floats) -> None:
    """Raise where a grid of HPs is not one axis of finite, strictly increasing numbers."""
    if x.ndim != 1 or x.size == 0:
        raise ShapeMismatchError("hps", x.shape, "what is read", "(g,)", "pass one axis of HPs, not empty")
    if not (np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)):
        raise DomainError("hps", x.tolist(), "finite and strictly increasing", "sort runs by their HP")
