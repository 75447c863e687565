"""An independent, slow reference for the theory: equations (9), (10) solved as printed, by root finding.

It shares nothing with ``hptheory.random_features``: no rational curve, no closed form. At a very large ridge
the answer is known (m1 = m2 = 1/ridge); from there Newton's method is continued down to the ridge asked, on
the branch that cannot jump. Source: arXiv 2512.22768, (9), (10), T1, T2 and the risk formula of App. B.4.

    >>> m1, m2 = stieltjes_reference(1, psi1=4, psi2=2, mu1_sq="0.93")
    >>> [float(residual(m1, m2)) < 1e-29 for residual in printed_equations(1, 4, 2, "0.93")]
    [True, True]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath as mp

Number = int | float | str | Fraction | mp.mpf
GUARD = 40
"""Digits spent on the cancellation in m1 - m2, which is of relative size mu1_sq psi1 / ridge at large ridge
(1e-17 at the far corner psi1 = 1e-3, mu1_sq = 1e-6, ridge = 1e8), squared in the Jacobian's determinant."""


class NoReferenceError(ArithmeticError):
    """The continuation met the end of the physical branch: there is no reference value at this ridge."""


def printed_equations(ridge: Number, psi1: Number, psi2: Number, mu1_sq: Number) -> list[Callable[..., Any]]:
    """The left-hand sides of (9) and (10) as functions of (m1, m2), exactly as the paper prints them.

    At ``psi2 = inf`` they are T2 and T1, which the paper derives from them for the large-width limit.
    """
    z, psi1, mu1_sq = number(ridge), number(psi1), number(mu1_sq)
    mu2_sq = 1 - mu1_sq

    def t1(m1: Any, m2: Any) -> Any:
        return mu1_sq * m1 * m2 + (m2 - m1) / psi1

    def t2(m1: Any, m2: Any) -> Any:
        return z * m1 + mu2_sq * m1 + mu1_sq * m2 - 1

    if psi2 == math.inf:
        return [t2, t1]
    psi2 = number(psi2)

    def equation_9(m1: Any, m2: Any) -> Any:
        return (m1 - m2) * (mu2_sq * m1 + mu1_sq * m2) / psi1 + mu1_sq * m1 * m2 * (z * m1 - 1)

    def equation_10(m1: Any, m2: Any) -> Any:
        return psi2 / psi1 * t1(m1, m2) + mu1_sq * m1 * m2 * (z * m1 - 1)

    return [equation_9, equation_10]


def stieltjes_reference(
    ridge: Number, psi1: Number, psi2: Number, mu1_sq: Number, dps: int = 30
) -> tuple[mp.mpf, mp.mpf]:
    """(m1, m2) to ``dps`` digits; psi1 > 0, psi2 > 0 or inf, 0 < mu1_sq < 1, ridge on the physical branch.

    Floats mean their exact binary value; pass str or Fraction for decimals. A ridge <= 0 is reached where the
    physical branch extends to it (psi2 > psi1); beyond its end, ``NoReferenceError``.
    """
    with mp.workdps(dps + GUARD):
        m1, m2 = _continue_to(number(ridge), number(psi1), psi2, number(mu1_sq))
    with mp.workdps(dps):
        return +m1, +m2


def stieltjes_derivative_reference(
    ridge: Number, psi1: Number, psi2: Number, mu1_sq: Number, dps: int = 30
) -> tuple[mp.mpf, mp.mpf]:
    """(dm1/dridge, dm2/dridge) to ``dps`` digits, by the implicit function theorem on (9), (10)."""
    with mp.workdps(dps + GUARD):
        problem = number(psi1), psi2, number(mu1_sq)
        m1, m2 = _continue_to(number(ridge), *problem)
        slopes = _slopes(number(ridge), m1, m2, *problem)
    with mp.workdps(dps):
        return +slopes[0], +slopes[1]


