"""Exponents of Theorem 2 emerging from actual grid searches, which know no exponent."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.transfer import zoo
from hptheory.transfer.crossover import direct_losses, transfer_losses
from hptheory.transfer.families import Family
from hptheory.transfer.rates import direct_tuning, transfer_tuning
from hptheory.transfer.search_model import SearchModel
from hptheory.transfer.simulate import Simulation, grid_choices, simulate_direct, simulate_transfer

QUICK = Simulation(placements=8, width_factor=1.25)


def random_model(family, gap, drift):
    """The explicit model of a parabola on [-2, 2] with a grid placed at random: rho^2/3 in the mean."""
    return SearchModel(gap, family.alpha, drift, family.beta, hp_radius=2 / math.sqrt(3))


def slope(losses, budgets):
    return np.log(losses[-1] / losses[0]) / np.log(budgets[-1] / budgets[0])


def test_a_grid_placed_at_random_misses_by_rho_squared_over_three():
    family = Family(lambda n, x: (x - 0.123) ** 2, ((-2.0, 2.0),))
    for points in (5, 12, 101):
        chosen = grid_choices(family, 1.0, points, placements=64)
        rho = 2 / points
        assert np.abs(chosen - 0.123).max() <= rho
        # The offsets of 64 midpoints: the rule's error is 1/64^2 of the mean.
        assert np.mean((chosen - 0.123) ** 2) == pytest.approx(rho**2 / 3, rel=1e-3)


@settings(max_examples=8)
@given(st.floats(0.5, 1.5), st.floats(1.0, 2.0), st.floats(0.3, 3.0), st.floats(0.3, 1.0))
def test_fast_families_meet_the_exact_optimum_and_its_exponents(alpha, ratio, gap, drift):
    """beta from alpha to 2 alpha. No formula of the theory enters the simulation."""
    family = zoo.quadratic(alpha, ratio * alpha, loss_amplitude=gap, hp_amplitude=drift)
    model, budgets = random_model(family, gap, drift), [1e3, 1e4, 1e5]
    direct = np.array([simulate_direct(family, budget, QUICK).loss for budget in budgets])
    transfer = np.array([simulate_transfer(family, budget, QUICK).loss for budget in budgets])
    # Trying widths a factor 1.25 apart, and whole grids of some 10 points, costs a few percent of the loss.
    assert (direct >= 0.98 * direct_losses(model, budgets)).all()
    assert (direct <= 1.2 * direct_losses(model, budgets)).all()
    assert (transfer <= 1.25 * transfer_losses(model, budgets)).all()
    # The model charges the drift to the limit, the simulation to the target; the rest is the same.
    assert (transfer >= 0.5 * transfer_losses(model, budgets)).all()
    # The 20 % above, over two decades, are 0.04 of an exponent.
    assert slope(direct, budgets) == pytest.approx(-direct_tuning(alpha).loss_exponent, abs=0.04)
    assert slope(transfer, budgets) == pytest.approx(slope(transfer_losses(model, budgets), budgets), abs=0.1)


def test_exponents_at_larger_budgets():
    """alpha = beta = 1, from 1e5 to 1e7: 2/5 for direct tuning; 1/2 for transfer, still 0.53 there."""
    family, budgets = zoo.fast(), [1e5, 1e7]
    direct = [simulate_direct(family, budget).loss for budget in budgets]
    transfer = [simulate_transfer(family, budget).loss for budget in budgets]
    # Allocations a factor 1.15 apart leave below 3 % of the loss: 0.007 of an exponent over two decades.
    assert slope(direct, budgets) == pytest.approx(-direct_tuning(1).loss_exponent, abs=0.01)
    exact = slope(transfer_losses(random_model(family, 1.0, 1.0), budgets), budgets)
    assert slope(transfer, budgets) == pytest.approx(exact, abs=0.015)
    assert exact == pytest.approx(-transfer_tuning(1, 1).loss_exponent, abs=0.04)


def test_slow_transfer_falls_behind():
    """beta = alpha/4: ahead at small budgets, where drift to the target is short, behind at large ones."""
    ratios = [
        simulate_transfer(zoo.slow(), budget).loss / simulate_direct(zoo.slow(), budget).loss
        for budget in (1e3, 1e5, 1e7)
    ]
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[0] < 1 < ratios[2]


def test_fast_and_useful_part_ways_in_the_moving_funnel():
    """zoo.moving_funnel proves direct F^-0.296 and transfer F^-0.125, though beta > alpha/2."""
    family, budgets = zoo.moving_funnel(), [1e4, 1e6]
    how = Simulation(placements=4, width_factor=1.25)
    direct = [simulate_direct(family, budget, how).loss for budget in budgets]
    transfer = [simulate_transfer(family, budget, how).loss for budget in budgets]
    assert direct[0] < transfer[0]
    assert slope(direct, budgets) == pytest.approx(-2 / 6.75, abs=0.02)
    assert slope(transfer, budgets) == pytest.approx(-0.125, abs=0.03)


def test_a_jump_is_transferred_from_above_it_only():
    """Below the jump the proxy's optimum is the wrong well; the best transfer tunes above, or accepts D."""
    family = zoo.jump(alpha=0.5, jumps_at=20.0)
    found = simulate_transfer(family, 1e6)
    assert found.proxy_width >= 20
    assert found.loss < family.gaps(10.0).suboptimality


@pytest.mark.parametrize("search", [simulate_direct, simulate_transfer])
def test_searches_are_affordable_and_reproducible(search):
    found = search(zoo.fast(), 5000.0, QUICK)
    assert found.cost <= 5000
    final = 0 if search is simulate_direct else found.target_width**2
    assert found.grid_points * found.proxy_width**2 + final == pytest.approx(found.cost)
    assert search(zoo.fast(), 5000.0, QUICK) == found


def test_domain():
    with pytest.raises(DomainError, match=r"budget = 1\.5"):
        simulate_transfer(zoo.fast(), 1.5)
    with pytest.raises(DomainError, match="width_factor"):
        Simulation(width_factor=1.0)
    with pytest.raises(DomainError, match="placements"):
        Simulation(placements=0)
