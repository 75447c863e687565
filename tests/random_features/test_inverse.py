"""From the ridge to the curve: against the printed equations, and to rounding against itself at 60 digits."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given

from hptheory.random_features import RandomFeatures
from hptheory.random_features.curve import ridge_on_curve, slacks, stieltjes_on_curve
from hptheory.random_features.inverse import (
    BelowEdgeError,
    invert,
    invert_jax,
    invert_mpmath,
)
from tests import strategies
from tests.random_features.reference import printed_equations, stieltjes_reference


@given(
    strategies.ridges(),
    strategies.sample_ratios(),
    strategies.widths(),
    strategies.squared_coefficients(),
)
@example(1e-12, 1.0, 1.0, 1 - 1e-6)
@example(1e-12, 1 + 2.0**-52, 1.0, 1e-6)
@example(1e8, 1e3, 1e-2, 1 - 1e-6)
def test_float64_is_right_to_rounding(ridge, psi1, psi2, mu1_sq):
    """s and both slacks to 4e-15 relative: about 20 roundings, none of them amplified."""
    s, slack = invert(ridge, psi1, psi2, mu1_sq)
    with mp.workdps(60):
        u = mp.mpf(mu1_sq)
        exact_s, exact = invert_mpmath(mp.mpf(ridge), mp.mpf(psi1), mp.mpf(psi2), u)
        for found, expected in ((s, exact_s), (slack.sample, exact.sample), (slack.width, exact.width)):
            assert abs(mp.mpf(float(found)) / expected - 1) < 4e-15
        # The 60-digit root itself is checked on the definition of the curve, without the solver's own slacks.
        again = ridge_on_curve(exact_s, slacks(exact_s, mp.mpf(psi1), u, 1 / (mp.mpf(psi2) * u)))
        assert abs(again / mp.mpf(ridge) - 1) < mp.mpf(10) ** -25


@pytest.mark.parametrize("ridge", [1e-8, 0.3, 1e6])
@pytest.mark.parametrize(
    ("psi1", "psi2"), [(4.0, 2.0), (0.5, 8.0), (1.0, 1.0), (3.0, math.inf), (0.5, math.inf)]
)
def test_it_solves_the_equations_as_printed(ridge, psi1, psi2):
    """The independent reference solves (9), (10) by root finding, without the curve."""
    s, slack = invert(ridge, psi1, psi2, 0.6)
    for found, expected in zip(
        stieltjes_on_curve(s, slack, psi1, 0.6), stieltjes_reference(ridge, psi1, psi2, 0.6), strict=True
    ):
        assert abs(float(found / expected) - 1) < 1e-14


def test_ridge_zero_is_the_end_of_the_curve():
    """At ridge 0 the smaller of the two slacks is exactly 0."""
    assert invert(0.0, 2.0, 3.0, 0.5)[1].sample == 0
    assert invert(0.0, 3.0, 2.0, 0.5)[1].width == 0
    assert tuple(map(float, invert(0.0, 2.0, 2.0, 0.5)[1])) == (0.0, 0.0)


def test_arrays_equal_their_elements():
    """Blocks and the late subset change nothing."""
    rng = np.random.default_rng(7)
    ridge, psi2 = 10 ** rng.uniform(-12, 8, 300), 10 ** rng.uniform(-2, 6, 300)
    s, _ = invert(ridge, 1.5, psi2, 0.999)
    single = [float(invert(r, 1.5, p, 0.999)[0]) for r, p in zip(ridge, psi2, strict=True)]
    np.testing.assert_allclose(s, single, rtol=1e-14)


@given(strategies.sample_ratios(), strategies.widths(), strategies.squared_coefficients())
def test_negative_ridges_continue_the_curve(psi1, psi2, mu1_sq):
    """Half-way to the edge in the ridge, the root satisfies the definition of the curve."""
    edge = RandomFeatures(psi1, mu1_sq, 0.5).ridge_edge(psi2)
    with mp.workdps(60):
        arguments = mp.mpf(psi1), mp.mpf(psi2), mp.mpf(mu1_sq)
        if not edge < 0:
            with pytest.raises(BelowEdgeError):
                invert_mpmath(mp.mpf("-1e-3"), *arguments)
            return
        s, _ = invert_mpmath(mp.mpf(edge) / 2, *arguments)
        again = ridge_on_curve(s, slacks(s, arguments[0], arguments[2], 1 / (arguments[1] * arguments[2])))
        assert abs(again / (mp.mpf(edge) / 2) - 1) < mp.mpf(10) ** -25


@pytest.mark.parametrize("psi2", [0.5, 6.0, math.inf])
def test_below_the_edge_there_is_no_root(psi2):
    edge = RandomFeatures(2.0, 0.5, 0.5).ridge_edge(psi2)
    with mp.workdps(30):
        arguments = mp.mpf(2), mp.mpf(psi2), mp.mpf("0.5")
        invert_mpmath(mp.mpf(0.999 * edge), *arguments)
        with pytest.raises(BelowEdgeError):
            invert_mpmath(mp.mpf(1.001 * edge), *arguments)


@pytest.mark.parametrize("digits", [50, 400])
def test_mpmath_solves_the_equations_as_printed(digits):
    """The residuals of (9), (10) are rounding at any precision: no constant of the solver shows."""
    with mp.workdps(digits):
        z, psi1, psi2, u = mp.mpf(3) / 10, mp.mpf(4), mp.mpf(2), mp.mpf(6) / 10
        s, slack = invert_mpmath(z, psi1, psi2, u)
        m1, m2 = stieltjes_on_curve(s, slack, psi1, u)
        for residual in printed_equations("0.3", 4, 2, "0.6"):
            assert abs(residual(m1, m2)) < mp.mpf(10) ** (5 - digits)


def test_jax_matches_numpy_in_single_precision():
    pytest.importorskip("jax")
    ridge = np.logspace(-3, 4, 15)
    s, _ = invert_jax(ridge, 4.0, 3.0, 0.25)
    # Single precision: 2^-24 times the few roundings of the last Newton step.
    np.testing.assert_allclose(np.asarray(s), invert(ridge, 4.0, 3.0, 0.25)[0], rtol=2e-6)
