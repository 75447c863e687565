"""Where the first coefficients vanish: every argument rejects broken formulas, and other routes agree."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hptheory.random_features import exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand
from proofs_check import app_b4_transfer, noiseless
from proofs_check import exceptional as checks
from proofs_check import exceptional_orders as orders
from proofs_check.claims import Refuted
from proofs_check.implicit import DIGITS, Parameters, optimal_ridge
from tests.proofs_check.breaking import broken_versions

S_V = ("s", "mu1_sq")
fractions = st.fractions("1/20", 30, max_denominator=50)
shares = st.fractions("1/100", "99/100", max_denominator=100)


def broken_gap_polynomials():
    """One of a, b broken, the other kept."""
    for position in (0, 1):
        for version in broken_versions(lambda *x, k=position: exceptional.gap_polynomials(*x)[k], S_V):
            yield lambda s, u, version=version, k=position: exceptional.GapPolynomials(
                *(version(s, u) if i == k else kept for i, kept in enumerate(TRUE_GAP(s, u)))
            )


TRUE_GAP = exceptional.gap_polynomials
BROKEN_GAP = list(broken_gap_polynomials())


@pytest.mark.parametrize("number", range(0, len(BROKEN_GAP), 4))
def test_broken_polynomials_are_not_the_constant(monkeypatch, number):
    monkeypatch.setattr(exceptional, "gap_polynomials", BROKEN_GAP[number])
    with pytest.raises(Refuted):
        app_b4_transfer.library_constant()


@pytest.mark.parametrize("number", range(0, len(BROKEN_GAP), 20))
def test_the_expansion_rejects_broken_polynomials(monkeypatch, number):
    monkeypatch.setattr(exceptional, "gap_polynomials", BROKEN_GAP[number])
    with pytest.raises((Refuted, ZeroDivisionError)):
        orders.expansion_on_surface()


BROKEN_N = broken_versions(exceptional.second_order_factor, S_V)


@pytest.mark.parametrize("number", range(0, len(BROKEN_N), 5))
@pytest.mark.parametrize("check", [orders.zeros_on_curve, orders.order_at_point])
def test_a_broken_second_factor_is_rejected(monkeypatch, number, check):
    monkeypatch.setattr(exceptional, "second_order_factor", BROKEN_N[number])
    with pytest.raises(Refuted):
        check()


BROKEN_N3 = broken_versions(orders.third_order_factor, ("s", "v"))


@pytest.mark.parametrize("number", range(0, len(BROKEN_N3), 12))
@pytest.mark.parametrize("check", [orders.zeros_on_curve, orders.order_at_point])
def test_a_broken_third_factor_is_rejected(monkeypatch, number, check):
    monkeypatch.setattr(orders, "third_order_factor", BROKEN_N3[number])
    with pytest.raises(Refuted):
        check()


@pytest.mark.parametrize("position", range(5))
def test_another_quartic_is_rejected(monkeypatch, position):
    damaged = tuple(c + (k == position) for k, c in enumerate(orders.QUARTIC))
    monkeypatch.setattr(orders, "QUARTIC", damaged)
    for check in (orders.zeros_on_curve, orders.order_at_point):
        with pytest.raises(Refuted):
            check()


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("change", [(Fraction(1, 7), 0), (0, Fraction(1, 999)), (1, 0)])
def test_another_witness_is_rejected(monkeypatch, order, change):
    # Off the curve (order 3) the second coefficient remains; the witness of order 2 stays on the surface, so
    # that there the order is what is damaged.
    s, v = checks.WITNESSES[order]
    if order == 3:
        monkeypatch.setitem(checks.WITNESSES, 3, (s + change[0], v + change[1]))
    else:
        monkeypatch.setitem(checks.WITNESSES, 2, checks.WITNESSES[3])
    with pytest.raises(Refuted):
        checks.witness(order)


def test_a_witness_off_the_domain_is_rejected(monkeypatch):
    monkeypatch.setitem(checks.WITNESSES, 2, (Fraction(1), Fraction(1, 2)))  # a > 0: psi1 t < s
    with pytest.raises(Refuted, match="not admissible"):
        checks.witness(2)


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("wrong", [1, 2, 3, 4])
def test_the_numerical_order_is_seen(monkeypatch, order, wrong):
    if wrong == order:
        app_b4_transfer.order_of_hyperparameter_gap(order)
        return
    monkeypatch.setitem(checks.WITNESSES, wrong, checks.WITNESSES[order])
    with pytest.raises((Refuted, ZeroDivisionError)):
        app_b4_transfer.order_of_hyperparameter_gap(wrong)


def test_the_fourth_order_at_the_point_is_seen_by_solutions_of_the_equations():
    with mp.workdps(DIGITS):
        roots = mp.polyroots(list(reversed(orders.QUARTIC)), maxsteps=200, extraprec=400)
        s = next(mp.re(root) for root in roots if abs(mp.im(root)) < mp.mpf(10) ** -60 and mp.re(root) > 0)
        powers = [mp.mpf(Fraction(c).numerator) / Fraction(c).denominator for c in orders.MU2_SQ_AT_POINT]
        v = mp.polyval(powers[::-1], s)
        model = checks.model_on_surface(s, v, mp.mpf(1))
        by_eta = Parameters(model.psi1, model.mu1_sq, model.teacher_mu1_sq, model.noise_var)
        coefficient = expand(s, model, 4).optimal_ridge[4]
        shifts = [optimal_ridge(by_eta, mp.mpf(10) ** -k) - optimal_ridge(by_eta, mp.mpf(0)) for k in (8, 10)]
        assert abs(shifts[0] / shifts[1] / mp.mpf(10) ** 8 - 1) < mp.mpf("1e-4")  # eta^4, up to O(eta)
        assert abs(shifts[1] / (coefficient * mp.mpf(10) ** -40) - 1) < mp.mpf("1e-6")


@given(fractions, shares, shares)
def test_law_the_sign_of_the_constant_is_decided_by_the_surface(s, mu1_sq, share):
    psi1 = s / (1 + s) / share  # psi1 t > s, as B > 0 requires
    constant = exceptional.hyperparameter_gap_constant(s, psi1, mu1_sq)
    ratio = exceptional.noise_to_signal(s, psi1)
    assert ratio > 0
    assert expand(s, Model(psi1, mu1_sq, Fraction(1), ratio), 1).optimal_ridge[1] == constant
    a, b = exceptional.gap_polynomials(s, mu1_sq)
    assert a > b
    if a >= 0:
        assert constant > 0
    else:
        border = exceptional.surface_psi1(s, mu1_sq)
        assert (constant > 0) == (psi1 < border)
        assert exceptional.hyperparameter_gap_constant(s, border, mu1_sq) == 0


@given(fractions, st.fractions("1/100000", "149/1000", max_denominator=100000))
def test_law_the_surface_lies_inside_the_domain_and_above_its_bounds(s, v):
    assume(exceptional.gap_polynomials(s, 1 - v).a < 0)
    psi1 = exceptional.surface_psi1(s, 1 - v)
    ratio = exceptional.noise_to_signal(s, psi1)
    assert psi1 > (3 + 2 * np.sqrt(3)) / 9
    assert 1 - v > (2 + np.sqrt(2)) / 4
    assert s > Fraction(1, 2)
    assert (1 - v) * ratio > v  # lambda*(inf) > 0


@pytest.mark.parametrize("sign", [-1, 1])
def test_law_the_bounds_of_the_surface_are_sharp(sign):
    v = (2 - np.sqrt(2)) / 4 + sign * 1e-6
    assert np.sign(exceptional.gap_polynomials(np.sqrt(2), 1 - v).a) == sign
    assert exceptional.surface_psi1((1 + np.sqrt(3)) / 2, 1 - 1e-9) < (3 + 2 * np.sqrt(3)) / 9 + 1e-7


def test_without_noise_another_leading_equation_is_rejected(monkeypatch):
    monkeypatch.setattr(noiseless, "ROOT", Fraction(3))
    with pytest.raises(ValueError, match="not the root"):
        noiseless.theorem_3_without_noise()


def test_without_noise_the_place_of_the_optimum_is_confirmed(monkeypatch):
    monkeypatch.setattr(noiseless, "risk", lambda model, lam, eta: -lam)
    with pytest.raises(ValueError, match="slopes"):
        noiseless.theorem_3_without_noise()
