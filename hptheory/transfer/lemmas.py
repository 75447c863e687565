"""Proposition 1 and Lemmas 10-12 as inequalities with constants, each with its hypotheses checked.

Each takes a ``Survey`` of a family at one width and gives a ``Bound``: what it claims, what was measured, and
whether its hypotheses hold. Source: 2512.22768, App. B.2, with the constants worked out.

One thing follows that the paper does not say (``curvature_bound``). Definition 3 makes phi_n'' converge
uniformly, so kappa_n = sup|phi_n'' - phi_inf''| -> 0, and an inequality of Landau's then gives
b_n = O((abar_n kappa_n)^(1/2)) = o(abar_n^(1/2)). If the uniform gap abar_n is locally tight too (Definition
4), abar_n = Theta(a_n): *under the hypotheses of Proposition 1 transfer is always fast*. Slow transfer needs
one of them to fail: tightness (``zoo.quadratic``, beta <= alpha/2) or equicontinuity (``zoo.ripples``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hptheory.transfer.survey import Survey


@dataclass(frozen=True)
class Hypothesis:
    """One condition of a lemma, whether it holds, and the number that decides."""

    statement: str
    holds: bool
    measured: float


@dataclass(frozen=True)
class Bound:
    """lower <= value <= upper, claimed under the hypotheses; ``value`` is what was measured.

    Where a hypothesis fails so badly that the bound has no value, ``upper`` is infinite.
    """

    claim: str
    lower: float
    value: float
    upper: float
    hypotheses: tuple[Hypothesis, ...]

    @property
    def applies(self) -> bool:
        """Whether all hypotheses hold."""
        return all(hypothesis.holds for hypothesis in self.hypotheses)

    @property
    def satisfied(self) -> bool:
        """Whether the measured value lies within the bound, hypotheses or not."""
        return self.lower <= self.value <= self.upper


def lemma_10(s: Survey) -> Bound:
    """b_n <= 2 (abar_n / tau)^(1/2), where phi_inf grows at least like (tau/2) d^2 over the whole box.

    Source: 2512.22768, Lemma 10 with f = phi_n, g = phi_inf, epsilon = abar_n = sup|f - g|. Its proof does
    not use that f has one minimiser only: the bound holds for each of them.

    >>> from hptheory.transfer import zoo
    >>> from hptheory.transfer.survey import survey
    >>> bound = lemma_10(survey(zoo.quadratic(alpha=1, beta=1), width=100.0, radius=0.5))
    >>> bound.applies, bound.satisfied
    (True, True)
    """
    grows = Hypothesis(
        "phi_inf(x) - phi*_inf >= (tau/2) d^2 on the box, tau > 0", s.box_growth > 0, s.box_growth
    )
    return Bound("b_n", 0.0, s.gaps.hyperparameter, _displacement(s.uniform_gap, s.box_growth), (grows,))


def lemma_11(s: Survey) -> tuple[Bound, Bound]:
    """b_n <= 2 (abar_n / tau)^(1/2) and (tau/2) b_n^2 <= c_n <= (smoothness/2) b_n^2, with local constants.

    Source: 2512.22768, Lemma 11. For all large n there; here at one n, once nu*(n) must lie in the
    delta-ball: a convex phi_inf is above (tau/2) delta^2 outside of it, but at most 2 abar_n at nu*(n).
    """
    level = s.growth.tau * s.growth.delta**2 / 2
    near = Hypothesis(
        "2 abar_n < (tau/2) delta^2", 2 * s.uniform_gap < level, 2 * s.uniform_gap / max(level, 0.0)
    )
    inside = Hypothesis("b_n <= delta", s.gaps.hyperparameter <= s.growth.delta, s.gaps.hyperparameter)
    upper = _displacement(s.uniform_gap, s.growth.tau)
    square = s.gaps.hyperparameter**2 / 2
    return (
        Bound("b_n", 0.0, s.gaps.hyperparameter, upper, (_convex(s), _strongly(s), near)),
        Bound(
            "c_n",
            s.growth.tau * square,
            s.gaps.suboptimality,
            s.growth.smoothness * square,
            (_strongly(s), inside),
        ),
    )


def lemma_12(s: Survey) -> Bound:
    """c abar_n <= a_n <= C abar_n, with the constants of local tightness.

    Source: 2512.22768, Lemma 12. Both minimisers must lie in the ball: phi*_n - phi*_inf is at least
    phi_n - phi_inf at nu*(n), and at most at nu*(inf).
    """
    c, upper = s.tightness.lower, s.tightness.upper
    hypotheses = (_tight(s), _in_ball(s))
    return Bound("a_n", c * s.uniform_gap, s.gaps.loss, upper * s.uniform_gap, hypotheses)


def proposition_1(s: Survey) -> tuple[Bound, Bound]:
    """b_n <= 2 (a_n / (c tau))^(1/2) and c_n <= 2 (smoothness / (c tau)) a_n.

    Source: 2512.22768, Proposition 1: Lemma 11 with abar_n <= a_n / c from Lemma 12.
    """
    displacement, growth = lemma_11(s)
    hypotheses = (*displacement.hypotheses, _tight(s), _in_ball(s))
    product = s.tightness.lower * s.growth.tau
    upper = _displacement(s.gaps.loss, product)
    return (
        Bound("b_n", 0.0, s.gaps.hyperparameter, upper, hypotheses),
        Bound(
            "c_n",
            0.0,
            s.gaps.suboptimality,
            s.growth.smoothness / 2 * upper**2,
            (*hypotheses, *growth.hypotheses),
        ),
    )


def curvature_bound(s: Survey) -> Bound:
    """b_n <= (2/tau) (omega kappa)^(1/2), where that reaches no farther than the box.

    omega is the oscillation (max - min) of D = phi_n - phi_inf along the drift, within ``reach`` of nu*(n),
    at most 2 abar_n; kappa is the largest |D''| there. As |D(x + t e) - D(x - t e)| <= omega, e the direction
    of the drift, the slope at x = nu*(n) is |D_e(x)| <= omega/(2 t) + kappa t/2 (Landau 1913), least at
    t = (omega/kappa)^(1/2), or at ``reach`` if that is nearer. phi_n has slope 0 there, so phi_inf has slope
    |D_e|, which for a convex phi_inf is at least its rise by b_n, so at least (tau/2) b_n.

    Sharper than Lemma 11: a gap common to all x, such as A n^-alpha, has no oscillation; and kappa -> 0
    under Definition 3. Not in the paper.
    """
    interior = Hypothesis("nu*(n) lies inside the box", s.reach > 0, s.reach)
    inside = Hypothesis("b_n <= delta", s.gaps.hyperparameter <= s.growth.delta, s.gaps.hyperparameter)
    upper = math.inf
    if s.growth.tau > 0 and s.reach > 0:
        t = min(s.reach, math.sqrt(s.oscillation / s.curvature_gap)) if s.curvature_gap > 0 else s.reach
        slope = s.oscillation / (2 * t) + s.curvature_gap * t / 2 if t > 0 else 0.0
        upper = 2 / s.growth.tau * slope
    return Bound("b_n", 0.0, s.gaps.hyperparameter, upper, (_convex(s), _strongly(s), inside, interior))


def _displacement(gap: float, tau: float) -> float:
    """2 (gap/tau)^(1/2): from (tau/2) d^2 <= 2 gap."""
    return 2 * math.sqrt(gap / tau) if tau > 0 else math.inf


def _convex(s: Survey) -> Hypothesis:
    return Hypothesis("phi_inf is convex", s.limit_is_convex, float(s.limit_is_convex))


def _strongly(s: Survey) -> Hypothesis:
    return Hypothesis("phi_inf is locally strongly convex, tau > 0", s.growth.holds, s.growth.tau)


def _tight(s: Survey) -> Hypothesis:
    return Hypothesis("the uniform loss gap is locally tight, c > 0", s.tightness.holds, s.tightness.lower)


def _in_ball(s: Survey) -> Hypothesis:
    b = s.gaps.hyperparameter
    return Hypothesis("nu*(n) lies in the ball of tightness", b <= s.tightness.radius, b)
