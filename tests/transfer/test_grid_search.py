"""The finite-budget optimum against the issue-level model written out again, and against brute force."""

import dataclasses
import math

import numpy as np
import pytest
import sympy
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from hptheory.errors import DomainError
from hptheory.transfer.grid_search import direct_optimum, divide_budget, transfer_optimum
from hptheory.transfer.rates import direct_tuning, transfer_tuning
from hptheory.transfer.search_model import SearchModel, balanced_width, best_search, search_gain, search_loss
from tests.strategies import search_models

PLAIN = SearchModel(loss_amplitude=1.0, loss_exponent=1.0, hp_amplitude=1.0, hp_exponent=1.0)
budgets = st.floats(math.log(50.0), math.log(1e12)).map(math.exp)


def direct_loss(m, width, points):
    """The direct strategy's loss, written out."""
    rho = m.hp_radius / points ** (1 / m.hp_count)
    return m.loss_amplitude * width**-m.loss_exponent + m.curvature / 2 * rho**2


def transfer_loss(m, width, points, target):
    """The transfer strategy's loss, written out."""
    rho, drift = m.hp_radius / points ** (1 / m.hp_count), m.hp_amplitude * width**-m.hp_exponent
    offset = (rho + drift) ** 2 if m.aligned else rho**2 + drift**2
    return m.loss_amplitude * target**-m.loss_exponent + m.curvature / 2 * offset


def transfer_cost(m, width, points, target):
    return m.run_cost * (width**m.cost_exponent * points + target**m.cost_exponent)


@given(search_models(), budgets)
def test_direct_beats_every_other_width(m, budget):
    assume(budget > 1.01 * m.run_cost)
    best = direct_optimum(m, budget)
    assert best.loss == pytest.approx(direct_loss(m, best.proxy_width, best.grid_points), rel=1e-12)
    assert best.grid_points * m.run_cost * best.proxy_width**m.cost_exponent == pytest.approx(
        budget, rel=1e-9
    )
    assert best.grid_points >= 1
    assert best.grid_radius <= m.hp_radius
    # The loss is attained (above); nothing affordable is lower, from far away to next to it.
    factors = np.concatenate([np.geomspace(1e-6, 1e6, 501), np.geomspace(0.9, 1.1, 501)])
    widths = best.proxy_width * factors
    widths = widths[(widths >= m.smallest_width) & (m.run_cost * widths**m.cost_exponent <= budget)]
    losses = direct_loss(m, widths, np.maximum(budget / (m.run_cost * widths**m.cost_exponent), 1.0))
    assert best.loss <= losses.min(initial=np.inf) * (1 + 1e-12)


@given(search_models(), budgets)
@example(PLAIN, 1e6)
@example(dataclasses.replace(PLAIN, smallest_width=1.0, hp_amplitude=0.03, hp_radius=30.0), 50.0)
def test_transfer_matches_brute_force(m, budget):
    assume(budget > 2.1 * m.run_cost)
    best = transfer_optimum(m, budget)
    written_out = transfer_loss(m, best.proxy_width, best.grid_points, best.target_width)
    assert best.loss == pytest.approx(written_out, rel=1e-12)
    spent = transfer_cost(m, best.proxy_width, best.grid_points, best.target_width)
    assert spent == pytest.approx(best.cost, rel=1e-12)
    assert spent == pytest.approx(budget, rel=1e-9)
    assert best.grid_points >= 1

    # The loss is attained (above); nothing affordable is lower, from far away to next to it.
    far, near = np.linspace(-25, 25, 101), np.linspace(-0.1, 0.1, 41)
    for steps in (far, near):
        log_width, logit = np.meshgrid(steps, steps)
        final = m.run_cost * best.target_width**m.cost_exponent / budget
        final = budget * expit(math.log(final / (1 - final)) + logit)
        width, runs = best.proxy_width * np.exp(log_width), (budget - final) / m.run_cost
        affordable = (width >= m.smallest_width) & (runs > 0) & (runs >= width**m.cost_exponent)
        width, final, runs = width[affordable], final[affordable], runs[affordable]
        target = (final / m.run_cost) ** (1 / m.cost_exponent)
        losses = transfer_loss(m, width, runs / width**m.cost_exponent, target)
        assert best.loss <= losses.min(initial=np.inf) * (1 + 1e-9)


