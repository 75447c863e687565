"""The bounds on random families, smooth and on grids; where the printed claims fail, in rationals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from hptheory.decomposition.bounds import (
    Decomposed,
    decomposition_objective,
    flatness_gap,
    invariance_gap,
    lemma_10,
    lemma_14,
    one_step,
    proposition_13,
    three_steps,
)
from hptheory.decomposition.loss_curves import GridCurve, SmoothCurve
from tests.strategies import polynomial_losses

BOX = (-1.0, 1.0)
ROUNDING = 1e-6
"""Roots of polynomials of degree <= 6 with coefficients of order 1, and (2 osc/gamma)^(1/2) of them."""


def smooth(series):
    return SmoothCurve(series, BOX)


@st.composite
def smooth_families(draw):
    """Convex whole and top losses of a width and of the limit, near each other or far."""
    top_limit, rest_limit = draw(polynomial_losses()), draw(polynomial_losses(convex=False))
    size, near = draw(st.sampled_from([0.0, 0.01, 0.1, 1.0])), draw(st.sampled_from([0.0, 0.01, 0.3, 1.0]))
    top = top_limit + near * draw(polynomial_losses(convex=False))
    rest = rest_limit + near * draw(polynomial_losses(convex=False))
    wholes = top + size * rest, top_limit + size * rest_limit
    return Decomposed(*(smooth(f) for f in (*wholes, top, top_limit)))


@st.composite
def grid_families(draw):
    """Any values at all on an uneven grid of 3 to 7 HPs: bumps, ties, flat pieces."""
    g = draw(st.integers(3, 7))
    x = np.cumsum(draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=g, max_size=g)))
    centre = draw(st.sampled_from([0.0, 1.0, 4.0])) * (x - x[g // 2]) ** 2
    numbers = st.lists(st.integers(-16, 16).map(lambda v: v / 16), min_size=g, max_size=g)
    top, top_limit, rest, rest_limit = (np.array(draw(numbers)) for _ in range(4))
    size = draw(st.sampled_from([0.0, 0.125, 1.0]))
    wholes = centre + top + size * rest, centre + top_limit + size * rest_limit
    values = *wholes, centre + top, centre + top_limit
    return Decomposed(*(GridCurve(x, v) for v in values))


@given(smooth_families())
def test_b_n_is_never_above_t_n_on_smooth_families(d):
    three, one, printed = three_steps(d), one_step(d), proposition_13(d)
    for bound in (three, one, printed):
        if bound.applies:
            assert bound.value <= bound.upper + ROUNDING, bound
    if printed.applies:  # law: sharper than print
        assert three.upper <= printed.upper * (1 + 1e-9) + ROUNDING


@given(grid_families())
def test_b_n_is_never_above_t_n_on_grids(d):
    for bound in (three_steps(d), one_step(d)):
        assert bound.value <= bound.upper * (1 + 1e-12) + 1e-12, bound
    assert not proposition_13(d).applies  # a grid is not smooth


@given(smooth_families(), grid_families())
def test_lemmas_hold_where_they_apply(smooth_family, grid_family):
    for d in (smooth_family, grid_family):
        for f, g in ((d.top, d.top_limit), (d.whole, d.whole_limit)):
            bound = lemma_10(f, g)
            if bound.applies:
                assert bound.value <= bound.upper + ROUNDING, bound
        for f, g in ((d.top, d.residual), (d.whole_limit, d.residual_limit)):
            bound = lemma_14(f, g)
            if bound.applies:
                assert bound.value <= bound.upper + ROUNDING, bound


def tilted(whole, top):
    """x^2/2 in the limit, whole and top; at width n tilted by these slopes."""
    half = Polynomial([0, 0, 0.5])
    return Decomposed(*(smooth(half - Polynomial([0, slope])) for slope in (whole, 0, top, 0)))


def test_every_bound_applies_somewhere():
    """Otherwise the tests above would be empty."""
    d = tilted(0.2, 0.1)
    for bound in (three_steps(d), one_step(d), proposition_13(d), lemma_10(d.top, d.top_limit)):
        assert bound.applies, bound
        assert 0 < bound.value <= bound.upper


def test_definition_6_by_hand():
    """x^2/2 - x/5 and x^2/2; top losses x^2/2 - x/10 and x^2/2: residuals -x/10 and 0."""
    d = tilted(0.2, 0.1)
    assert invariance_gap(d) == pytest.approx(0.1**0.5)
    assert flatness_gap(d) == pytest.approx(0.1)
    assert decomposition_objective(d) == pytest.approx(2 * 0.1**0.5 + 0.1)
    assert three_steps(d).upper == pytest.approx((2 * 0.2 / 2) ** 0.5 + 0.1)
    assert one_step(d).upper == pytest.approx((0.1 + (0.01 + 4 * 0.2) ** 0.5) / 2)
    assert d.hp_gap == pytest.approx(0.2)


def test_one_step_ignores_residuals_that_are_steep_alike():
    """A residual common to both widths: J charges it twice, the difference not at all."""
    half, steep = Polynomial([0, 0, 0.5]), Polynomial([0, 0.3])
    d = Decomposed(*(smooth(f) for f in (half + steep, half + steep, half, half)))
    assert one_step(d).upper == pytest.approx(0, abs=1e-9)
    assert three_steps(d).upper == pytest.approx(0.6)
    assert decomposition_objective(d) == pytest.approx(0.6)


def test_constants_are_reached():
    """Both constants, 2 in A and 1 in B, are sharp: on [0, 1] and on [-1, 1]."""
    f, g = (SmoothCurve(Polynomial([0, -b, 0.5]), (0.0, 1.0)) for b in (0, 1))
    for bound in (lemma_10(f, g), lemma_14(f, g - f)):
        assert bound.value == pytest.approx(bound.upper) == 1
    zero = f - f
    d = Decomposed(f, g, zero, zero)  # kappa = 0: omega = 0, L = 1, M = 2
    assert one_step(d).value == pytest.approx(one_step(d).upper) == 1
    # On a grid, the mesh: two HPs tie but for the slope.
    top, moved = GridCurve([0.0, 1.0, 2.0], [0.0, 0.0, 1.0]), GridCurve([0.0, 1.0, 2.0], [0.0, -1e-9, 1.0])
    bound = lemma_14(top, moved - top)
    assert bound.applies
    assert bound.value == pytest.approx(bound.upper, rel=1e-6) == 1


def test_a_wrong_constant_is_caught():
    """Mutation: each bound times 0.99 fails for a case that reaches it."""
    f, g = (SmoothCurve(Polynomial([0, -b, 0.5]), (0.0, 1.0)) for b in (0, 1))
    for bound in (lemma_10(f, g), lemma_14(f, g - f)):
        assert bound.satisfied
        assert not replace(bound, upper=0.99 * bound.upper).satisfied


# --- what does not hold as printed, in rationals -----------------------------------------------------------


def test_without_the_root_proposition_13_is_false():
    """x^2/2 and x^2/2 - x/8 on [-1/4, 1/4], no residual: 2 sup/mu = 1/16 < 1/8 = b_n."""
    a, shift = F(1, 4), F(1, 8)
    supremum = max(abs(-shift * x) for x in (-a, a))  # linear: at an end
    assert supremum == F(1, 32)
    minimiser = shift  # x - 1/8 = 0, within the interval
    assert -a < minimiser < a
    assert 2 * supremum / 1 == F(1, 16) < minimiser
    assert 4 * supremum >= minimiser**2  # with the root: t_n^2 = 4 sup/mu
    half = Polynomial([0, 0, 0.5])
    curves = [SmoothCurve(f, (-0.25, 0.25)) for f in (half - Polynomial([0, 0.125]), half)]
    d = Decomposed(*curves, *curves)
    assert 2 * invariance_gap(d) ** 2 < d.hp_gap <= 2 * invariance_gap(d)


def test_a_jumping_truncation_breaks_proposition_13():
    """Five pieces, each with residuals that are constant and top losses within 9/50: t_n^2 = 18/25 < b_n^2.

    So the truncation must leave the curves twice differentiable, as Definition 5 has it.
    """
    shift = F(9, 10)

    def phi(x):
        return x * x / 2 - shift * x + F(18, 25)

    def middle(k):
        return -1 + F(2 * k - 1, 5)

    def phi_k(k, x):
        return phi(x) + shift * (middle(k) - F(4, 5))

    assert all(phi_k(5, x) == phi(x) for x in (F(-1), F(0), F(1)))  # k = n is the whole loss
    supremum = F(0)
    for k in range(1, 6):
        low, high = middle(k) - F(1, 5), middle(k) + F(1, 5)
        assert (low, high) == (-1 + F(2 * (k - 1), 5), -1 + F(2 * k, 5))  # the pieces tile [-1, 1]
        # The difference of the top losses is -shift (x - middle): linear, so at an end of the piece.
        ends = [phi_k(k, x) - x * x / 2 for x in (low, high)]
        assert ends == [shift / 5, -shift / 5]
        supremum = max(supremum, *map(abs, ends))
    assert supremum == F(9, 50)
    assert 4 * supremum / 1 == F(18, 25) < shift**2  # t_n^2 <= 4 sup/mu, with eps_flat = 0, and b_n = 9/10
    # On a grid that sees the jumps, the slopes of the residual count them, and the bound holds.
    x = np.linspace(-1.0, 1.0, 51)
    k = np.clip(np.ceil((x + 1) * 2.5), 1, 5)
    whole, top = x**2 / 2 - 0.9 * x + 0.72, x**2 / 2 - 0.9 * x + 0.72 + 0.9 * (-1 + (2 * k - 1) / 5 - 0.8)
    d = Decomposed(*(GridCurve(x, v) for v in (whole, x**2 / 2, top, x**2 / 2)))
    assert three_steps(d).satisfied
    assert d.hp_gap == pytest.approx(0.9, abs=0.04)


def test_growth_is_not_curvature_in_lemma_14():
    """f = x^2/2 - x^4/12 on [-1, 1] grows with tau = 5/6; g = -2x/3 moves its minimiser by 1 > 4/5."""
    # f - (5/12) x^2 = (x^2 - x^4)/12 >= 0; f' + g' = -(x - 1)^2 (x + 2)/3 < 0 below 1.
    square = [F(1), F(-2), F(1)]
    product = [F(0)] * 4
    for i, a in enumerate(square):
        for j, b in enumerate((F(2), F(1))):
            product[i + j] -= a * b / 3
    assert product == [F(-2, 3), F(1), F(0), F(-1, 3)]
    assert F(2, 3) / F(5, 6) == F(4, 5) < 1
    f, g = smooth(Polynomial([0, 0, 0.5, 0, -1 / 12])), smooth(Polynomial([0, -2 / 3]))
    assert f.growth == pytest.approx(5 / 6)
    assert not lemma_14(f, g).applies  # no curvature at the ends
    assert lemma_14(f, g).value == pytest.approx(1, abs=1e-4)
    assert 2 * g.lipschitz / f.growth >= 1


def test_definition_3_does_not_make_t_n_finite():
    """The same f is convex, smooth, with one inner minimiser and growth; mu(f) = 0 and J is infinite."""
    f, top = (smooth(Polynomial(c)) for c in ([0, 0, 0.5, 0, -1 / 12 - 1e-12], [0, 0, 0.25]))
    assert f.curvature == pytest.approx(0, abs=1e-10)  # the 1e-12 keeps rounding from making it positive
    d = Decomposed(f, f, top, top)
    assert not proposition_13(d).applies
    assert decomposition_objective(d) == np.inf
    assert three_steps(d).applies
