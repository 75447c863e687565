"""From the ridge back to the curve parameter s, to full accuracy: NumPy and JAX arrays, mpmath numbers.

The equation. Let P be the smaller of P1, P2 and delta = P - g(s) >= 0 its slack. `curve.ridge_on_curve`
says q delta^2 + gap delta = load s with q = 1/max(P1, P2), gap = 1 - min(psi)/max(psi), load = ridge min(1,
psi2/psi1), and delta = P - g(s): two curves in the (s, delta) plane, one increasing and concave, one
decreasing and convex, that cross once.

The method. Replace one of the two curves by its tangent, keep the other exact: a quadratic, solved without
cancellation. Taking the two in turn converges from below for every ridge >= 0, with quadratic order (g and
the slack delta(s) are concave in s, so each tangent overestimates and each step stops short of the root).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hptheory.errors import PrecisionError
from hptheory.random_features.arbitrary import MPMath
from hptheory.random_features.curve import Number, Slacks

# Quadratic order: a relative step below this leaves an error at the level of rounding.
_LAST_STEP = 1e-8
# Four pairs reach rounding over the benchmark's box; the rest is head room for parameters far outside.
_MOST_PAIRS = 60
# JAX takes a fixed number: four reach rounding over the box, twice that is head room.
_JAX_PAIRS = 8
# Newton's iteration at negative ridge; near the edge, a double root, it halves the distance each time.
_MOST_NEWTON = 400


class BelowEdgeError(ArithmeticError):
    """A ridge lies below the edge of the spectrum: (9), (10) have no physical solution there."""


class Crossing(NamedTuple):
    """The equation of this module in the symmetric form described at its top."""

    psi: Number
    """min(psi1, psi2)"""
    gap: Number
    """1 - min(psi1, psi2) / max(psi1, psi2), exactly 0 for equal and 1 for infinite width"""
    q: Number
    """1 / (max(psi1, psi2) mu1_sq)"""
    load: Number
    """ridge min(1, psi2/psi1)"""
    mu1_sq: Number


def finite_width(xp: Any, psi2: Number, instead: Number) -> Number:
    """Return psi2, or a finite stand-in where it is infinite.

    The branch of a `where` that is not taken still has to be finite: automatic differentiation multiplies
    its derivative by 0, and 0 times infinity is NaN.
    """
    return xp.where(xp.isinf(psi2), instead, psi2)


def crossing(xp: Any, ridge: Number, psi1: Number, psi2: Number, mu1_sq: Number) -> Crossing:
    """Return the symmetric form of the equation; xp is numpy, jax.numpy or `MPMath`."""
    # One choice for all parts, so that derivatives at psi1 = psi2 are those of one analytic branch.
    samples_bind = psi1 <= psi2
    infinite, finite_psi2 = xp.isinf(psi2), finite_width(xp, psi2, psi1)
    small, large = xp.where(samples_bind, psi1, psi2), xp.where(samples_bind, finite_psi2, psi1)
    gap = xp.where(infinite, 1.0, (large - small) / large)
    load = ridge * xp.where(samples_bind, 1.0, finite_psi2 / psi1)
    return Crossing(small, gap, xp.where(infinite, 0.0, 1 / (large * mu1_sq)), load, mu1_sq)


def _tiny(x: Number) -> Number:
    """Return the smallest number of x's kind, against 0/0 at ridge 0 for psi1 = psi2 (there delta = 0)."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        return float(np.finfo(dtype).tiny)
    import mpmath

    # mpmath's exponents are unbounded: no result at any precision notices this one.
    return mpmath.ldexp(1, -(10**15))


def _slack(xp: Any, s: Number, c: Crossing) -> tuple[Number, Number]:
    """Return delta(s), the positive root of q delta^2 + gap delta = load s, and gap + 2 q delta."""
    load = c.load * s
    root = xp.sqrt(c.gap * c.gap + 4 * c.q * load) + _tiny(load)
    return 2 * load / (c.gap + root), root