def risk_reference(
    ridge: Number,
    psi1: Number,
    psi2: Number,
    mu1_sq: Number,
    teacher_mu1_sq: Number,
    noise_var: Number,
    dps: int = 30,
) -> mp.mpf:
    """The asymptotic risk -(B m1' + A m2') / m1^2 with A = teacher_mu1_sq, B = 1 - A + noise_var."""
    with mp.workdps(dps + GUARD):
        problem = number(psi1), psi2, number(mu1_sq)
        m1, m2 = _continue_to(number(ridge), *problem)
        slope1, slope2 = _slopes(number(ridge), m1, m2, *problem)
        linear = number(teacher_mu1_sq)
        noise = 1 - linear + number(noise_var)
        risk = -(noise * slope1 + linear * slope2) / m1**2
    with mp.workdps(dps):
        return +risk


def stieltjes_scipy(ridge: float, psi1: float, psi2: float, mu1_sq: float) -> tuple[float, float]:
    """(m1, m2) in floats by ``scipy.optimize.root`` on (9) and (10) / psi2, followed down from a large ridge.

    What a reader of the paper would write first; good to about 1e-6 in the middle of the domain.
    """
    from scipy.optimize import root

    mu2_sq = 1 - mu1_sq

    def equations(logs: Any, z: float) -> list[float]:
        m1, m2 = math.exp(logs[0]), math.exp(logs[1])
        tail = mu1_sq * (z * m1 - 1)
        slope = (m1 - m2) / (m1 * m2 * psi1)
        return [slope * (mu2_sq * m1 + mu1_sq * m2) + tail, (mu1_sq - slope) / psi1 + tail / psi2]

    top = max(ridge, 1e2 * (1 + psi1))
    logs = [-math.log(top), -math.log(top) - math.log1p(psi1 * mu1_sq / top)]
    steps = 1 + math.ceil(math.log(top / ridge) / math.log(4))
    for k in range(1, steps + 1):
        solution = root(equations, logs, args=(top * (ridge / top) ** (k / steps),), tol=1e-13)
        logs = list(solution.x)
    if not max(abs(value) for value in solution.fun) < 1e-6 * mu1_sq:
        raise NoReferenceError(f"scipy.optimize.root did not settle at ridge = {ridge}: {solution.message}")
    return math.exp(logs[0]), math.exp(logs[1])


def number(value: Number) -> mp.mpf:
    """An mpmath number: floats exactly, str and Fraction rounded at the working precision."""
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    return mp.mpf(value)


def _residual_and_jacobian(z: Any, m1: Any, m2: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, ...]:
    """Both residuals, their Jacobian by (m1, m2), and their derivative by the ridge."""
    mu2_sq = 1 - mu1_sq
    residuals = [equation(m1, m2) for equation in printed_equations(z, psi1, psi2, mu1_sq)]
    t1_slopes = (mu1_sq * m2 - 1 / psi1, mu1_sq * m1 + 1 / psi1)
    if psi2 == math.inf:
        return residuals, [(z + mu2_sq, mu1_sq), t1_slopes], [m1, mp.mpf(0)]
    kernel = mu2_sq * m1 + mu1_sq * m2
    tail = (mu1_sq * m2 * (2 * z * m1 - 1), mu1_sq * m1 * (z * m1 - 1))
    row_9 = (
        (kernel + (m1 - m2) * mu2_sq) / psi1 + tail[0],
        (-kernel + (m1 - m2) * mu1_sq) / psi1 + tail[1],
    )
    row_10 = tuple(number(psi2) / psi1 * t + u for t, u in zip(t1_slopes, tail, strict=True))
    by_ridge = mu1_sq * m1 * m1 * m2
    return residuals, [row_9, row_10], [by_ridge, by_ridge]


def _solve_2x2(rows: Any, right: Any) -> tuple[Any, Any]:
    (a, b), (c, d) = rows
    det = a * d - b * c
    return (right[0] * d - b * right[1]) / det, (a * right[1] - right[0] * c) / det


def _slopes(z: Any, m1: Any, m2: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, Any]:
    _, jacobian, by_ridge = _residual_and_jacobian(z, m1, m2, psi1, psi2, mu1_sq)
    return _solve_2x2(jacobian, [-by_ridge[0], -by_ridge[1]])


