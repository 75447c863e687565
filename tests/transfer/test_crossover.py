import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.transfer.crossover import crossings, direct_losses, eventual_leader, transfer_losses
from hptheory.transfer.grid_search import direct_optimum, transfer_optimum
from hptheory.transfer.rates import direct_tuning, transfer_tuning
from hptheory.transfer.search_model import SearchModel
from tests.strategies import search_models


@given(search_models())
def test_loss_curves_are_the_optima(m):
    budgets = np.geomspace(3 * m.run_cost, 1e15, 7)
    direct = [direct_optimum(m, budget).loss for budget in budgets]
    transfer = [transfer_optimum(m, budget).loss for budget in budgets]
    np.testing.assert_allclose(direct_losses(m, budgets), direct, rtol=1e-12)
    # The root's own tolerance, on a loss that is flat around it.
    np.testing.assert_allclose(transfer_losses(m, budgets), transfer, rtol=1e-12)


@given(search_models())
def test_leaders_change_at_every_crossing_and_nowhere_else(m):
    found = crossings(m)
    assert len(found.leaders) == len(found.budgets) + 1
    assert all(a != b for a, b in itertools.pairwise(found.leaders))
    for budget in found.budgets:
        assert direct_optimum(m, budget).loss == pytest.approx(transfer_optimum(m, budget).loss, rel=1e-9)
    edges = [found.lowest, *found.budgets, found.highest]
    for leader, low, high in zip(found.leaders, edges, edges[1:], strict=False):
        # Midway between changes, on budgets that the scan did not visit.
        budget = math.exp(0.51 * math.log(low) + 0.49 * math.log(high))
        transfer_leads = transfer_optimum(m, budget).loss < direct_optimum(m, budget).loss
        assert transfer_leads == (leader == "transfer")


def test_none_one_and_two_changes():
    plain = SearchModel(loss_amplitude=1.0, loss_exponent=1.0, hp_amplitude=1.0, hp_exponent=1.0)
    one = crossings(plain)
    assert one.leaders == ("direct", "transfer")
    assert one.overtaking_budget == one.budgets[0]
    slow = dataclasses.replace(plain, hp_exponent=0.4, hp_amplitude=0.5)
    two = crossings(slow)  # beta < alpha/2, but a small drift: transfer leads only in between
    assert two.leaders == ("direct", "transfer", "direct")
    assert two.eventually == "direct"
    assert two.overtaking_budget is None
    never = crossings(dataclasses.replace(plain, hp_exponent=0.5, hp_amplitude=2.0))
    assert never.budgets == ()
    assert never.leaders == ("direct",)
    always = crossings(dataclasses.replace(plain, hp_amplitude=0.1))
    assert always.leaders == ("transfer",)
    assert always.overtaking_budget == always.lowest


HUGE = 1e100
# Constants of search_models span three decades each, and enter powers up to 2: what is smaller by a power of
# the budget must be smaller by e^30 to be below them all.
BEYOND_CONSTANTS = 30 / math.log(HUGE)


@given(search_models(aligned=False), st.floats(0.5, 2.0))
def test_at_the_tie_the_constants_decide(m, ratio):
    """tau B^2/2 < A decides, and the optima at a huge budget agree where they are clear."""
    amplitude = math.sqrt(2 * ratio * m.loss_amplitude / m.curvature)
    tie = dataclasses.replace(m, hp_exponent=m.loss_exponent / 2, hp_amplitude=amplitude)
    expected = "transfer" if m.curvature / 2 * amplitude**2 < m.loss_amplitude else "direct"
    assert eventual_leader(tie) == expected
    rates = transfer_tuning(tie.loss_exponent, tie.hp_exponent, m.hp_count, m.cost_exponent)
    if abs(math.log(ratio)) > 0.01 and rates.training_exponent - rates.search_exponent > BEYOND_CONSTANTS:
        assert (transfer_losses(tie, HUGE) < direct_losses(tie, HUGE)) == (expected == "transfer")


@given(search_models())
def test_the_eventual_leader_leads_at_a_huge_budget(m):
    transfer = transfer_tuning(m.loss_exponent, m.hp_exponent, m.hp_count, m.cost_exponent)
    direct = direct_tuning(m.loss_exponent, m.hp_count, m.cost_exponent)
    assume(abs(transfer.loss_exponent - direct.loss_exponent) > BEYOND_CONSTANTS)
    leads = transfer_losses(m, HUGE) < direct_losses(m, HUGE)
    assert leads == (eventual_leader(m) == "transfer")


def test_no_drift_leads_eventually():
    m = SearchModel(1.0, 1.0, 0.0, 0.1, smallest_width=1.0)
    assert eventual_leader(m) == "transfer"
    assert crossings(m).leaders[-1] == "transfer"


@pytest.mark.parametrize(("lowest", "highest"), [(1.0, 1e9), (0.0, 1e9), (10.0, 10.0), (10.0, math.inf)])
def test_domain(lowest, highest):
    m = SearchModel(1.0, 1.0, 1.0, 1.0, smallest_width=1.0)
    with pytest.raises(DomainError):
        crossings(m, lowest, highest)
