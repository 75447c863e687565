"""The two routes meet: every name of a formula has one value, on the curve and by solving (9), (10)."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import pytest
from hypothesis import given

from proofs_check.exact import Setting, exact_values
from proofs_check.formulas import evaluate, mutants, parse
from proofs_check.implicit import DIGITS, TOLERANCE, Parameters, number, optimal_ridge, risk, transforms
from proofs_check.numeric import SAMPLES, Sample, numeric_values
from tests.random_features.reference import risk_reference, stieltjes_reference
from tests.strategies import rational_models


def on_the_curve(setting: Setting, name: str, values: dict[str, mp.mpf]) -> mp.mpf:
    """A rational function of `exact` at the model and the s of a numerical table."""
    function = exact_values(setting)[name]
    at = dict(values, s=values["m1"] / values["m2"] - 1)
    if setting is Setting.WIDTH:
        at["q"] = 1 / (values["psi2"] * values["u"])
    top, bottom = (evaluate(part.as_expr(), at) for part in (function.numer, function.denom))
    return mp.mpf(top) / mp.mpf(bottom)


@pytest.mark.parametrize("setting", Setting)
@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_both_tables_hold_the_same_names_and_values(setting, sample):
    numeric = numeric_values(setting, sample)
    assert set(numeric) == set(exact_values(setting))
    with mp.workdps(DIGITS):
        for name, value in numeric.items():
            exact = on_the_curve(setting, name, numeric)
            assert abs(exact - value) <= TOLERANCE * max(1, abs(value)), name


@given(rational_models())
def test_the_routes_meet_at_any_admissible_model(model):
    psi1, eta, mu1_sq, A, B, lam = model
    values = numeric_values(Setting.WIDTH, Sample(Parameters(psi1, mu1_sq, A, B), lam, eta))
    with mp.workdps(DIGITS):
        for name in ("lam", "m1", "dm1", "dm2", "R"):
            # m1 - m2 may cancel 12 digits and its square the determinant: 120 - 4 * 12 > 60 are left
            exact = on_the_curve(Setting.WIDTH, name, values)
            assert abs(exact - values[name]) <= mp.mpf(10) ** -50 * abs(values[name])


@pytest.mark.parametrize("sample", SAMPLES, ids=range(len(SAMPLES)))
def test_the_implicit_solver_agrees_with_the_reference_of_the_library_tests(sample):
    model, lam = sample.model, sample.lam
    psi2 = model.psi1 / sample.eta
    with mp.workdps(DIGITS):
        found = transforms(model, number(lam), number(sample.eta))
        value = risk(model, number(lam), number(sample.eta))
    m1, m2 = stieltjes_reference(lam, model.psi1, psi2, model.mu1_sq, dps=40)
    noise_var = model.B - 1 + model.A
    expected = risk_reference(lam, model.psi1, psi2, model.mu1_sq, model.A, noise_var, dps=40)
    with mp.workdps(40):
        for one, other in ((found.m1, m1), (found.m2, m2), (value, expected)):
            assert abs(one / other - 1) < mp.mpf("1e-38")


def test_the_numerical_optimum_is_a_minimum():
    model = SAMPLES[0].model
    with mp.workdps(DIGITS):
        eta = mp.mpf(1) / 2
        best = optimal_ridge(model, eta)
        assert risk(model, best, eta) < min(risk(model, best * part / 100, eta) for part in (99, 101))


def test_formulas_evaluate_in_every_number_system():
    formula = parse("(a + 1)**2/(2*b) - 3/b**3")
    exact = evaluate(formula, {"a": Fraction(1, 3), "b": Fraction(2, 7)})
    assert exact == Fraction(16, 9) * Fraction(7, 4) - 3 * Fraction(343, 8)
    with mp.workdps(50):
        assert abs(evaluate(formula, {"a": mp.mpf(1) / 3, "b": mp.mpf(2) / 7}) - number(exact)) < mp.mpf(
            "1e-45"
        )
    with pytest.raises(KeyError):
        evaluate(formula, {"a": 1})
    with pytest.raises(TypeError, match="not a rational formula"):
        evaluate(parse("2**a"), {"a": Fraction(1)})


def test_mutants_differ_from_the_formula_and_from_each_other():
    formula = parse("2*(u + v*t)*m1 - (m1 + u - u)*t")
    broken = mutants(formula)
    assert len(broken) > 10
    assert len({mutant.expand() for mutant in (formula, *broken)}) == len(broken) + 1
