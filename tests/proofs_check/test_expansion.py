"""The coefficients of the expansion are Taylor coefficients; a negative limit is approached from above."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hptheory.random_features import RandomFeatures, curve
from hptheory.random_features.large_width import expand
from hptheory.random_features.series import Series
from proofs_check import taylor
from proofs_check.claims import Refuted
from proofs_check.rational import generators
from proofs_check.taylor import common_scale, composed, library_coefficients, taylor_coefficients
from tests.proofs_check.breaking import broken_versions


def test_taylor_coefficients_put_a_polynomial_together_again():
    x, eta, s = generators("x", "eta", "s")
    function = (1 + s * x - 3 * x**2 * eta) * (2 - eta) + x**3
    parts = taylor_coefficients(function, 4)
    assert sum(c * x**i * eta**j for (i, j), c in parts.items()) == function


def test_a_composition_is_the_substitution():
    x, eta, s = generators("x", "eta", "s")
    function = s + x * (1 + eta) - 2 * s * x**2 + eta**2
    found = composed(taylor_coefficients(function, 3), Series([0 * s, s, 1 - s, 2 + 0 * s]))
    whole = function.substitute("x", s * eta + (1 - s) * eta**2 + 2 * eta**3)
    for n, coefficient in enumerate(found.coefficients):
        assert taylor_coefficients(whole, 3).get((0, n), 0 * s) == coefficient


def test_a_scale_clears_every_power():
    s, t = generators("s", "t")
    scale = common_scale([1 / s, 1 / (2 * s * t), t / s**5], 3)
    assert scale == 2 * s**2 * t
    with pytest.raises(AssertionError):
        assert (t / s**5 * (s * t) ** 3).denom == 1


@pytest.mark.parametrize("wrong", range(1, 3))
def test_another_coefficient_is_rejected(monkeypatch, wrong):
    def damaged(s, model, order):
        found = expand(s, model, order)
        ridge = [c + (k == wrong) for k, c in enumerate(found.optimal_ridge)]
        return type(found)(tuple(ridge), found.optimal_risk, found.curvature)

    monkeypatch.setattr(taylor, "expand", damaged)
    with pytest.raises(Refuted):
        library_coefficients()


RIDGES = broken_versions(
    lambda s, *slack: curve.ridge_on_curve(s, curve.Slacks(*slack)), ("s", "delta", "epsilon")
)


@pytest.mark.parametrize("version", RIDGES)
def test_the_coefficients_belong_to_the_ridge(monkeypatch, version):
    # The expansion is the library's own (it has another reference to the ridge); G is not.
    monkeypatch.setattr(curve, "ridge_on_curve", lambda s, slack: version(s, *slack))
    with pytest.raises((Refuted, ZeroDivisionError)):
        library_coefficients()


@given(
    psi1=st.fractions(Fraction(1, 10), 10),
    u=st.fractions(Fraction(1, 20), Fraction(19, 20)),
    share=st.fractions(Fraction(1, 10), 1),
)
@example(psi1=Fraction(1, 10), u=Fraction(3168773, 6200340), share=Fraction(1))  # the limit is exactly 0
def test_a_negative_limit_is_approached_from_above(psi1, u, share):
    noise = share * (1 - u) / u  # B/A at most v/u, for a linear teacher
    model = RandomFeatures(psi1=psi1, mu1_sq=u, teacher_mu1_sq=1, noise_var=noise)
    assert model.optimal_ridge(negative_ridge=True) <= 1e-12
    assert model.large_width(order=1, negative_ridge=True).hyperparameter_gap_constant > 0
