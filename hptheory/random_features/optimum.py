"""The optimal ridge at every width: the one root of `curve.stationarity`.

Why it is one (proved in docs, checked in proofs_check): while the width slack is positive, rise/fall
increases strictly from 0 to infinity along the curve, so that the risk has exactly one stationary point
there; beyond (psi2 < psi1 and ridge < 0) the risk only rises. So the risk is unimodal in the ridge on the
whole physical branch, at every width; for psi2 <= psi1 its minimum has a positive ridge.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hptheory.errors import PrecisionError
from hptheory.random_features.arbitrary import MPMath
from hptheory.random_features.curve import (
    Model,
    Number,
    Slacks,
    fitted,
    fitted_slope,
    slacks,
    stationarity,
)
from hptheory.random_features.inverse import invert, invert_mpmath
from hptheory.random_features.series import Series

# The bracket in x = logit(s / s_max): s/s_max from 1e-300 to 1 - 1e-300.
_FARTHEST = 690.0
_MOST_STEPS = 200


def limit_optimum(model: Model) -> Number:
    r"""Return the optimal ridge of infinite width over the whole physical branch.

    .. math:: \lambda^*(\infty) = \mu_1^2\,\frac{\sigma_\varepsilon^2 + {\mu_2^*}^2}{{\mu_1^*}^2} - \mu_2^2

    Source: eq. (11), which is right as printed. It does not depend on psi1.

    >>> limit_optimum(Model(psi1=4, mu1_sq=0.5, teacher_mu1_sq=0.5, noise_var=0.25))
    0.25
    """
    unlearnable = 1 - model.teacher_mu1_sq + model.noise_var
    return model.mu1_sq * unlearnable / model.teacher_mu1_sq - (1 - model.mu1_sq)


def limit_quadratic(psi1: Number, teacher_mu1_sq: Number, noise_var: Number) -> tuple[Number, Number, Number]:
    r"""Return (a, b, c) of the quadratic a s^2 + b s - c = 0 whose positive root is s* at infinite width.

    .. math:: B s^2 + (B + A - A \psi_1) s - A \psi_1 = 0

    Source: the optimality condition above (12), mu1*^2 = B t (t - 1) / (psi1 t - t + 1), cleared.
    """
    unlearnable = 1 - teacher_mu1_sq + noise_var
    return unlearnable, unlearnable + teacher_mu1_sq * (1 - psi1), teacher_mu1_sq * psi1


def positive_root(a: Number, b: Number, c: Number, root: Number) -> Number:
    """Return the positive root of a s^2 + b s - c = 0 without cancellation; root = sqrt(b^2 + 4 a c)."""
    return 2 * c / (b + root) if b >= 0 else (root - b) / (2 * a)


class _Ends(NamedTuple):
    """One end of the curve and the width it belongs to; NumPy arrays or mpmath numbers."""

    psi2: Number
    s_max: Number
    """where g(s_max) = P2, the end of the curve for infinitely many samples"""
    q: Number


def _split(xp: Any, x: Number, ends: _Ends) -> tuple[Number, Number]:
    """Return (s, s_max - s) at x = logit(s / s_max), both to full relative accuracy."""
    return ends.s_max / (1 + xp.exp(-x)), ends.s_max / (1 + xp.exp(x))


def _slacks(xp: Any, s: Number, rest: Number, ends: _Ends, psi1: Number, mu1_sq: Number) -> Slacks:
    """Return the slacks at s = s_max - rest, each without cancellation wherever that can be."""
    # 1 - q g(s) = q (g(s_max) - g(s)), with the difference of the two fractions taken by hand.
    width = ends.q * rest * (1 - mu1_sq + mu1_sq / ((1 + s) * (1 + ends.s_max)))
    # Where samples outnumber features, P1 - g = (P1 - P2) + (P2 - g) is a sum of positive terms.
    by_sum = mu1_sq * (psi1 - ends.psi2) + width / ends.q
    return Slacks(xp.where(psi1 >= ends.psi2, by_sum, psi1 * mu1_sq - fitted(s, mu1_sq)), width)


def _balance(xp: Any, s: Number, rest: Number, ends: _Ends, model: Model) -> tuple[Number, Number]:
    """Return ln(rise/fall), which is 0 at the optimum, and its derivative in x = logit(s / s_max).

    It increases in x, with slope near 1 at both ends. The derivative comes from substituting a series for s.
    """
    slack = _slacks(xp, s, rest, ends, model.psi1, model.mu1_sq)
    g_slope = fitted_slope(s, model.mu1_sq) / s
    along = Slacks(Series([slack.sample, -g_slope]), Series([slack.width, -ends.q * g_slope]))
    fall, rise = stationarity(Series([s, 1.0]), along, *model, ends.q)
    return xp.log(rise[0] / fall[0]), s * rest / ends.s_max * (rise[1] / rise[0] - fall[1] / fall[0])


def optimal_point(psi2: np.ndarray, model: Model) -> tuple[np.ndarray, Slacks, np.ndarray]:
    """Return (s, slacks, x) of the optimum on the whole physical branch, for arrays of finite psi2.

    model = (psi1, mu1_sq, teacher_mu1_sq, noise_var). Newton's iteration in x from the optimum of infinite
    width, kept inside a bracket.
    """
    psi2 = np.asarray(psi2, dtype=float)
    s_max, _ = invert(np.zeros(psi2.shape), 2 * psi2, psi2, model.mu1_sq)
    ends = _Ends(psi2, s_max, 1 / (psi2 * model.mu1_sq))
    # As infinite width has no end of the curve, its optimum may lie beyond: start below the end.
    x = np.minimum(np.log(min(_limit_s(model), 1e300) / s_max), 2.0)
    low, high = np.full(psi2.shape, -_FARTHEST), np.full(psi2.shape, _FARTHEST)
    for _ in range(_MOST_STEPS):
        value, slope = _balance(np, *_split(np, x, ends), ends, model)
        low, high = np.where(value < 0, x, low), np.where(value > 0, x, high)
        new = x - value / slope
        new = np.where((new > low) & (new < high), new, np.where(value == 0, x, (low + high) / 2))
        done = np.all(np.abs(new - x) <= 1e-7)
        x = new
        if done:
            break
    else:
        raise PrecisionError("the optimum did not converge in floats; pass precision=15")
    # The last step is taken in s and s_max - s, because a large x holds them to fewer digits.
    s, rest = _split(np, x, ends)
    value, slope = _balance(np, s, rest, ends, model)
    step = value / slope
    s, rest = s * (1 - step * rest / s_max), rest * (1 + step * s / s_max)
    return s, _slacks(np, s, rest, ends, model.psi1, model.mu1_sq), x - step


def _limit_s(model: Model) -> float:
    a, b, c = limit_quadratic(model.psi1, model.teacher_mu1_sq, model.noise_var)
    return positive_root(a, b, c, np.sqrt(b * b + 4 * a * c)) if a > 0 or b > 0 else np.inf


def optimal_point_mpmath(psi2: Number, model: Model) -> tuple[Number, Slacks]:
    """Return (s, slacks) of the optimum at the working precision of mpmath; psi2 may be infinite."""
    import mpmath

    psi1, mu1_sq = model.psi1, model.mu1_sq
    if mpmath.isinf(psi2):
        a, b, c = limit_quadratic(psi1, model.teacher_mu1_sq, model.noise_var)
        s = positive_root(a, b, c, mpmath.sqrt(b * b + 4 * a * c))
        return s, slacks(s, psi1, mu1_sq, mpmath.mpf(0))
    s_max, _ = invert_mpmath(mpmath.mpf(0), 2 * psi2, psi2, mu1_sq)
    ends = _Ends(psi2, s_max, 1 / (psi2 * mu1_sq))
    s, rest = _split(MPMath, _newton(ends, model, _start(psi2, model)), ends)
    return s, _slacks(MPMath, s, rest, ends, psi1, mu1_sq)


def _start(psi2: Number, model: Model) -> Number:
    """Return x to double precision where doubles hold everything, else 0 (Newton has a bracket)."""
    import mpmath

    floats = Model(*(float(part) for part in model))
    capped = min(psi2, mpmath.mpf(10) ** 30)
    if float(capped) < 1e-30 or not all(
        1e-30 < x < 1e30
        for x in (floats.psi1, floats.mu1_sq, 1 - floats.mu1_sq, floats.teacher_mu1_sq, 1 + floats.noise_var)
    ):
        return mpmath.mpf(0)
    # Beyond the cap x falls by ln psi2: s stays, s_max grows.
    return mpmath.mpf(_float_start(float(capped), floats)) - mpmath.log(psi2 / capped)


@lru_cache(maxsize=256)
def _float_start(psi2: float, model: Model) -> float:
    with np.errstate(all="ignore"):
        x = float(optimal_point(np.asarray(psi2), model)[2])
    return x if np.isfinite(x) else 0.0


def _newton(ends: _Ends, model: Model, x: Number) -> Number:
    """Return x of the optimum by Newton's iteration inside a bracket."""
    import mpmath

    nearly = mpmath.mpf(10) ** (-0.55 * mpmath.mp.dps)
    low, high = -mpmath.inf, mpmath.inf
    for step in range(_MOST_STEPS):
        value, slope = _balance(MPMath, *_split(MPMath, x, ends), ends, model)
        low, high = (max(low, x), high) if value < 0 else (low, min(high, x))
        new = x - value / slope
        # Quadratic order: a step this small leaves an error at the level of rounding.
        if abs(value) <= nearly * abs(slope):
            return new
        if not low < new < high:
            new = (
                (low + high) / 2
                if low > -mpmath.inf and high < mpmath.inf
                else x - mpmath.sign(value) * 2**step
            )
        x = new
    raise PrecisionError(f"the optimum did not converge at {mpmath.mp.dps} working digits")