def _keep_fit(xp: Any, s: Number, c: Crossing) -> Number:
    """One step with g kept exact and the slack replaced by its tangent at s."""
    delta, root = _slack(xp, s, c)
    slope = c.load / root
    intercept = c.q * delta * delta / root
    # (v + slope) s^2 + b s - constant = 0
    leading = 1 - c.mu1_sq + slope
    constant = c.psi * c.mu1_sq - intercept
    b = leading + c.mu1_sq * (1 - c.psi) + intercept
    half = xp.abs(b) + xp.sqrt(b * b + 4 * leading * constant)
    return xp.where(b >= 0, 2 * constant / half, half / (2 * leading))


def _keep_slack(xp: Any, s: Number, c: Crossing) -> Number:
    """One step with the slack kept exact and g replaced by its tangent at s."""
    t = 1 + s
    inverse_square = 1 / (t * t)
    slope = 1 - c.mu1_sq + c.mu1_sq * inverse_square
    # P minus the intercept of the tangent, u (psi - s^2/t^2), without cancellation for psi near 1 or 0.
    near_one = (1 + 2 * s) * inverse_square - (1 - c.psi)
    level = c.mu1_sq * xp.where(c.psi < 0.5, c.psi - s * s * inverse_square, near_one)
    edge = 2 * c.q * level + c.gap
    linear = slope * edge + c.load
    root = xp.sqrt((slope * c.gap) ** 2 + c.load * (2 * slope * edge + c.load))
    return 2 * level * (c.q * level + c.gap) / (linear + root)


def _lower_bound(xp: Any, c: Crossing) -> Number:
    """Start below the root: the tangent of g at s = 0 is g = s, which no g exceeds."""
    return _keep_slack(xp, 0.0 * c.load, c)


def excess(s: Number, delta: Number, c: Crossing) -> Number:
    """Return g(s) + delta - P, written so that it loses nothing when g is close to P."""
    return (1 - c.mu1_sq) * s + delta + c.mu1_sq / (1 + s) * (s * (1 - c.psi) - c.psi)


def excess_slope(s: Number, root: Number, c: Crossing) -> Number:
    """Return d excess / ds, positive on the physical branch and 0 at the edge of the spectrum."""
    return 1 - c.mu1_sq + c.mu1_sq / (1 + s) ** 2 + c.load / root


def slacks_of(xp: Any, delta: Number, c: Crossing, psi1: Number, psi2: Number) -> Slacks:
    """Return (P1 - g, 1 - q g) from the slack of the smaller bound, by additions only."""
    samples_bind = psi1 <= psi2
    finite_psi2 = finite_width(xp, psi2, psi1)
    sample = xp.where(samples_bind, delta, c.mu1_sq * (psi1 - finite_psi2) + delta)
    width = xp.where(samples_bind, c.gap + c.q * delta, delta / (finite_psi2 * c.mu1_sq))
    return Slacks(sample, width)


def _solve(c: Crossing) -> np.ndarray:
    """Solve for NumPy arrays: three half-steps for all elements, more only for those that need them."""
    s = _keep_slack(np, _keep_fit(np, _lower_bound(np, c), c), c)
    new = np.atleast_1d(_keep_fit(np, s, c))
    late = np.flatnonzero(np.abs(new - s) > _LAST_STEP * new)
    for _ in range(_MOST_PAIRS):
        if not late.size:
            break
        rest = Crossing(*(part if np.ndim(part) == 0 else part[late] for part in c))
        before = new[late]
        after = _keep_fit(np, _keep_slack(np, before, rest), rest)
        new[late] = after
        late = late[np.abs(after - before) > _LAST_STEP * after]
    else:
        raise PrecisionError(f"the curve was not inverted at {late.size} points in floats; pass precision=15")
    new = new.reshape(np.shape(s))
    delta, root = _slack(np, new, c)
    return new - excess(new, delta, c) / excess_slope(new, root, c)


