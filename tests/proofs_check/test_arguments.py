"""The arguments of App. B.4 that are no formula: broken functions, dropped hypotheses, damaged numbers."""

from __future__ import annotations

import sys
from fractions import Fraction

import flint
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import MissingExtraError
from hptheory.random_features import curve, exceptional
from proofs_check import app_b4_limit, app_b4_risk, app_b4_transfer
from proofs_check import exceptional as exceptional_checks
from proofs_check.algebraic import AlgebraicNumber, enclosed_root
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import Refuted
from proofs_check.rational import generators
from tests.proofs_check.breaking import broken_versions


@pytest.mark.parametrize("power", [-1, 0, 2])
def test_another_scale_of_the_penalty_is_rejected(power):
    with pytest.raises(Refuted):
        app_b4_limit.penalty_scale(power)


BROKEN_CURVE = [
    *(("fitted", version) for version in broken_versions(curve.fitted, ("s", "mu1_sq"))),
    *(
        ("ridge_on_curve", lambda s, slack, version=version: version(s, *slack))
        for version in broken_versions(
            lambda s, *slack: curve.ridge_on_curve(s, curve.Slacks(*slack)), ("s", "delta", "epsilon")
        )
    ),
    *(
        ("branch_determinant", lambda s, slack, u, q, version=version: version(s, *slack, u, q))
        for version in broken_versions(
            lambda s, delta, epsilon, u, q: curve.branch_determinant(s, curve.Slacks(delta, epsilon), u, q),
            ("s", "delta", "epsilon", "u", "q"),
        )
    ),
]


@pytest.mark.parametrize("number", range(0, len(BROKEN_CURVE), 3))
def test_a_broken_curve_has_no_unique_solution(monkeypatch, number):
    name, version = BROKEN_CURVE[number]
    monkeypatch.setattr(curve, name, version)
    with pytest.raises(Refuted):
        app_b4_limit.unique_solution()


@pytest.mark.parametrize("text", ["psi1*t - 2*t + 1", "psi1*t - t", "psi1*t**2 - 2*(t - 1)**2", "t - psi1"])
def test_a_quantity_of_no_definite_sign_is_rejected(text):
    with pytest.raises(Refuted):
        app_b4_limit.optimality_signs((text,))


@pytest.mark.parametrize(
    "change",
    [
        ("u + v*t", "u - v*t"),
        ("psi1*t - t + 1", "psi1*t - 2*t + 1"),
        ("B*", "(B - 1)*"),
        ("- (t - 1)", "+ (t - 3)"),
    ],
)
def test_a_loss_gap_of_no_definite_sign_is_rejected(change):
    with pytest.raises(Refuted):
        app_b4_risk.loss_gap_sign(app_b4_risk.LOSS_GAP.replace(*change))


@pytest.mark.parametrize("factor", [-1, 0, Fraction(1, 2)])
def test_an_optimum_that_is_not_a_simple_zero_is_rejected(monkeypatch, factor):
    def broken(*arguments):
        fall, rise = curve_stationarity(*arguments)
        return fall * factor, rise * factor if factor <= 0 else rise

    curve_stationarity = curve.stationarity
    monkeypatch.setattr(curve, "stationarity", broken)
    with pytest.raises(Refuted):
        app_b4_transfer.optimum_is_analytic()


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (-1, -1)])
def test_other_polynomials_have_another_range(monkeypatch, shift):
    true = exceptional.gap_polynomials

    def shifted(s, u):
        a, b = true(s, u)
        return exceptional.GapPolynomials(a + shift[0], b + shift[1])

    monkeypatch.setattr(exceptional, "gap_polynomials", shifted)
    with pytest.raises(Refuted):
        exceptional_checks.range_of_surface()


BROKEN_SURFACE = [
    (name, version)
    for name, arguments in {
        "hyperparameter_gap_constant": ("s", "psi1", "mu1_sq"),
        "surface_psi1": ("s", "mu1_sq"),
        "gap_polynomials": ("s", "mu1_sq"),
    }.items()
    for version in (
        [lambda s, u, shift=shift: exceptional.GapPolynomials(s - s, s - s + shift) for shift in (0, 1)]
        if name == "gap_polynomials"
        else broken_versions(getattr(exceptional, name), arguments)
    )
]


@pytest.mark.parametrize("number", range(0, len(BROKEN_SURFACE), 6))
def test_a_broken_surface_is_rejected(monkeypatch, number):
    monkeypatch.setattr(exceptional, *BROKEN_SURFACE[number])
    with pytest.raises(Refuted):
        exceptional_checks.sign_of_first_coefficient()


def test_positive_coefficients_are_required_of_numerator_and_denominator():
    x, y = sympy.symbols("x y", positive=True)
    assert require_positive((1 + x * y) / (2 + x), "both") == 4
    assert require_positive(-(1 + x) / (-2 - x), "both signs flipped") == 4
    for bad in (x - y, 1 / (x - y), -(1 + x), sympy.Integer(0) * x, x**2 - x + 1):
        with pytest.raises(Refuted):
            require_positive(bad, "bad")
    x, y = generators("x", "y")
    assert require_positive((1 + x * y) / (2 + x), "both") == 4
    for bad in (x - y, 1 / (x - y), -(1 + x), x - x):
        with pytest.raises(Refuted):
            require_positive(bad, "bad")
    with pytest.raises(Refuted):
        require_zero(x - y, "not zero")


integers = st.integers(-9, 9)


@given(*[integers] * 4)
def test_algebraic_numbers_are_a_field(a, b, c, d):
    modulus = flint.fmpq_poly([-2, 0, 0, 1])  # the cube root of 2
    alpha = AlgebraicNumber(flint.fmpq_poly([0, 1]), modulus)
    x, y = a + b * alpha, c * alpha**2 - Fraction(d, 3)
    assert (x + y) * (x - y) == x**2 - y**2
    assert alpha**3 == 2
    if y != 0:
        assert x / y * y == x
        assert 1 / y * y == 1
    else:
        with pytest.raises(ZeroDivisionError):
            _ = x / y
    root = enclosed_root([-2, 0, 0, 1], Fraction(1), Fraction(2))
    assert (x * y).enclose(root).overlaps(x.enclose(root) * y.enclose(root))


def test_an_enclosed_root_is_narrow_and_right():
    root = enclosed_root([-2, 0, 1], Fraction(1), Fraction(2))
    assert root.overlaps(flint.arb(2).sqrt())
    assert float(root.rad()) < 1e-14  # the default precision of arb is 53 bits
    with pytest.raises(ValueError, match="no sign change"):
        enclosed_root([-2, 0, 1], Fraction(2), Fraction(3))


@given(*[integers] * 4)
def test_rational_functions_are_a_field(a, b, c, d):
    x, y = generators("x", "y")
    f, g = a * x + b * y + 1, c * x * y - Fraction(d, 2) + x**2
    assert (f / g) * g == f
    assert f - f == 0
    assert (f / g + g / f) * f * g == f**2 + g**2
    if g.at("x", 2) != 0:
        assert (f / g).at("x", 2) == f.at("x", 2) / g.at("x", 2)
    with pytest.raises(ZeroDivisionError):
        _ = f / (g - g)


def test_a_missing_flint_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(MissingExtraError, match=r"hptheory\[proofs\]"):
        exceptional_checks.sign_of_first_coefficient()
