"""What the losses of one width show in several HPs at once, before any fit of all widths.

The profile of an HP takes the lowest of few cells wherever cells are missing, as in a random search, and is
ragged for that reason alone. The surface itself tells whether an HP matters, and whether there is a minimum;
the place of its lowest cell is that of the profiles' lowest cells, so edge and cliff are read off those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.diagnostics import Look
from hptheory.transfer.joint_optimum import fit_joint
from hptheory.transfer.noise import least_variances
from hptheory.transfer.optimum import BETTER, HEIGHTS
from hptheory.transfer.surfaces import MOST_PARAMETERS, Surface, fit_surface, monomials, powers_of

LEVEL = 0.01
"""Of the test against flatness, all windows together."""


def surface_looks(surface: Surface, looks: Sequence[Look]) -> list[Look]:
    """The looks at the profiles of one width, one an HP, with what the surface knows better."""
    if not len(surface.x):
        return list(looks)
    flat = [is_flat_along(surface, hp) for hp in range(len(looks))]
    off = any(flat) or any(look.edge or look.cliff for look in looks)
    without = not off and not has_minimum(surface)
    grid = surface.cells.grid.size >= np.prod([np.unique(axis).size for axis in surface.x.T])
    return [
        replace(
            look, flat=f, without=without, minima=look.minima if grid else 1, tied=bool(grid and look.tied)
        )
        for look, f in zip(looks, flat, strict=True)
    ]


def is_flat_along(surface: Surface, hp: int) -> bool:
    """Whether a quadratic in all HPs explains no more than one in the others (F-test), in every window.

    False where no window has cells enough to tell.

    >>> from hptheory.transfer.curves import Curve
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (30, 2))
    >>> loss = 1 + x[:, 0] ** 2 + 0.01 * rng.standard_normal(30)
    >>> cells = Curve(64.0, x[:, 0], loss[:, None], True, x[:, 0], 0, np.full(30, np.nan))
    >>> [is_flat_along(Surface(64.0, x, cells), hp) for hp in (0, 1)]
    [False, True]
    """
    chances = [_chance(surface.within(height), hp) for height in HEIGHTS]
    known = [chance for chance in chances if chance is not None]
    return bool(known) and min(known) * len(known) > LEVEL


def has_minimum(surface: Surface) -> bool:
    """Whether a polynomial has its minimum among the runs, and no narrower window that fits better denies it.

    On a wide window a parabola bends up even where the loss falls towards an end throughout; closer to the
    lowest cell a better one does not.
    """
    from scipy.special import fdtrc

    found = fit_joint([surface])
    if found is None:
        return False
    (wide,), (variance,), cells = found.fits, found.variance, len(found.surfaces[0].x)
    for near in (surface.within(height) for height in HEIGHTS):
        powers = powers_of(2, near.x.shape[1])
        if len(near.x) >= cells or len(powers) > MOST_PARAMETERS * len(near.x):
            continue
        spare = len(near.x) - len(powers)
        least = float(least_variances([near.cells])[0])
        ratio = wide.chi_square * variance / wide.spare / max(_left(near, powers) / spare, least)
        if fdtrc(wide.spare, spare, ratio) < BETTER and fit_surface(near, 2, 1.0) is None:
            return False
    return True


def _chance(surface: Surface, hp: int) -> float | None:
    """The p-value of a quadratic's terms that hold the HP; None with too few cells."""
    from scipy.special import fdtrc

    powers = powers_of(2, surface.x.shape[1])
    if len(powers) > MOST_PARAMETERS * len(surface.x):
        return None
    own = powers[:, hp] > 0
    terms, spare = int(own.sum()), len(surface.x) - len(powers)
    whole, least = _left(surface, powers), float(least_variances([surface.cells])[0])
    ratio = (_left(surface, powers[~own]) - whole) / terms / max(whole / spare, least)
    return float(fdtrc(terms, spare, max(ratio, 0.0)))


def _left(surface: Surface, powers: NDArray[np.intp]) -> float:
    """The sum of squares that the least-squares polynomial leaves over, weighted by runs."""
    x, weight = surface.x, np.sqrt(surface.cells.count)
    span = np.ptp(x, axis=0)
    design = monomials((x - x.mean(axis=0)) / np.where(span > 0, span, 1.0), powers) * weight[:, None]
    target = surface.cells.mean * weight
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(np.sum((target - design @ coefficients) ** 2))
