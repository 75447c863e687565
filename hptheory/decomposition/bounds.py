r"""How far the best HP can move from width n to infinity, from top-kappa invariance and residual flatness.

Theory: 2512.22768, App. B.5 (Definitions 5, 6; Lemmas 10, 14; Proposition 13), and what holds of it. Each
bound is returned with its hypotheses checked on the data. They are derived on the documentation's page on the
HP gap.

Two inequalities carry everything. *A*: if f and g grow by gamma_f and gamma_g about their minimisers, those
are at most (2 osc(f - g)/(gamma_f + gamma_g))^(1/2) apart. *B*: if f has curvature mu and g the Lipschitz
constant L, the minimisers of f and f + g are at most L/mu apart, on a grid L/mu + mesh; with growth only,
2 L/gamma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hptheory.decomposition.loss_curves import LossCurve
from hptheory.transfer.lemmas import Bound, Hypothesis


@dataclass(frozen=True, eq=False)
class Decomposed:
    """The losses of a width and of the limit (its proxy), whole and top-kappa, over the same HPs."""

    whole: LossCurve
    whole_limit: LossCurve
    top: LossCurve
    top_limit: LossCurve

    @property
    def residual(self) -> Any:
        """phi_n - phi_n^kappa."""
        return self.whole - self.top

    @property
    def residual_limit(self) -> Any:
        """phi_inf - phi_inf^kappa."""
        return self.whole_limit - self.top_limit

    @property
    def hp_gap(self) -> Any:
        """b_n, measured."""
        return abs(self.whole.best - self.whole_limit.best)


def invariance_gap(d: Decomposed) -> Any:
    """eps_inv = (sup|phi_n^kappa - phi_inf^kappa| / max(mu(phi_n^kappa), mu(phi_inf^kappa)))^(1/2).

    Source: 2512.22768, Definition 6, with the root that Lemma 10 asks for. Infinite where neither is convex.
    """
    sup = (d.top - d.top_limit).supremum
    return _root(sup, np.maximum(d.top.curvature, d.top_limit.curvature))


def flatness_gap(d: Decomposed) -> Any:
    """eps_flat = Lip(phi_n^-kappa)/mu(phi_n) + Lip(phi_inf^-kappa)/mu(phi_inf).

    Source: 2512.22768, Definition 6.
    """
    return _quotient(d.residual.lipschitz, d.whole.curvature) + _quotient(
        d.residual_limit.lipschitz, d.whole_limit.curvature
    )


def decomposition_objective(d: Decomposed) -> Any:
    """J(kappa) = 2 eps_inv + eps_flat. Source: 2512.22768, Definition 6."""
    return 2 * invariance_gap(d) + flatness_gap(d)


def lemma_10(f: LossCurve, g: LossCurve) -> Bound:
    """|argmin f - argmin g| <= (2 osc(f - g)/(gamma_f + gamma_g))^(1/2): inequality A.

    Source: 2512.22768, Lemma 10, sharper: print has sup|f - g| >= osc/2 and the growth of g alone. Reached by
    x^2/2 and (x - 1)^2/2 on [0, 1].

    >>> from numpy.polynomial import Polynomial
    >>> from hptheory.decomposition.loss_curves import SmoothCurve
    >>> f, g = (SmoothCurve(Polynomial([0, -b, 0.5]), (0.0, 1.0)) for b in (0, 1))
    >>> bound = lemma_10(f, g)
    >>> bound.value, round(bound.upper, 12)
    (1.0, 1.0)
    """
    both = float(f.growth + g.growth)
    grows = Hypothesis("f or g grows quadratically about its minimiser", both > 0, both)
    upper = float(_by_oscillation((f - g).oscillation, both))
    return Bound("|argmin f - argmin g|", 0.0, float(abs(f.best - g.best)), upper, (grows,))


def lemma_14(f: LossCurve, g: LossCurve) -> Bound:
    """|argmin f - argmin (f + g)| <= Lip(g)/mu(f), on a grid Lip(g)/mu(f) + mesh: inequality B.

    Source: 2512.22768, Lemma 14. Its proof sets f' + g' = 0, which fails on the boundary; the claim does not.
    "Strongly convex" must mean curvature: with growth in the sense of Lemma 10 the constant is 2.
    """
    convex = Hypothesis("f has positive curvature", bool(f.curvature > 0), float(f.curvature))
    zero = g - g
    moved = f - (zero - g)
    upper = float(_quotient(g.lipschitz, f.curvature)) + f.mesh
    return Bound("|argmin f - argmin (f + g)|", 0.0, float(abs(f.best - moved.best)), upper, (convex,))


def proposition_13(d: Decomposed) -> Bound:
    """b_n <= J(kappa), as printed, with the root in eps_inv.

    Source: 2512.22768, Proposition 13. True for twice differentiable curves on an interval with positive
    curvatures; on a grid, and for a kappa that jumps between HPs, it is no theorem and does not apply.
    """
    curvatures = [
        Hypothesis(f"mu({name}) > 0", bool(f.curvature > 0), float(f.curvature))
        for name, f in (
            ("phi_n", d.whole),
            ("phi_inf", d.whole_limit),
            ("phi_n^kappa", d.top),
            ("phi_inf^kappa", d.top_limit),
        )
    ]
    smooth = Hypothesis("the curves are smooth, not a grid", d.whole.mesh == 0, d.whole.mesh)
    return Bound("b_n", 0.0, float(d.hp_gap), float(decomposition_objective(d)), (*curvatures, smooth))


def invariance_part(d: Decomposed) -> Any:
    """How far apart the best HPs of the two top-kappa losses can be, by inequality A."""
    difference = d.top - d.top_limit
    return _by_oscillation(difference.oscillation, d.top.growth + d.top_limit.growth)


def flatness_part(d: Decomposed) -> Any:
    """How far the two residuals can move the best HPs, by inequality B, from the better of both ends."""
    return sum(
        np.minimum(_by_slope(rest.lipschitz, whole), _by_slope(rest.lipschitz, top))
        for rest, whole, top in (
            (d.residual, d.whole, d.top),
            (d.residual_limit, d.whole_limit, d.top_limit),
        )
    )


def three_steps(d: Decomposed) -> Bound:
    """b_n <= invariance part + flatness part: Proposition 13, corrected and sharpened.

    Through the best HPs of the two top-kappa losses: A between them, B at both ends. Never above J(kappa)
    on an interval. Holds on grids, and for every kappa.
    """
    upper = float(invariance_part(d) + flatness_part(d))
    finite = Hypothesis("the curves grow about their minimisers", math.isfinite(upper), upper)
    return Bound("b_n", 0.0, float(d.hp_gap), upper, (finite,))


def one_step(d: Decomposed) -> Bound:
    """b_n <= (L + (L^2 + 2 M omega)^(1/2))/M, with M = gamma(phi_n) + gamma(phi_inf).

    omega = osc(phi_n^kappa - phi_inf^kappa), L = Lip(phi_n^-kappa - phi_inf^-kappa): what must be flat is the
    *difference* of the residuals, and the top-kappa losses need not be convex. M b_n^2/2 is at most what
    phi_n - phi_inf changes between the minimisers, so at most omega + L b_n. Not in the paper.
    """
    rise = float(d.whole.growth + d.whole_limit.growth)
    grows = Hypothesis("phi_n or phi_inf grows quadratically about its minimiser", rise > 0, rise)
    return Bound("b_n", 0.0, float(d.hp_gap), float(one_step_value(d)), (grows,))


def one_step_value(d: Decomposed) -> Any:
    """The number of ``one_step``; arrays for batched curves."""
    rise = d.whole.growth + d.whole_limit.growth
    omega = (d.top - d.top_limit).oscillation
    slope = (d.residual - d.residual_limit).lipschitz
    return _quotient(slope + np.sqrt(slope**2 + 2 * rise * omega), rise)


def _by_oscillation(oscillation: Any, growth: Any) -> Any:
    return _root(2 * oscillation, growth)


def _by_slope(slope: Any, f: LossCurve) -> Any:
    """Inequality B about f: by its curvature (and the mesh) or by its growth, whichever says more."""
    return np.minimum(_quotient(slope, f.curvature) + f.mesh, _quotient(2 * slope, f.growth))


def _root(x: Any, y: Any) -> Any:
    return np.sqrt(_quotient(x, y))


def _quotient(x: Any, y: Any) -> Any:
    """x/y for x >= 0; infinite where y is not positive: the hypothesis behind the bound fails."""
    x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
    result = np.full(x.shape, np.inf)
    finite = (y > 0) & np.isfinite(y)
    np.divide(x, y, out=result, where=finite)
    result[np.isposinf(y)] = 0.0
    return result
