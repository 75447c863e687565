"""The random-features model as a rational curve in s: formulas in operators only.

Theory: 2512.22768, eqs. (9), (10) and the risk of App. B.4. With s = m1/m2 - 1 > 0 the coupled equations
are solved in closed form along s, so that every quantity is a rational function of s and of the
parameters. Each function takes floats, NumPy or JAX arrays, mpmath numbers, SymPy symbols, balls, and
truncated series (`series.Series`) alike: what `proofs_check` proves by substituting symbols is the code
that users run.

Notation of this file: u = mu1_sq, v = 1 - u, t = 1 + s, P1 = psi1 u, q = 1/(psi2 u), so that infinite
width is q = 0; A = teacher_mu1_sq and B = 1 - A + noise_var are the linear and the remaining variance of
the labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

# A number of any kind that has operators: the formulas below ask for nothing else.
Number = Any


class Model(NamedTuple):
    """The four parameters as numbers of one kind, in the order in which the formulas take them."""

    psi1: Number
    mu1_sq: Number
    teacher_mu1_sq: Number
    noise_var: Number


class Slacks(NamedTuple):
    """Distances of g(s) from its two bounds, P1 (all samples fitted) and P2 = 1/q (all features used)."""

    sample: Number
    """P1 - g(s)."""
    width: Number
    """1 - q g(s)."""


def fitted(s: Number, mu1_sq: Number) -> Number:
    r"""Return g(s), mu1_sq/d times the effective degrees of freedom tr K (K + ridge)^-1 of the fit.

    .. math:: g(s) = s \left(\mu_2^2 + \frac{\mu_1^2}{1+s}\right)

    Source: eq. (9) divided by m1 m2 reads ``ridge * m1 = 1 - g/P1``.

    Laws: g(0) = 0; strictly increasing and concave on s > 0.

    >>> fitted(0.5, 0.25) == 0.5 * (0.75 + 0.25 / 1.5)
    True
    """
    return s * (1 - mu1_sq + mu1_sq / (1 + s))


def fitted_slope(s: Number, mu1_sq: Number) -> Number:
    r"""Return e(s) = s g'(s), the logarithmic slope of `fitted`.

    .. math:: e(s) = s \left(\mu_2^2 + \frac{\mu_1^2}{(1+s)^2}\right)

    Laws: 0 < e(s) <= g(s).

    >>> h = 1e-6
    >>> abs(fitted_slope(0.5, 0.25) - 0.5 * (fitted(0.5 + h, 0.25) - fitted(0.5 - h, 0.25)) / (2 * h)) < 1e-9
    True
    """
    return s * (1 - mu1_sq + mu1_sq / (1 + s) ** 2)


def slacks(s: Number, psi1: Number, mu1_sq: Number, q: Number) -> Slacks:
    """Return (P1 - g(s), 1 - q g(s)) by their definition.

    Near the ends of the curve the subtraction loses digits; `inverse.invert` finds the same two numbers
    without it, which is why the formulas below take them as arguments.
    """
    g = fitted(s, mu1_sq)
    return Slacks(psi1 * mu1_sq - g, 1 - q * g)


def ridge_on_curve(s: Number, slack: Slacks) -> Number:
    r"""Return the ridge at curve parameter s.

    .. math:: \lambda(s) = \frac{(P_1 - g)(1 - q g)}{s}

    Source: eqs. (9), (10) with m1 = (1 + s) m2, eliminated by hand.

    Laws: strictly decreasing and convex from infinity to 0 on 0 < s < s_max, where g(s_max) = min(P1, P2);
    lambda * psi2 is symmetric in psi1 and psi2.

    >>> s, psi1, u, q = 0.5, 4.0, 0.25, 2.0
    >>> slack = slacks(s, psi1, u, q)
    >>> lam, (m1, m2) = ridge_on_curve(s, slack), stieltjes_on_curve(s, slack, psi1, u)
    >>> psi2 = 1 / (q * u)
    >>> eq9 = (m1 - m2) * ((1 - u) * m1 + u * m2) / psi1 + u * m1 * m2 * (lam * m1 - 1)
    >>> eq10 = psi2 / psi1 * (u * m1 * m2 + (m2 - m1) / psi1) + u * m1 * m2 * (lam * m1 - 1)
    >>> abs(eq9) < 1e-15 and abs(eq10) < 1e-15
    True
    """
    return slack.sample * slack.width / s


def stieltjes_on_curve(s: Number, slack: Slacks, psi1: Number, mu1_sq: Number) -> tuple[Number, Number]:
    r"""Return (m1, m2), the solution of (9), (10) at the ridge of s.

    .. math:: m_1 = \frac{s}{P_1 (1 - q g)}, \qquad m_2 = \frac{m_1}{1+s}

    m1 is the normalised trace tr (K + ridge)^-1 / N of the N x N kernel K = F F^T / n of the features F,
    and m2 that of X X^T / d times the same inverse.
    """
    m1 = s / (psi1 * mu1_sq * slack.width)
    return m1, m1 / (1 + s)


def stieltjes_derivative_on_curve(
    s: Number, slack: Slacks, psi1: Number, mu1_sq: Number, q: Number
) -> tuple[Number, Number]:
    r"""Return (m1', m2'), the derivatives in the ridge.

    .. math::

        m_1' = -\frac{s^2 (\varepsilon + q e)}{P_1 \varepsilon^2 D}, \qquad
        m_2' = -\frac{s^2 (\varepsilon + q e t)}{P_1 t^2 \varepsilon^2 D}

    with epsilon = 1 - q g, e = s g'(s), t = 1 + s and D the `branch_determinant`.

    Laws: both are negative on the physical branch.

    >>> s, h, psi1, u, q = 0.5, 1e-6, 4.0, 0.25, 2.0
    >>> def curve(s):
    ...     slack = slacks(s, psi1, u, q)
    ...     return ridge_on_curve(s, slack), stieltjes_on_curve(s, slack, psi1, u)
    >>> (low, (a, b)), (high, (c, d)) = curve(s - h), curve(s + h)
    >>> d1, d2 = stieltjes_derivative_on_curve(s, slacks(s, psi1, u, q), psi1, u, q)
    >>> abs((c - a) / (high - low) / d1 - 1) < 1e-8 and abs((d - b) / (high - low) / d2 - 1) < 1e-8
    True
    """
    epsilon = slack.width
    t, e = 1 + s, fitted_slope(s, mu1_sq)
    common = -(s**2) / (psi1 * mu1_sq * epsilon**2 * branch_determinant(s, slack, mu1_sq, q))
    return common * (epsilon + q * e), common * (epsilon + q * e * t) / t**2


def risk_on_curve(
    s: Number,
    slack: Slacks,
    psi1: Number,
    mu1_sq: Number,
    teacher_mu1_sq: Number,
    noise_var: Number,
    q: Number,
) -> Number:
    r"""Return the prediction risk (label noise included) at curve parameter s.

    .. math::

        R = P_1 \frac{B(\varepsilon + q e) + A (1 + q \mu_2^2 s^2)/(1+s)^2}{\delta\varepsilon +
        e(\varepsilon + q\delta)}, \qquad \delta = P_1 - g,\; \varepsilon = 1 - q g,\; e = s g'(s)

    with A = teacher_mu1_sq and B = 1 - A + noise_var.

    Source: R = -(B m1' + A m2') / m1^2 (App. B.4) differentiated along the curve. Every term is positive
    on the physical branch, so that no digit is lost to cancellation.

    Laws: R -> A + B as s -> 0 (the null estimator); R > B; at q = 0 it is psi1 (B t^2 + A) / (psi1 t^2 -
    s^2).

    >>> s, psi1, u, A, noise = 0.5, 4.0, 0.25, 0.7, 0.1
    >>> B = 1 - A + noise
    >>> R = risk_on_curve(s, slacks(s, psi1, u, 0), psi1, u, A, noise, 0)
    >>> abs(R - psi1 * (B * 1.5**2 + A) / (psi1 * 1.5**2 - 0.5**2)) < 1e-15
    True
    """
    epsilon = slack.width
    e = fitted_slope(s, mu1_sq)
    unlearnable = 1 - teacher_mu1_sq + noise_var
    variance = unlearnable * (epsilon + q * e)
    bias = teacher_mu1_sq * (1 + q * (1 - mu1_sq) * s**2) / (1 + s) ** 2
    return psi1 * mu1_sq * (variance + bias) / branch_determinant(s, slack, mu1_sq, q)


def branch_determinant(s: Number, slack: Slacks, mu1_sq: Number, q: Number) -> Number:
    r"""Return D(s) = delta epsilon + e (epsilon + q delta), which is -s^2 times d ridge / d s.

    The physical branch is the interval from s = 0 to the first zero of D; ridge falls strictly along it,
    through 0 at s_max, to the (negative or zero) edge of the spectrum, where the risk diverges. Where D has
    no zero (q = 0, psi1 >= 1) the branch goes on to s = infinity.

    >>> s, h, args = 0.5, 1e-6, (4.0, 0.25, 2.0)
    >>> ridge = lambda x: ridge_on_curve(x, slacks(x, *args))
    >>> D = branch_determinant(s, slacks(s, *args), 0.25, 2.0)
    >>> abs(D + s**2 * (ridge(s + h) - ridge(s - h)) / (2 * h)) < 1e-8
    True
    """
    delta, epsilon = slack
    return delta * epsilon + fitted_slope(s, mu1_sq) * (epsilon + q * delta)


def stationarity(
    s: Number,
    slack: Slacks,
    psi1: Number,
    mu1_sq: Number,
    teacher_mu1_sq: Number,
    noise_var: Number,
    q: Number,
) -> tuple[Number, Number]:
    r"""Return (fall, rise): dR/ds has the sign of rise - fall, and the optimum is where the two agree.

    .. math::

        \text{fall} &= A P_1 t^3 \varepsilon, \\
        \text{rise} &= s\left[A\left(u t^2 \varepsilon^2 + q M \varepsilon + q^2 s h^3/t\right)
                       + B\left(u t^3 \varepsilon^2 + q t^2 h^2 \varepsilon + q^2 s h^3\right)\right], \\
        h &= \mu_2^2 t^2 + \mu_1^2, \qquad M = t h^2 + s^2 (\mu_1^4 - \mu_2^4 t^3) > 0 .

    Source: dR/ds = 0 for the risk above, cleared of denominators; fall - rise is a polynomial of degree 7
    in s.

    Laws: both are positive for epsilon > 0; rise/fall increases strictly from 0 to infinity while epsilon
    > 0 (so the stationary point is unique, see the theory page), and the optimum has a positive ridge
    whenever psi2 <= psi1.
    """
    u, v = mu1_sq, 1 - mu1_sq
    t = 1 + s
    epsilon = slack.width
    h = v * t**2 + u
    # M = t h^2 + s^2 (u^2 - v^2 t^3), written with positive terms only.
    m = 1 + s + s**2 + 4 * v * s * t + 2 * v * s**3 + (v * s) ** 2 * (4 + 5 * s + 2 * s**2)
    linear = u * t**2 * epsilon**2 + q * m * epsilon + q**2 * s * h**3 / t
    remaining = u * t**3 * epsilon**2 + q * (t * h) ** 2 * epsilon + q**2 * s * h**3
    unlearnable = 1 - teacher_mu1_sq + noise_var
    fall = teacher_mu1_sq * psi1 * u * t**3 * epsilon
    rise = s * (teacher_mu1_sq * linear + unlearnable * remaining)
    return fall, rise