def invert(ridge: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Number, Slacks]:
    r"""Return (s, slacks) at a ridge >= 0, for NumPy arrays.

    Solves ``ridge_on_curve(s) = ridge`` on 0 < s <= s_max. The slacks come out of additions only, so that
    they are accurate relative to their own size, however small.

    Shapes: each argument is a scalar or has the common shape. Domain: ridge >= 0 (finite), psi1 in (0, inf),
    psi2 in (0, inf], 0 < mu1_sq < 1; not checked here.

    >>> from hptheory.random_features.curve import ridge_on_curve
    >>> s, slack = invert(np.array([1e-9, 1.0, 1e6]), 4.0, 3.0, 0.25)
    >>> bool(np.all(np.abs(ridge_on_curve(s, slack) / [1e-9, 1.0, 1e6] - 1) < 1e-14))
    True
    """
    ridge, psi1, psi2, mu1_sq = (np.asarray(x, dtype=float) for x in (ridge, psi1, psi2, mu1_sq))
    c = crossing(np, ridge, psi1, psi2, mu1_sq)
    s = _solve(c)
    return s, slacks_of(np, _slack(np, s, c)[0], c, psi1, psi2)


def invert_mpmath(ridge: Number, psi1: Number, psi2: Number, mu1_sq: Number) -> tuple[Number, Slacks]:
    """Return (s, slacks) at a ridge above the edge, for mpmath numbers at the current working precision.

    Raises `BelowEdgeError` for a ridge below the edge of the spectrum.

    >>> import mpmath
    >>> from hptheory.random_features.curve import ridge_on_curve
    >>> with mpmath.workdps(60):
    ...     s, slack = invert_mpmath(mpmath.mpf(1) / 3, mpmath.mpf(4), mpmath.inf, mpmath.mpf(1) / 4)
    ...     print(abs(3 * ridge_on_curve(s, slack) - 1) < mpmath.mpf(10) ** -58)
    True
    """
    import mpmath

    c = crossing(MPMath, max(ridge, mpmath.mpf(0)), psi1, psi2, mu1_sq)
    last_step = mpmath.mpf(10) ** (-mpmath.mp.dps // 2 - 1)
    s = _lower_bound(MPMath, c)
    for _ in range(_MOST_PAIRS):
        before = _keep_slack(MPMath, _keep_fit(MPMath, s, c), c)
        s = _keep_fit(MPMath, before, c)
        if abs(s - before) <= last_step * s:
            break
    else:
        raise PrecisionError(f"the curve was not inverted at {mpmath.mp.dps} working digits")
    if ridge < 0:
        c = crossing(MPMath, ridge, psi1, psi2, mu1_sq)
        s = _descend_below_zero(s, c, last_step)
    return s, slacks_of(MPMath, _slack(MPMath, s, c)[0], c, psi1, psi2)


def _descend_below_zero(s: Number, c: Crossing, last_step: Number) -> Number:
    """Continue an mpmath root from ridge 0 to a negative ridge: Newton's iteration stays below it."""
    for _ in range(_MOST_NEWTON):
        if c.gap * c.gap + 4 * c.q * c.load * s <= 0:
            break
        delta, root = _slack(MPMath, s, c)
        slope = excess_slope(s, root, c)
        if slope <= 0:
            break
        step = -excess(s, delta, c) / slope
        s += step
        if abs(step) <= last_step * s:
            return s
    raise BelowEdgeError


def invert_jax(ridge: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Number, Slacks]:
    """Return (s, slacks) at a ridge >= 0, for JAX arrays: usable under jit, vmap and (up to third order)
    grad.

    The root is found outside differentiation; two Newton steps from it then carry the derivatives of the
    implicit function, since each step doubles the order to which they are right.
    """
    import jax
    import jax.numpy as jnp

    ridge, psi1, psi2, mu1_sq = jnp.broadcast_arrays(
        *(jnp.asarray(x, dtype=jnp.result_type(float)) for x in (ridge, psi1, psi2, mu1_sq))
    )
    c = crossing(jnp, ridge, psi1, psi2, mu1_sq)
    frozen = Crossing(*(jax.lax.stop_gradient(part) for part in c))

    def pair(_: int, s: Number) -> Number:
        return _keep_slack(jnp, _keep_fit(jnp, s, frozen), frozen)

    s = jax.lax.stop_gradient(jax.lax.fori_loop(0, _JAX_PAIRS, pair, _lower_bound(jnp, frozen)))
    for _ in range(2):
        delta, root = _slack(jnp, s, c)
        s = s - excess(s, delta, c) / excess_slope(s, root, c)
    return s, slacks_of(jnp, _slack(jnp, s, c)[0], c, psi1, psi2)
