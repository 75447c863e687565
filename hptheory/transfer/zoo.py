"""A small zoo of families whose gaps are known exactly, each with its proof.

Used by tests, by the docs and to calibrate the estimators. ``ZOO`` names the ones that need no arguments.
All are families of one hyperparameter x, to be read as ln HP.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from hptheory.errors import DomainError
from hptheory.transfer.families import Floats
from hptheory.transfer.gaps import Gaps
from hptheory.transfer.known_family import BOX, KnownFamily, moving_parabola
from hptheory.transfer.number_kinds import Number, require


def quadratic(
    alpha: Number,
    beta: Number,
    loss_amplitude: Number = 1,
    hp_amplitude: Number = 1,
    curvature: Number = 1,
    box: tuple[tuple[float, float], ...] = BOX,
    name: str = "quadratic",
) -> KnownFamily:
    """The parabola that sinks and drifts: phi_n(x) = A n^-alpha + (tau/2) (x - B n^-beta)^2.

    Proof. The minimiser is B n^-beta, the minimum A n^-alpha, and phi_inf(x) = (tau/2) x^2. So
    a_n = A n^-alpha, b_n = |B| n^-beta, c_n = (tau/2) B^2 n^(-2 beta): fast iff beta > alpha/2, for any
    positive alpha and beta. Where beta < alpha this is beyond the theorem's hypotheses: away from x = 0 the
    difference phi_n - phi_inf is dominated by -tau x B n^-beta, which changes sign, so the uniform gap is not
    locally tight; that is how beta <= alpha/2 is possible at all (``lemmas.curvature_bound``).

    >>> family = quadratic(alpha=1, beta=1, hp_amplitude=2.0)
    >>> gaps = family.gaps(4.0)
    >>> gaps.loss, gaps.hyperparameter, gaps.suboptimality
    (0.25, 0.5, 0.125)
    """
    for parameter, value in {"alpha": alpha, "beta": beta, "curvature": curvature}.items():
        require(value > 0, parameter, value, "> 0")

    def optimum(n: Number) -> Number:
        return hp_amplitude * n**-beta

    def best(n: Number) -> Number:
        return loss_amplitude * n**-alpha

    return moving_parabola(name, alpha, beta, optimum, best, curvature, box)


def fast() -> KnownFamily:
    """alpha = beta = 1, as in random features: c_n = a_n^2 / 2. ``quadratic`` proves it."""
    return quadratic(1, 1, name="fast")


def slow() -> KnownFamily:
    """alpha = 1, beta = 1/4: c_n = a_n^(1/2) / 2, far above a_n. ``quadratic`` proves it."""
    return quadratic(1, 0.25, name="slow")


def tied() -> KnownFamily:
    """alpha = 1, beta = 1/2: c_n = a_n / 2 at every width: just not fast. ``quadratic`` proves it."""
    return quadratic(1, 0.5, name="tied")


def cancelling_drift(
    alpha: Number = 1.0, beta: Number = 0.5, gamma: Number = 0.5, cancels_at: Number = 64.0
) -> KnownFamily:
    """Two drifts of opposite sign: nu*(n) = n^-beta (1 - (cancels_at/n)^gamma), around a parabola.

    Proof. phi_n(x) = n^-alpha + (x - nu*(n))^2 / 2, so a_n = n^-alpha, b_n = |nu*(n)|, c_n = b_n^2 / 2. For
    n -> inf, b_n ~ n^-beta; but b_n = 0 at n = cancels_at, and just below it b_n falls faster than any power:
    a power law fitted there is much too fast. Below, the drift is n^(-beta - gamma), with the other sign.

    >>> cancelling_drift().gaps(64.0).hyperparameter
    0.0
    """

    def optimum(n: Number) -> Number:
        return n**-beta - cancels_at**gamma * n ** (-beta - gamma)

    def best(n: Number) -> Number:
        return n**-alpha

    return moving_parabola("cancelling drift", alpha, beta, optimum, best, box=((-4.0, 4.0),))


def ripples(alpha: Number = 1.0) -> KnownFamily:
    """Convex, locally tight, and yet tied: Proposition 1 is sharp, but only without equicontinuity.

    phi_n(x) = x^2/2 + e (2 - k sin(x / e^(1/2))) with e = n^-alpha and k = pi / (3 3^(1/2)) = 0.6046.

    Proof. With u = x / e^(1/2): phi_n = e (u^2/2 + 2 - k sin u), and phi_n'' = 1 + k sin u >= 1 - k > 0.
    The slope vanishes where u = k cos u, that is at u = pi/6 (cos = 3^(1/2)/2, sin = 1/2). So
    b_n = (pi/6) e^(1/2), c_n = (pi^2/72) e, a_n = (pi^2/72 + 2 - k/2) e: c_n/a_n = 0.0747 for all n. The
    difference from x^2/2 lies in [(2 - k) e, (2 + k) e] everywhere: tight with c = (2 - k)/(2 + k), C = 1.
    Of Definition 3 only this fails: phi_n'' = 1 + k sin u does not converge, nor is it equicontinuous.

    >>> gaps = ripples().gaps(100.0)
    >>> round(gaps.hyperparameter / gaps.loss**0.5, 3), ripples().gaps(1e6).hyperparameter / 1e-3
    (0.387, 0.5235987755982988)
    """
    k = math.pi / (3 * math.sqrt(3))

    def scale(n: Number) -> Number:
        return n**-alpha

    def optimum(n: Number) -> Number:
        return math.pi / 6 * n ** (-alpha / 2)

    def best(n: Number) -> Number:
        return (math.pi**2 / 72 + 2 - k / 2) * scale(n)

    def phi(n: float, x: Floats) -> Floats:
        if math.isinf(n):
            return x**2 / 2
        return x**2 / 2 + scale(n) * (2 - k * np.sin(x / math.sqrt(scale(n))))

    def gaps(n: Number) -> Gaps:
        return Gaps(best(n), optimum(n), optimum(n) ** 2 / 2)

    return KnownFamily(phi, BOX, "ripples", alpha, alpha / 2, optimum, best, gaps)


def moving_funnel(
    alpha: Number = 1.0, beta: Number = 0.75, gamma: Number = 0.25, omega: Number = 1.0
) -> KnownFamily:
    """Not convex: fast, since beta > alpha/2, and yet transfer is not useful.

    phi_n(x) = n^-alpha + (x - n^-beta)^2 / 2 + n^-gamma u^2/(1 + u^2), u = n^omega (x - n^-beta): a funnel of
    width n^-omega around the moving optimum, outside of which the loss is higher by n^-gamma.

    Proof. All terms that depend on x are least at x = n^-beta, and phi_inf(x) = x^2/2. So a_n = n^-alpha,
    b_n = n^-beta, c_n = n^(-2 beta) / 2 = o(a_n) iff beta > alpha/2: fast. But a hyperparameter of a proxy
    n <= M/2 is off at M by at least (2^beta - 1) M^-beta, outside of the funnel if omega > beta: the loss
    above the limit is Theta(M^-gamma), no less than F^(-gamma/r) for a budget F. Direct tuning reaches into
    the funnel: with rho = n^(-omega - (alpha - gamma)/2) its loss is O(n^-alpha), for F = n^r rho^-h. Hence
    F^-(2 alpha / (h (alpha + 2 omega - gamma) + 2 r)), at the defaults with h = 1 and r = 2 F^-0.296
    against transfer's F^-0.125; and a proxy as wide as M is direct tuning, with one run more. Theorem 2 fails
    because Definition 3 does: phi_n'' reaches 2 n^(2 omega - gamma), and is negative at u = 1.

    Domain: 0 < gamma < alpha, beta < omega, else ``DomainError``.
    """
    require(gamma > 0, "gamma", gamma, "> 0")
    require(gamma < alpha, "gamma", gamma, f"< alpha = {alpha}")
    require(beta < omega, "beta", beta, f"< omega = {omega}")

    def optimum(n: Number) -> Number:
        return n**-beta

    def best(n: Number) -> Number:
        return n**-alpha

    def phi(n: float, x: Floats) -> Floats:
        offset = x - optimum(n)
        if math.isinf(n):
            return offset**2 / 2
        square = (n**omega * offset) ** 2
        return best(n) + offset**2 / 2 + n**-gamma * square / (1 + square)

    def gaps(n: Number) -> Gaps:
        return Gaps(best(n), optimum(n), optimum(n) ** 2 / 2)

    return KnownFamily(phi, BOX, "moving funnel", alpha, beta, optimum, best, gaps)


def jump(alpha: Number = 0.5, jumps_at: float = 8192.0, distance: float = 1.0) -> KnownFamily:
    """Two wells that exchange the lead at one width: the optimum jumps, as in the paper's Figure 2.

    phi_n(x) = min(left, right) with left = (x + d)^2/2 + D + n^-alpha/2, right = (x - d)^2/2 + n^-alpha and
    D = jumps_at^-alpha / 2.

    Proof. The wells' minima are D + n^-alpha/2 and n^-alpha; the left is lower iff n^-alpha/2 > D, that is
    n < jumps_at. In the limit the right is (D > 0). So below jumps_at, nu*(n) = -d, a_n = D + n^-alpha/2,
    b_n = 2d, c_n = D (as D < 2 d^2); from there on nu*(n) = d, a_n = n^-alpha, b_n = c_n = 0. No data from
    below the jump tell of it, other than the second minimum: the limit of the fit is wrong by 2d.

    Domain: jumps_at^-alpha < 4 d^2, else ``DomainError``.
    """
    margin = jumps_at**-alpha / 2
    require(
        margin < 2 * distance**2, "distance", distance, f"> {math.sqrt(margin / 2):g}, so that wells differ"
    )

    def before(n: Number) -> Any:
        return np.asarray(n) < jumps_at

    def optimum(n: Number) -> Number:
        return np.where(before(n), -distance, distance)[()]

    def best(n: Number) -> Number:
        return np.where(before(n), margin + n**-alpha / 2, n**-alpha)[()]

    def phi(n: float, x: Floats) -> Floats:
        left, right = (x + distance) ** 2 / 2 + margin + n**-alpha / 2, (x - distance) ** 2 / 2 + n**-alpha
        return np.minimum(left, right)

    def gaps(n: Number) -> Gaps:
        return Gaps(best(n), np.where(before(n), 2 * distance, 0.0)[()], np.where(before(n), margin, 0.0)[()])

    return KnownFamily(
        phi, ((-2.5 * distance, 2.5 * distance),), "jump", alpha, math.inf, optimum, best, gaps
    )


def wrong_scaling(exponent: Number = 0.5, alpha: Number = 1.0) -> KnownFamily:
    """No weak transfer: the hyperparameter lacks a factor n^-exponent, so its optimum drifts for ever.

    phi_n(x) = n^-alpha + (x + exponent ln n)^2 / 2 with x = ln HP: the optimal HP is n^-exponent.

    Proof. The minimiser -exponent ln n leaves every box; phi_n(x) -> inf for every x, so there is no limit
    and no gap: ``gaps`` raises ``DomainError``. The minimum still is n^-alpha, and the scaled HP, that is
    HP n^exponent, has the constant optimum 1: the missing exponent is minus the slope of nu*(n) in ln n.
    """

    def optimum(n: Number) -> Number:
        return -exponent * np.log(n)

    def best(n: Number) -> Number:
        return n**-alpha

    def gaps(n: Number) -> Gaps:
        raise DomainError(
            "family", "wrong scaling", "one with a limit", "rescale the HP by n**exponent first"
        )

    drifting = moving_parabola("wrong scaling", alpha, -math.inf, optimum, best, box=((-8.0, 2.0),))
    return replace(drifting, gaps=gaps)


class RandomFeaturesModel(Protocol):
    """What the zoo needs of ``hptheory.random_features.RandomFeatures``."""

    def risk(self, ridge: Any, psi2: Any) -> Any:
        """The prediction risk."""

    def optimal_ridge(self, psi2: Any) -> Any:
        """Its minimiser."""

    def optimal_risk(self, psi2: Any) -> Any:
        """Its minimum."""

    def gaps(self, psi2: Any) -> Gaps:
        """The exact gaps."""


def random_features(model: RandomFeaturesModel) -> KnownFamily:
    """Ridge regression on random features: x is the ridge penalty, the width is psi2 = n/d.

    Proof: 2512.22768, Theorem 3 (a_n = Theta(1/n), b_n = O(1/n)), sharpened in ``hptheory.random_features``,
    whose ``gaps`` are exact; ``large_width().hyperparameter_gap_constant`` not 0 makes beta = 1. The box is
    [0, 4 x the optimum of the limit].

    >>> from hptheory.random_features import RandomFeatures
    >>> model = RandomFeatures(psi1=4.0, mu1_sq=0.93, teacher_mu1_sq=0.73, noise_var=0.0625)
    >>> family = random_features(model)
    >>> bool(family(8.0, family.optimum(8.0)) < family(8.0, 1.01 * family.optimum(8.0)))
    True
    """
    box = ((0.0, 4 * float(model.optimal_ridge(math.inf))),)

    def phi(n: float, x: Floats) -> Floats:
        return model.risk(x, n)

    return KnownFamily(phi, box, "random features", 1, 1, model.optimal_ridge, model.optimal_risk, model.gaps)


ZOO: dict[str, Callable[[], KnownFamily]] = {
    "fast": fast,
    "slow": slow,
    "tied": tied,
    "cancelling drift": cancelling_drift,
    "ripples": ripples,
    "moving funnel": moving_funnel,
    "jump": jump,
    "wrong scaling": wrong_scaling,
}
"""The families that need no arguments, by name."""
