"""What the lemmas need to know of a family at one width, measured in one go.

Source: 2512.22768, App. B.1-B.2; the conditions are those of Definitions 3 and 4, as far as a lattice shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hptheory.transfer.definitions import (
    LocalGrowth,
    LocalTightness,
    distances,
    local_growth,
    local_tightness,
)
from hptheory.transfer.families import Family, Floats, minimise
from hptheory.transfer.gaps import Gaps
from hptheory.transfer.measured_gaps import gaps_of_functions


@dataclass(frozen=True)
class Survey:
    """A family at one width, measured on lattices of ``points`` points.

    ``growth`` is the local growth of phi_inf, ``box_growth`` the least 2 (phi_inf - phi*_inf)/d^2 over the
    whole box; ``curvature_gap`` is kappa_n, the largest second derivative of phi_n - phi_inf along the line
    through both minimisers, within ``reach`` of nu*(n), and ``oscillation`` its max - min there.
    """

    width: float
    gaps: Gaps
    uniform_gap: float
    growth: LocalGrowth
    box_growth: float
    tightness: LocalTightness
    limit_is_convex: bool
    curvature_gap: float
    oscillation: float
    reach: float
    points: int


def survey(
    family: Family, width: float, radius: float, delta: float | None = None, points: int = 2001
) -> Survey:
    """Measure a family at one width: its gaps, growth on the delta-ball, tightness on the ball of ``radius``.

    ``delta`` defaults to ``radius``. Domain: both balls, about nu*(inf), lie within the box, else
    ``DomainError``; this is the definition's "minimiser in the interior".
    """
    delta = radius if delta is None else delta
    here, limit = minimise(family, width, points), minimise(family, math.inf, points)
    reach = min(delta, max(family.room(here.x), 0.0))
    curvature_gap, oscillation = _along_drift(family, width, here.x, limit.x, reach)
    tightness = local_tightness(family, [width], radius, points)
    lattice = family.lattice(points)
    away = distances(lattice - limit.x) > 1e-3 * delta  # nearer, the quotient would be rounding
    rise = family(math.inf, lattice[away]) - limit.value
    return Survey(
        width=width,
        gaps=gaps_of_functions(family, width, points),
        uniform_gap=tightness.gaps[0],
        growth=local_growth(family, delta, math.inf, points),
        box_growth=float(np.min(2 * rise / distances(lattice[away] - limit.x) ** 2)),
        tightness=tightness,
        limit_is_convex=is_convex(family, math.inf, points),
        curvature_gap=curvature_gap,
        oscillation=oscillation,
        reach=reach,
        points=points,
    )


def is_convex(family: Family, width: float, points: int = 2001) -> bool:
    """Whether no chord of a lattice refutes that phi_n is convex, at its midpoint and beyond rounding.

    For one hyperparameter all chords over two neighbouring cells, which is enough for the lattice's
    interpolation; for several, ``points`` random chords (of a fixed seed) between points of the lattice.

    >>> double_well = Family(lambda n, x: (x**2 - 1) ** 2, box=((-2.0, 2.0),))
    >>> is_convex(double_well, math.inf), is_convex(Family(lambda n, x: x**4, box=((-2.0, 2.0),)), math.inf)
    (False, True)
    """
    lattice = family.lattice(points)
    if family.dimensions == 1:
        a, b = lattice[:-2], lattice[2:]
    else:
        a, b = np.random.default_rng(0).choice(lattice, size=(2, points))
    ends, middle = (family(width, a) + family(width, b)) / 2, family(width, (a + b) / 2)
    return bool(np.all(middle <= ends + 1e-14 * np.maximum(np.abs(ends), 1.0)))


def _along_drift(
    family: Family, width: float, x: float | Floats, limit_x: float | Floats, reach: float
) -> tuple[float, float]:
    """Largest second derivative (by differences) and oscillation of phi_n - phi_inf along the drift."""
    if reach == 0:
        return math.inf, math.inf
    drift = np.atleast_1d(np.asarray(x - limit_x, dtype=np.float64))
    size = float(np.linalg.norm(drift))
    direction = drift / size if size > 0 else np.eye(family.dimensions)[0]
    t = np.linspace(-reach, reach, 401)
    line = x + (t * direction[0] if family.dimensions == 1 else t[:, None] * direction)
    difference = family(width, line) - family(math.inf, line)
    bend = np.diff(difference, 2) / (t[1] - t[0]) ** 2
    return float(np.abs(bend).max()), float(np.ptp(difference))
