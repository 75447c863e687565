"""The gaps of a family whose losses can be evaluated, or are tabulated on a grid; with error bounds.

Source: 2512.22768, Definition 1 and equation (8).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.transfer.families import Family, minimise
from hptheory.transfer.gaps import Gaps

Floats = NDArray[np.float64]


def gaps_of_functions(family: Family, width: float, points: int = 2001) -> Gaps:
    """a_n, b_n, c_n of a family of functions at one width, with ``error`` from ``minimise``.

    Source: 2512.22768, Definition 1. ``points``: size of the lattice that finds the basin.

    *Laws*: all gaps 0 at width inf; b_n unchanged by adding any a(n) to phi_n; c_n <= 2 x uniform gap.

    >>> import math
    >>> gaps = gaps_of_functions(Family(lambda n, x: 1 / n + (x - 1 / n) ** 2, box=((-1.0, 1.0),)), width=4.0)
    >>> [round(gap, 10) for gap in (gaps.loss, gaps.hyperparameter, gaps.suboptimality)]
    [0.25, 0.25, 0.0625]
    """
    here, limit = minimise(family, width, points), minimise(family, math.inf, points)
    apart = float(np.linalg.norm(np.atleast_1d(here.x) - limit.x))
    x_error = here.x_error + limit.x_error
    landed = float(family(math.inf, here.x))
    # phi_inf near nu*(n) is as steep as the chord doubled (exact for a parabola), plus its own curvature.
    rise = landed - limit.value
    steepness = 2 * rise / apart * here.x_error if apart > x_error else 0.0
    return Gaps(
        loss=abs(here.value - limit.value),
        hyperparameter=apart,
        suboptimality=max(rise, 0.0),
        error=Gaps(
            loss=here.value_error + limit.value_error,
            hyperparameter=x_error,
            suboptimality=2 * limit.value_error + steepness,
        ),
    )


def gaps_of_values(hps: ArrayLike, values: ArrayLike, limit_values: ArrayLike) -> Gaps:
    """a_n, b_n, c_n from losses of one width and of the limit on the same grid of one hyperparameter.

    The minimiser is the vertex of the parabola through the lowest value and its neighbours. The errors are
    bounds for losses that are convex: a convex loss has its minimiser between those neighbours, and lies
    above the secants of the values beyond them.

    Domain: ``hps`` rising, at least 3; all values finite; else ``DomainError``. A width so large that it
    stands for the limit may take its place, as in measured sweeps.

    >>> x = np.linspace(-1, 1, 9)
    >>> gaps = gaps_of_values(x, 0.25 + (x - 0.1) ** 2, x**2)
    >>> [round(gap, 10) for gap in (gaps.loss, gaps.hyperparameter, gaps.suboptimality)]
    [0.25, 0.1, 0.01]
    """
    x, here, limit = (np.asarray(column, dtype=np.float64) for column in (hps, values, limit_values))
    if not (x.ndim == 1 and x.size >= 3 and (np.diff(x) > 0).all()):
        raise DomainError("hps", x.tolist(), "a rising list of at least 3")
    for name, column in (("values", here), ("limit_values", limit)):
        if column.shape != x.shape or not np.isfinite(column).all():
            raise DomainError(name, column.tolist(), f"{x.size} finite losses, one per hyperparameter")
    nu_n, (low_n, high_n) = _vertex(x, here)
    nu_inf, (low_inf, high_inf) = _vertex(x, limit)
    least_n, least_inf = _least_convex(x, here), _least_convex(x, limit)
    value_n = float(np.clip(_parabola(x, here, nu_n), least_n, here.min()))
    value_inf = float(np.clip(_parabola(x, limit, nu_inf), least_inf, limit.min()))
    apart, rise = abs(nu_n - nu_inf), max(_parabola(x, limit, nu_n) - value_inf, 0.0)
    # phi*_n lies in [least_n, lowest value], nu*(n) in [low_n, high_n], and phi_inf there, being convex,
    # below the larger of its values at the two ends.
    value_error = max(value_n - least_n, here.min() - value_n)
    limit_error = max(value_inf - least_inf, limit.min() - value_inf)
    farthest, nearest = max(high_n - low_inf, high_inf - low_n), max(low_n - high_inf, low_inf - high_n, 0.0)
    highest_rise = float(np.max(np.interp([low_n, high_n], x, limit))) - least_inf
    return Gaps(
        loss=abs(value_n - value_inf),
        hyperparameter=apart,
        suboptimality=rise,
        error=Gaps(
            loss=float(value_error + limit_error),
            hyperparameter=max(farthest - apart, apart - nearest),
            suboptimality=max(highest_rise - rise, rise),
        ),
    )


def uniform_loss_gap(family: Family, width: float, points: int = 2001) -> float:
    """sup over the box of |phi_n - phi_inf|, the largest on a lattice of ``points``: a lower bound.

    It falls short of the supremum by at most the difference's Lipschitz constant times half a cell.
    Source: 2512.22768, equation (8).

    *Laws*: |a_n| <= uniform gap; 0 at width inf.

    >>> uniform_loss_gap(Family(lambda n, x: x**2 + x / n, box=((-1.0, 2.0),)), width=4.0)
    0.5
    """
    lattice = family.lattice(points)
    return float(np.max(np.abs(family(width, lattice) - family(math.inf, lattice))))


def _vertex(x: Floats, values: Floats) -> tuple[float, tuple[float, float]]:
    """The vertex of the parabola at the lowest value, and the neighbours that enclose a convex minimiser."""
    best = int(np.argmin(values))
    left, right = max(best - 1, 0), min(best + 1, x.size - 1)
    ends = float(x[left]), float(x[right])
    if best in (left, right):
        return float(x[best]), ends
    (slope_left, slope_right), (a, b) = (
        _slopes(x, values)[left:right],
        (x[left:right] + x[best : right + 1]) / 2,
    )
    if slope_right <= slope_left:  # flat: all three are equal
        return float(x[best]), ends
    return float(np.clip(a - slope_left * (b - a) / (slope_right - slope_left), *ends)), ends


def _parabola(x: Floats, values: Floats, at: float) -> float:
    """The parabola through the three grid points nearest to ``at``, evaluated there (Lagrange's formula)."""
    centre = int(np.clip(np.argmin(np.abs(x - at)), 1, x.size - 2))
    nodes = x[centre - 1 : centre + 2]
    weights = [math.prod((at - b) / (a - b) for b in nodes if b != a) for a in nodes]
    return float(np.dot(weights, values[centre - 1 : centre + 2]))


def _least_convex(x: Floats, values: Floats) -> float:
    """A lower bound, over the grid's range, of every convex function with these values.

    In each of the two cells at the lowest value the function lies above the secants of the cells on either
    side, extended: hence above where they cross, or above one's far end where the other is missing.
    """
    best, slopes, least = int(np.argmin(values)), _slopes(x, values), float(values.min())
    for cell in {max(best - 1, 0), min(best, x.size - 2)}:
        length, rise = x[cell + 1] - x[cell], values[cell + 1] - values[cell]
        if cell == 0:
            bound = values[1] - slopes[1] * length
        elif cell == x.size - 2:
            bound = values[cell] + slopes[cell - 1] * length
        elif slopes[cell + 1] > slopes[cell - 1]:
            crossing = (slopes[cell + 1] * length - rise) / (slopes[cell + 1] - slopes[cell - 1])
            bound = values[cell] + slopes[cell - 1] * np.clip(crossing, 0.0, length)
        else:
            continue  # a straight line
        least = min(least, float(bound))
    return least


def _slopes(x: Floats, values: Floats) -> Floats:
    return np.diff(values) / np.diff(x)
