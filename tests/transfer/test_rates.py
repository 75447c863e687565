"""Theorem 2's exponents: their laws, their number systems, and their optimality by linear programming."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from flint import arb
from hypothesis import given
from scipy.optimize import linprog

from hptheory.errors import DomainError
from hptheory.transfer.number_kinds import minimum
from hptheory.transfer.rates import direct_tuning, is_useful, transfer_tuning
from tests.strategies import positive_fractions


def best_direct_exponent(alpha, h, r):
    """Second route: on a log scale the trade-off is a linear program in (t, n, rho).

    Write loss = F^-t, n = F^n, rho = F^-rho. Maximise t with t <= 2 rho, t <= alpha n, r n + h rho <= 1.
    """
    solution = linprog([-1, 0, 0], A_ub=[[1, 0, -2], [1, -alpha, 0], [0, r, h]], b_ub=[0, 0, 1])
    return -solution.fun


def best_transfer_exponent(alpha, beta, h, r):
    """The same for (t, n, rho, M): also t <= 2 beta n, t <= alpha M and r M <= 1."""
    constraints = [[1, 0, -2, 0], [1, -2 * beta, 0, 0], [1, 0, 0, -alpha], [0, r, h, 0], [0, 0, 0, r]]
    return -linprog([-1, 0, 0, 0], A_ub=constraints, b_ub=[0, 0, 0, 1, 1]).fun


@given(positive_fractions(), positive_fractions(), positive_fractions())
def test_direct_laws(alpha, h, r):
    rates = direct_tuning(alpha, h, r)
    assert rates.loss_exponent == 2 * alpha / (h * alpha + 2 * r)  # as printed
    assert rates.loss_exponent == alpha * rates.width_exponent
    assert r * rates.width_exponent + rates.grid_exponent == 1
    assert rates.loss_exponent < alpha / r


@given(positive_fractions(), positive_fractions(), positive_fractions(), positive_fractions())
def test_transfer_laws(alpha, beta, h, r):
    rates, direct = transfer_tuning(alpha, beta, h, r), direct_tuning(alpha, h, r)
    assert rates.loss_exponent == min(alpha / r, 2 * beta / (h * beta + r))  # as printed
    assert r * rates.proxy_width_exponent + rates.grid_exponent == 1
    sign = (rates.loss_exponent > direct.loss_exponent) - (rates.loss_exponent < direct.loss_exponent)
    assert sign == (2 * beta > alpha) - (2 * beta < alpha)
    assert is_useful(alpha, beta, h, r) == (sign > 0)
    # The smallest target width keeps the rate, and is no larger than the printed one.
    assert alpha * rates.smallest_target_width_exponent == rates.loss_exponent
    assert rates.smallest_target_width_exponent <= rates.exact_target_width_exponent <= 1 / r
    assert rates.exact_proxy_width_exponent <= rates.proxy_width_exponent


@given(positive_fractions(), positive_fractions(), positive_fractions(), positive_fractions())
def test_no_allocation_has_a_better_exponent(alpha, beta, h, r):
    direct, transfer = direct_tuning(alpha, h, r), transfer_tuning(alpha, beta, h, r)
    exact = [float(x) for x in (alpha, beta, h, r)]
    # HiGHS is exact to its feasibility tolerance of 1e-7 on rows scaled at most by 2*8.
    assert best_direct_exponent(exact[0], *exact[2:]) == pytest.approx(float(direct.loss_exponent), rel=1e-5)
    assert best_transfer_exponent(*exact) == pytest.approx(float(transfer.loss_exponent), rel=1e-5)


@given(positive_fractions(), positive_fractions(), positive_fractions())
def test_tie(alpha, h, r):
    """At beta = alpha/2 the exponents are equal, the search is the bottleneck, and transfer is not useful."""
    rates = transfer_tuning(alpha, alpha / 2, h, r)
    assert rates.loss_exponent == rates.search_exponent == direct_tuning(alpha, h, r).loss_exponent
    assert rates.search_exponent < rates.training_exponent
    assert rates.proxy_width_exponent == direct_tuning(alpha, h, r).width_exponent
    assert not is_useful(alpha, alpha / 2, h, r)


@given(positive_fractions(), positive_fractions(), positive_fractions())
def test_printed_widths_are_both_exact_only_where_the_parts_tie(alpha, h, r):
    """training = search  <=>  beta = alpha r / (2 r - alpha h), which needs alpha h < 2 r."""
    if alpha * h >= 2 * r:
        beta = Fraction(10**6)  # however fast the drift vanishes, the search stays the bottleneck
        assert transfer_tuning(alpha, beta, h, r).exact_target_width_exponent < 1 / r
        return
    rates = transfer_tuning(alpha, alpha * r / (2 * r - alpha * h), h, r)
    assert rates.training_exponent == rates.search_exponent
    assert rates.exact_proxy_width_exponent == rates.proxy_width_exponent
    assert rates.exact_target_width_exponent == rates.target_width_exponent


def test_one_formula_many_number_systems():
    alpha, beta, h, r = sympy.symbols("alpha beta h r", positive=True)
    direct, transfer = direct_tuning(alpha, h, r), transfer_tuning(alpha, beta, h, r)
    point = {alpha: sympy.Rational(1, 2), beta: 1, h: 3, r: 2}
    expected_direct = direct_tuning(Fraction(1, 2), Fraction(3), Fraction(2))
    expected = transfer_tuning(Fraction(1, 2), Fraction(1), Fraction(3), Fraction(2))
    for name in vars(expected):
        exact = getattr(expected, name)
        assert Fraction(*getattr(transfer, name).subs(point).as_numer_denom()) == exact, name
        for kind in (float, mpmath.mpf):
            numbers = kind("0.5"), kind("1"), kind("3"), kind("2")
            value = getattr(transfer_tuning(*numbers), name)
            assert float(value) == pytest.approx(float(exact), rel=4e-16), name  # a few roundings
        array = getattr(transfer_tuning(np.array([0.5, 9.0]), 1.0, 3, 2), name)
        assert np.broadcast_to(array, 2)[0] == pytest.approx(float(exact), rel=4e-16), name
        ball = getattr(transfer_tuning(arb("0.5"), arb(1), arb(3), arb(2)), name)
        assert arb(exact.numerator) / exact.denominator in ball, name
        assert float(ball.rad()) < 1e-13, name
    for name in vars(expected_direct):
        assert Fraction(*getattr(direct, name).subs(point).as_numer_denom()) == getattr(expected_direct, name)
    assert is_useful(alpha, beta) == (2 * beta > alpha)
    assert is_useful(np.array([1.0, 1.0]), np.array([0.4, 0.6])).tolist() == [False, True]


def test_the_useful_condition_is_the_symbolic_sign_of_the_exponents_difference():
    alpha, beta, h, r = sympy.symbols("alpha beta h r", positive=True)
    rates, direct = transfer_tuning(alpha, beta, h, r), direct_tuning(alpha, h, r).loss_exponent
    search = sympy.factor(sympy.together(rates.search_exponent - direct))
    positive = (h * beta + r) * (h * alpha + 2 * r)
    assert sympy.simplify(search * positive - 2 * r * (2 * beta - alpha)) == 0
    assert sympy.simplify((rates.training_exponent - direct) * r * (h * alpha + 2 * r) - h * alpha**2) == 0


def test_rates_trace_under_jax():
    jax = pytest.importorskip("jax")
    rates = jax.jit(lambda a, b: transfer_tuning(a, b, 1, 2).loss_exponent)(1.0, 0.25)
    assert float(rates) == pytest.approx(2 / 9, rel=1e-6)  # single precision


def test_limits_without_gap_or_drift():
    assert transfer_tuning(1.0, math.inf, h=2, r=2).search_exponent == 1.0  # 2/h: only the grid is left
    assert transfer_tuning(1.0, math.inf, h=2, r=2).proxy_width_exponent == 0.0
    assert direct_tuning(math.inf, h=2, r=2).loss_exponent == 1.0
    assert direct_tuning(math.inf, h=2, r=2).width_exponent == 0.0


def test_overlapping_balls_are_enclosed():
    x, y = arb("0.5", "0.2"), arb("0.6", "0.2")
    smaller = minimum(x, y)
    for endpoint in (arb("0.3"), arb("0.7")):
        assert smaller.overlaps(endpoint)


@pytest.mark.parametrize(
    "bad", [{"alpha": 0}, {"alpha": -1.0}, {"beta": 0}, {"h": 0}, {"r": -2}, {"beta": math.nan}]
)
def test_domain(bad):
    with pytest.raises(DomainError, match=next(iter(bad))):
        transfer_tuning(**{"alpha": 1, "beta": 1, "h": 1, "r": 2} | bad)
    with pytest.raises(DomainError):
        is_useful(**{"alpha": 1, "beta": 1} | bad)
    with pytest.raises(DomainError, match="alpha"):
        direct_tuning(np.array([1.0, -1.0]))