def _newton(z: Any, m1: Any, m2: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, Any] | None:
    """Newton's method in (log m1, log(m1/m2 - 1)); None when it leaves the branch or does not settle."""
    log_m1, log_s = mp.log(m1), mp.log(m1 / m2 - 1)
    tolerance = mp.mpf(10) ** (-(mp.mp.dps - 25))
    for _ in range(14):
        m1, s = mp.exp(log_m1), mp.exp(log_s)
        m2 = m1 / (1 + s)
        residuals, jacobian, _ = _residual_and_jacobian(z, m1, m2, psi1, psi2, mu1_sq)
        # chain rule: dm1 = m1 dlog_m1,  dm2 = m2 dlog_m1 - m2 s/(1+s) dlog_s
        in_logs = [(a * m1 + b * m2, -b * m2 * s / (1 + s)) for a, b in jacobian]
        if in_logs[0][0] * in_logs[1][1] == in_logs[0][1] * in_logs[1][0]:
            return None
        step = _solve_2x2(in_logs, [-residuals[0], -residuals[1]])
        if max(abs(step[0]), abs(step[1])) > 2:
            return None  # far from the start: not the branch that was followed
        log_m1, log_s = log_m1 + step[0], log_s + step[1]
        if max(abs(step[0]), abs(step[1])) < tolerance:
            m1 = mp.exp(log_m1)
            m2 = m1 / (1 + mp.exp(log_s))
            falls = _slopes(z, m1, m2, psi1, psi2, mu1_sq)[0] < 0  # m1 falls with the ridge on the branch
            return (m1, m2) if falls else None
    return None


def _continue_to(ridge: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, Any]:
    """Follow the root from a large ridge to this one, halving the step wherever Newton objects."""
    top = max(ridge, 100 * (1 + psi1) * max(1, 1 / number(psi2)))
    state = _newton(top, *_large_ridge(top, psi1, mu1_sq), psi1, psi2, mu1_sq)
    if state is None:
        raise NoReferenceError(f"Newton's method found no root at ridge = {mp.nstr(top, 8)}")
    small = ridge if ridge > 0 else mp.mpf("1e-3")
    state = _follow(lambda t: top * (small / top) ** t, state, psi1, psi2, mu1_sq)
    return _follow(lambda t: small + (ridge - small) * t, state, psi1, psi2, mu1_sq) if ridge <= 0 else state


def _large_ridge(z: Any, psi1: Any, mu1_sq: Any) -> tuple[Any, Any]:
    """m1 = 1/z and m1/m2 - 1 = mu1_sq psi1 m1, to leading order in 1/z (from T1)."""
    return 1 / z, 1 / (z * (1 + mu1_sq * psi1 / z))


def _follow(path: Callable[[Any], Any], state: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, Any]:
    t, step = mp.mpf(0), mp.mpf(1) / 16
    while t < 1:
        step = min(step, 1 - t)
        z, z_next = path(t), path(t + step)
        found = _newton(z_next, *_predict(z, z_next, *state, psi1, psi2, mu1_sq), psi1, psi2, mu1_sq)
        if found is None:
            step /= 2
            if step < mp.mpf(2) ** -40:
                raise NoReferenceError(f"no root followed beyond ridge = {mp.nstr(z, 8)}")
        else:
            t, state, step = t + step, found, step * 1.5
    return state


def _predict(z: Any, z_next: Any, m1: Any, m2: Any, psi1: Any, psi2: Any, mu1_sq: Any) -> tuple[Any, Any]:
    """The tangent in (log m1, log s) against log z, or against z where z is not positive."""
    slope1, slope2 = _slopes(z, m1, m2, psi1, psi2, mu1_sq)
    s = m1 / m2 - 1
    slope_s = (1 + s) * (slope1 / m1 - slope2 / m2)
    change = z * mp.log(z_next / z) if z > 0 and z_next > 0 else z_next - z
    m1, s = m1 * mp.exp(change * slope1 / m1), s * mp.exp(change * slope_s / s)
    return m1, m1 / (1 + s)