def polished(m, budget, target=None):
    """The least loss by Nelder-Mead in unconstrained coordinates, from several starts; smallest_width = 0."""

    def objective(z):
        final = budget * expit(z[0]) if target is None else m.run_cost * target**m.cost_exponent
        runs = (budget - final) / m.run_cost
        width = (runs * expit(z[1])) ** (1 / m.cost_exponent)
        at = (final / m.run_cost) ** (1 / m.cost_exponent)
        return math.log(transfer_loss(m, width, runs / width**m.cost_exponent, at))

    starts = [(s, f) for s in (-4.0, 0.0, 4.0) for f in (-2.0, 0.0, 2.0)]
    options = {"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000, "maxfev": 4000}
    return math.exp(min(minimize(objective, x0, method="Nelder-Mead", options=options).fun for x0 in starts))


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("h", [1, 2])
def test_transfer_agrees_with_a_polished_minimum(aligned, h):
    m = SearchModel(
        2.0, 0.7, 0.8, 0.6, curvature=1.5, hp_radius=1.2, hp_count=h, run_cost=0.5, aligned=aligned
    )
    for budget in (30.0, 1e4, 1e8):
        # At a minimum the loss is flat: a simplex of size 1e-9 leaves far less than 1e-12 of it.
        assert transfer_optimum(m, budget).loss == pytest.approx(polished(m, budget), rel=1e-11)
        target = 0.6 * transfer_optimum(m, budget).target_width
        fixed = transfer_optimum(m, budget, target_width=target)
        assert fixed.target_width == target
        assert fixed.loss == pytest.approx(polished(m, budget, target), rel=1e-11)


def least_with(points, m, budget):
    """For a given number of grid points, the least loss over the division of the budget."""
    most = 1 - m.run_cost * points * m.smallest_width**m.cost_exponent / budget
    if most <= 0:
        return math.inf

    def objective(logit):
        final = budget * most * expit(logit)
        width = ((budget - final) / (m.run_cost * points)) ** (1 / m.cost_exponent)
        return transfer_loss(m, width, points, (final / m.run_cost) ** (1 / m.cost_exponent))

    inner = minimize_scalar(objective, bounds=(-15, 15), method="bounded", options={"xatol": 1e-9}).fun
    if m.smallest_width == 0:
        return inner
    at_bound = (budget * most / m.run_cost) ** (
        1 / m.cost_exponent
    )  # the cheapest search, the rest for training
    return min(inner, transfer_loss(m, m.smallest_width, points, at_bound))


@given(
    search_models(),
    st.floats(math.log(50.0), math.log(3e4)).map(math.exp),
    st.sampled_from(["axis", "total"]),
)
def test_whole_grids_are_the_best_of_all_whole_grids(m, budget, whole):
    assume(budget > 2.1 * m.run_cost)
    best = transfer_optimum(m, budget, whole=whole)
    exponent = m.hp_count if whole == "axis" else 1
    side = round(best.grid_points ** (1 / exponent))
    assert best.grid_points == side**exponent
    assert best.cost <= budget * (1 + 1e-9)
    candidates = set(range(1, 31)) | {max(1, side + d) for d in range(-3, 4)} | {2 * side, 10 * side}
    losses = [least_with(float(k**exponent), m, budget) for k in candidates]
    assert best.loss == pytest.approx(min(losses), rel=1e-7)  # minimize_scalar's xatol, squared, and rounding

    direct = direct_optimum(m, budget, whole=whole)
    sides = np.arange(1, 10 * round(direct.grid_points ** (1 / exponent)) + 10, dtype=float)
    points = sides**exponent
    widths = (budget / (m.run_cost * points)) ** (1 / m.cost_exponent)
    losses = np.where(widths * (1 + 1e-11) >= m.smallest_width, direct_loss(m, widths, points), np.inf)
    assert direct.grid_points in points
    assert direct.loss == pytest.approx(losses.min(), rel=1e-9)


def test_whole_grid_at_a_fixed_width_spends_what_it_can():
    fixed = direct_optimum(PLAIN, budget=4.99 * 8**2, target_width=8.0, whole="total")
    assert (fixed.grid_points, fixed.cost, fixed.grid_radius) == (4, 4 * 64, 0.25)
    assert direct_optimum(PLAIN, budget=4 * 64, target_width=8.0, whole="total").grid_points == 4
    two = dataclasses.replace(PLAIN, hp_count=2)
    assert direct_optimum(two, budget=8.9 * 64, target_width=8.0, whole="axis").grid_points == 4
    assert direct_optimum(two, budget=9 * 64, target_width=8.0, whole="axis").grid_points == 9
    assert direct_optimum(PLAIN, budget=4.99 * 64, target_width=8.0).grid_points == pytest.approx(4.99)


@given(search_models(), budgets)
def test_direct_balance_law(m, budget):
    assume(budget > 1.01 * m.run_cost)
    best = direct_optimum(m, budget)
    if best.grid_points > 1.001 and best.proxy_width > 1.001 * m.smallest_width:
        ratio = m.hp_count * m.loss_exponent / (2 * m.cost_exponent)
        assert best.search_loss == pytest.approx(ratio * best.training_loss, rel=1e-9)


@given(search_models(), budgets)
def test_direct_tuning_is_never_worse_where_the_drift_is_the_gap(m, budget):
    """With B^2 = 2 A/tau and beta = alpha/2 the search alone costs what direct tuning costs in all."""
    assume(budget > 2.1 * m.run_cost)
    twin = m.as_direct()
    assert transfer_optimum(twin, budget).loss > direct_optimum(m, budget).loss * (1 - 1e-12)


@given(search_models(), budgets, st.floats(0.1, 0.9))
def test_more_budget_less_loss(m, budget, less):
    assume(less * budget > 2.1 * m.run_cost)
    for strategy in (direct_optimum, transfer_optimum):
        assert strategy(m, budget).loss < strategy(m, less * budget).loss


@given(search_models(), budgets)
def test_search_gain_is_the_slope_of_the_best_search(m, budget):
    """The envelope theorem against a central difference of the search loss itself."""
    assume(budget > 1.1 * m.run_cost)
    step = 1e-4
    for points in (None, 1.0):
        losses = [search_loss(m, *best_search(m, budget * math.exp(s), points)) for s in (-step, step)]
        slope = (losses[0] - losses[1]) / (2 * step * budget)
        # A central difference is off by step^2/6 (third log-derivative, at most (2 beta)^3) and by rounding
        # 1e-16/step; a kink in the gain, where a bound starts to bind, adds at most step/2 times its change.
        gain = search_gain(m, budget, points)
        assert slope == pytest.approx(gain, rel=1e-3, abs=1e-11 * losses[0] / budget)


@pytest.mark.parametrize(
    ("alpha", "beta", "h", "r"),
    [(1.0, 1.0, 1, 2.0), (1.0, 0.4, 1, 2.0), (2.0, 1.5, 2, 2.0), (0.5, 2.0, 1, 2.0), (1.0, 1.0, 1, 1.5)],
)
@pytest.mark.parametrize("aligned", [False, True])
def test_widths_and_losses_grow_with_the_exact_exponents(alpha, beta, h, r, aligned):
    """Logarithmic slopes of the exact optimum over F = 1e120..1e124 against Theorem 2 and its refinement."""
    m = SearchModel(2.0, alpha, 0.3, beta, hp_count=h, cost_exponent=r, aligned=aligned)
    low, high = transfer_optimum(m, 1e120), transfer_optimum(m, 1e124)
    rates = transfer_tuning(alpha, beta, h, r)

    def slope(name):
        return (math.log(getattr(high, name)) - math.log(getattr(low, name))) / (4 * math.log(10))

    # The neglected part is smaller by F^-(difference of the parts' exponents) <= 1e120^-0.0667 = 1e-8.
    assert slope("loss") == pytest.approx(-rates.loss_exponent, abs=1e-7)
    assert slope("proxy_width") == pytest.approx(rates.exact_proxy_width_exponent, abs=1e-7)
    assert slope("target_width") == pytest.approx(rates.exact_target_width_exponent, abs=1e-7)
    direct = [direct_optimum(m, budget) for budget in (1e120, 1e124)]
    growth = math.log(direct[1].proxy_width / direct[0].proxy_width) / (4 * math.log(10))
    assert growth == pytest.approx(direct_tuning(alpha, h, r).width_exponent, abs=1e-12)


def test_published_target_width_is_exact_where_training_is_the_bottleneck():
    fast = SearchModel(1.0, 0.5, 1.0, 2.0)
    slow = SearchModel(1.0, 1.0, 1.0, 0.4)
    budget = 1e60
    assert transfer_optimum(fast, budget).target_width / budget**0.5 == pytest.approx(1, abs=1e-6)
    assert transfer_optimum(slow, budget).target_width / budget**0.5 < 1e-3


def test_closed_form_of_direct_width_is_symbolically_stationary():
    A, alpha, tau, L, h, r, F, n = sympy.symbols("A alpha tau L h r F n", positive=True)
    loss = A * n**-alpha + tau / 2 * (L * (n**r / F) ** (1 / h)) ** 2
    best = balanced_width(sympy.sqrt(2 * A / tau), alpha / 2, L, h, r, F)
    printed = (alpha * A * h * F ** (2 / h) / (tau * r * L**2)) ** (h / (h * alpha + 2 * r))
    assert sympy.simplify(sympy.expand_log(sympy.log(best / printed), force=True)) == 0
    balance = sympy.log(alpha * A * best**-alpha) - sympy.log(
        r / h * tau * L**2 * (best**r / F) ** (2 / h)
    )  # n dloss/dn = 0, as a difference of logarithms
    assert sympy.simplify(sympy.expand_log(balance, force=True)) == 0
    assert (
        sympy.simplify(
            (n * sympy.diff(loss, n)).subs({h: 1, r: 2, n: 3})
            + alpha * A * 3**-alpha
            - 2 * tau * L**2 * (9 / F) ** 2
        )
        == 0
    )


def test_no_drift_takes_the_smallest_proxy():
    m = SearchModel(1.0, 1.0, 0.0, 1.0, smallest_width=4.0)
    best = transfer_optimum(m, 1e4)
    assert best.proxy_width == 4.0
    with pytest.raises(DomainError, match="smallest_width"):
        transfer_optimum(dataclasses.replace(m, smallest_width=0.0), 1e4)


def test_divide_budget_is_elementwise():
    many = np.array([1e2, 1e5, 1e9])
    costs, targets = divide_budget(PLAIN, many)
    for budget, cost, target in zip(many, costs, targets, strict=True):
        one = transfer_optimum(PLAIN, budget)
        assert target == pytest.approx(one.target_width, rel=1e-12)
        assert cost == pytest.approx(budget - one.target_width**2, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: direct_optimum(PLAIN, 0.0), "budget = 0"),
        (lambda: direct_optimum(PLAIN, math.nan), "budget = nan"),
        (lambda: direct_optimum(PLAIN, 99.0, target_width=10.0), "cost of one run"),
        (lambda: transfer_optimum(PLAIN, 100.0, target_width=10.0), "> 100"),
        (lambda: transfer_optimum(dataclasses.replace(PLAIN, smallest_width=5.0), 25.0), "one proxy run"),
        (lambda: SearchModel(-1.0, 1.0, 1.0, 1.0), "loss_amplitude = -1"),
        (lambda: SearchModel(1.0, 1.0, 1.0, math.inf), "hp_exponent = inf"),
        (lambda: SearchModel(1.0, 1.0, 1.0, 1.0, hp_count=0), "hp_count = 0"),
    ],
)
def test_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call()
