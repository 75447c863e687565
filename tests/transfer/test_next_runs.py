import dataclasses

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.next_runs import cheapest, next_runs


def undetermined(draws=1000, seed=0):
    """alpha = 1; beta spread evenly around 1/2; the draws agree at width 64, and ever less beyond."""
    beta = np.random.default_rng(seed).uniform(0.1, 0.9, draws)
    return TransferLaw(2.0, 1.0, 1.0, 0.0, 0.5 * 64**beta, beta, 1.0, 1.5)


def settled(law, error, widths=(1024.0,), **options):
    found = next_runs(law, widths, loss_error=1e-3, hp_error=error, runs=9, **options)
    return [choice.probability_settled for choice in found]


def test_smaller_errors_and_wider_models_settle_more():
    law = undetermined()
    by_error = [settled(law, error)[0] for error in (0.3, 0.1, 0.03, 0.01)]
    assert by_error == sorted(by_error)
    assert by_error[0] < 0.2
    assert by_error[-1] > 0.7
    by_width = settled(law, 0.03, widths=(70.0, 128.0, 512.0))
    assert by_width == sorted(by_width)
    assert by_width[0] < 0.05


def test_probability_of_a_case_with_a_closed_form():
    """Two laws, half the draws each, seen with error s at distance d; settled if the log odds pass 2.94.

    logit(0.95) = 2.94. The log odds are N(+-d^2/(2 s^2), d^2/s^2): with d/s = 2 they pass it with probability
    P(Z > (2.94 - 2)/2) = 0.319, on the right side, and on the wrong one with P(Z > (2.94 + 2)/2) = 0.007.
    """
    beta = np.where(np.arange(2000) % 2 == 0, 0.4, 0.6)
    here = 1024.0**-beta
    error = abs(here[0] - here[1]) / 2
    law = TransferLaw(2.0, 1.0, 1.0, 0.0, 1.0, beta, 1.0, 1.5)
    found = np.mean([settled(law, error, seed=seed)[0] for seed in range(10)])
    assert found == pytest.approx(0.319 + 0.007, abs=4 * 0.47 / 2000**0.5)  # 2000 outcomes in all


def test_a_settled_verdict_is_settled_and_no_data_settles_a_tie():
    law = undetermined()
    assert settled(dataclasses.replace(law, hp_exponent=law.hp_exponent + 1.0), 1.0) == [1.0]
    blind = dataclasses.replace(law, hp_amplitude=1e-9)  # nothing to be seen of beta
    assert settled(blind, 0.1) == [0.0]


def test_outcomes_that_no_other_draw_could_have_produced_settle_nothing():
    assert settled(undetermined(100), 1e-9) == [0.0]
    assert settled(undetermined(100), 1e-9, level=0.7) == [0.0]


def test_the_cheapest():
    choices = next_runs(undetermined(), [128.0, 512.0, 2048.0], 1e-3, 0.03, runs=9, cost_exponent=2.0)
    assert [choice.cost for choice in choices] == [9 * 128**2, 9 * 512**2, 9 * 2048**2]
    best = cheapest(choices, probability=choices[1].probability_settled)
    assert best == choices[1]
    assert cheapest(choices, probability=1.1) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_error": 0.0}, "loss_error = 0"),
        ({"hp_error": -1.0}, "hp_error = -1"),
        ({"widths": []}, "width = 0"),
        ({"level": 0.5}, "level = 0.5"),
        ({"law": undetermined(50)}, "number of draws = 50"),
    ],
)
def test_domain(options, message):
    arguments = {"law": undetermined(), "widths": [128.0], "loss_error": 1.0, "hp_error": 1.0, "runs": 9}
    with pytest.raises(DomainError, match=message):
        next_runs(**arguments | options)
