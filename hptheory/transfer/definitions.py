"""Weak and fast transfer as predicates, and the regularity that the theory asks of a family, measured.

Source: 2512.22768, Definitions 2-4 and App. B.1-B.2. What is measured is measured on a stated lattice at
stated widths: it can refute a condition, and supports it no further than the lattice reaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.families import Family, minimise
from hptheory.transfer.measured_gaps import uniform_loss_gap
from hptheory.transfer.number_kinds import Number

Floats = NDArray[np.float64]


def is_weak(alpha: Number, beta: Number) -> bool:
    """Whether a_n ~ n^-alpha and b_n ~ n^-beta both vanish: a limit exists and its optimum is approached.

    Source: 2512.22768, Definition 3, in terms of exponents. Operators only: arrays and SymPy too.

    >>> is_weak(alpha=1, beta=0.1), is_weak(alpha=1, beta=-0.5)
    (True, False)
    """
    return (alpha > 0) & (beta > 0)


def is_fast(alpha: Number, beta: Number) -> bool:
    """Whether c_n = o(a_n), that is b_n = o(a_n^(1/2)): beta > alpha/2. The tie is not fast.

    Source: 2512.22768, Definition 2 (which presumes weak transfer: False where it fails). The same as
    ``is_useful``, by Theorem 2. Operators only: arrays and SymPy too.

    >>> is_fast(alpha=1, beta=1), is_fast(alpha=1, beta=0.5), is_fast(alpha=-1, beta=1)
    (True, False, False)
    """
    return is_weak(alpha, beta) & (2 * beta > alpha)


@dataclass(frozen=True)
class LocalGrowth:
    """(tau/2) d^2 <= phi(x) - phi* <= (smoothness/2) d^2 for d = ||x - nu*|| <= delta.

    ``tau > 0`` is local strong convexity with (tau, delta); ``smoothness`` is what Taylor's theorem adds.
    Both are extremes over ``points`` points of the ball.
    """

    tau: float
    smoothness: float
    delta: float
    points: int

    @property
    def holds(self) -> bool:
        """Whether the loss is locally strongly convex, as far as the points show."""
        return self.tau > 0


def local_growth(family: Family, delta: float, width: float = math.inf, points: int = 2001) -> LocalGrowth:
    """The constants of local strong convexity (and of smoothness) of phi_n about its minimiser.

    Source: 2512.22768, App. B.1, "locally strongly convex". Printed with a modulus, which phi >= phi* makes
    idle. Domain: the ball of radius ``delta`` lies within the box, else ``DomainError``.

    *Laws*: tau falls and smoothness rises with delta; both are the second derivative for a parabola.

    >>> quartic = Family(lambda n, x: x**2 + x**4, box=((-2.0, 2.0),))
    >>> growth = local_growth(quartic, delta=1.0)
    >>> round(growth.tau, 4), round(growth.smoothness, 4)                 # 2 (1 + d^2), 0 < d <= 1
    (2.0, 4.0)
    """
    found = minimise(family, width, points)
    offsets = ball(family, found.x, delta, points)
    ratio = 2 * (family(width, found.x + offsets) - found.value) / distances(offsets) ** 2
    return LocalGrowth(float(ratio.min()), float(ratio.max()), delta, len(offsets))


@dataclass(frozen=True)
class LocalTightness:
    """c, C with c abar_n <= phi_n - phi_inf <= C abar_n on the ball about nu*(inf), at all the widths.

    abar_n is the uniform loss gap, in ``gaps``; C <= 1 always. ``lower > 0`` is local tightness.
    """

    lower: float
    upper: float
    radius: float
    widths: tuple[float, ...]
    gaps: tuple[float, ...]
    points: int

    @property
    def holds(self) -> bool:
        """Whether the uniform loss gap is locally tight, as far as widths and points show."""
        return self.lower > 0


def local_tightness(
    family: Family, widths: Sequence[float], radius: float, points: int = 2001
) -> LocalTightness:
    """The best constants of Definition 4 at the given widths.

    Source: 2512.22768, Definition 4. Domain: the ball lies within the box; phi_n differs from phi_inf at
    every width; else ``DomainError``.

    *Laws*: a constant gap phi_n = phi_inf + a_n has lower = upper = 1; ``lower`` falls as the radius grows.

    >>> shifted = Family(lambda n, x: 1 / n + (x - 1 / n) ** 2, box=((-1.0, 1.0),))
    >>> local_tightness(shifted, widths=[100.0, 1000.0], radius=0.1).holds       # 1/n - 2x/n + 1/n^2 > 0
    True
    >>> local_tightness(shifted, widths=[100.0, 1000.0], radius=0.6).holds       # negative at x = 0.6
    False
    """
    centre = minimise(family, math.inf, points).x
    near = centre + ball(family, centre, radius, points)
    gaps, ratios = [], []
    for width in widths:
        difference = family(width, near) - family(math.inf, near)
        # The ball lies in the box: counting its points too, no difference there is above the supremum.
        gap = max(uniform_loss_gap(family, width, points), float(np.abs(difference).max()))
        if gap == 0:
            raise DomainError("width", width, "one at which phi_n differs from phi_inf")
        gaps.append(gap)
        ratios += [float(difference.min()) / gap, float(difference.max()) / gap]
    return LocalTightness(min(ratios), max(ratios), radius, tuple(widths), tuple(gaps), len(near))


def ball(family: Family, centre: float | Floats, radius: float, points: int) -> Floats:
    """About ``points`` offsets that fill the ball, the centre left out: ``[m]`` or ``[m, h]``."""
    if not 0 < radius <= family.room(centre):
        room = family.room(centre)
        raise DomainError("radius", radius, f"> 0 and <= {room:g}, so that the ball lies within the box")
    if family.dimensions == 1:
        offsets = np.linspace(-radius, radius, points | 1)
        return offsets[offsets != 0]
    side = max(3, round(points ** (1 / family.dimensions))) | 1
    axes = [np.linspace(-radius, radius, side)] * family.dimensions
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, family.dimensions)
    return offsets[(distances(offsets) > 0) & (distances(offsets) <= radius * (1 + 1e-12))]


def distances(offsets: Floats) -> Floats:
    """The lengths of offsets ``[m]`` or ``[m, h]``."""
    return np.abs(offsets) if offsets.ndim == 1 else np.linalg.norm(offsets, axis=-1)
