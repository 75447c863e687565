from __future__ import annotations

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import norm

from benchmarks.synthetic_sweeps import sweep
from hptheory.reports import sweep_page
from hptheory.transfer import analyse
from hptheory.transfer.exponents import fit_power_law
from hptheory.transfer.verdict import ONE_SEED, confirmed, judge, probability_fast

N = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
CROSS = np.zeros((5, 5))


def law(exponent: float, amplitude: float = 1.0, noise: float = 1e-3, jitter: float = 0.0):
    y = amplitude * N**-exponent + jitter * np.array([1.0, -1.0, 0.5, -0.5, 1.0])
    return fit_power_law(N, y, noise**2 * np.eye(5), df=1e6)


@pytest.mark.parametrize(
    ("alpha", "beta", "says"), [(0.5, 1.0, "fast"), (1.0, 0.25, "slow"), (1.0, 0.5, "undetermined")]
)
def test_the_three_verdicts(alpha: float, beta: float, says: str) -> None:
    verdict = judge(law(alpha), law(beta), CROSS)
    assert verdict.verdict == says
    assert "beta = " in verdict.reason


def test_with_alpha_known_it_is_the_one_sided_confidence_of_beta() -> None:
    hp = law(0.5, noise=0.01, jitter=0.003)
    sure = probability_fast(law(0.9, noise=1e-6), hp, CROSS)
    assert sure == pytest.approx(norm.cdf(np.interp(0.45, hp.grid, hp.score)), abs=1e-3)


@pytest.mark.parametrize("amplitude", [0.0, 1e-4])
def test_never_fast_when_beta_is_not_identified(amplitude: float) -> None:
    verdict = judge(law(0.5), law(1.0, amplitude, jitter=1e-4), CROSS)
    assert (verdict.verdict, verdict.probability_fast) == ("undetermined", None)
    assert "beta is not identified" in verdict.reason


def test_no_verdict_when_the_loss_does_not_move() -> None:
    verdict = judge(law(0.5, 0.0), law(1.0), CROSS)
    assert verdict.verdict == "undetermined"
    assert "alpha" in verdict.reason


def test_few_widths_are_named() -> None:
    two = fit_power_law(N[:2], N[:2] ** -1.0, 1e-6 * np.eye(2), df=100)
    assert "at least 3 widths" in judge(two, two, CROSS[:2, :2]).reason


def test_shared_errors_change_the_confidence() -> None:
    """Two scores that err together leave less doubt about their difference than two that err apart."""
    loss, hp = law(0.8, noise=0.01), law(0.5, noise=0.01)
    shared = 0.9 * 0.01**2 * np.eye(5)
    both = [probability_fast(loss, hp, sign * shared) for sign in (1.0, -1.0)]
    assert both[0] > probability_fast(loss, hp, CROSS) > both[1]


def test_a_verdict_that_wider_models_do_not_bear_out_is_withdrawn() -> None:
    """Local exponents that climb through alpha/2: all widths are sure of `slow`, the wide ones are not."""
    loss, slow, climbing = law(1.0), law(0.25), law(0.6)
    verdict = judge(loss, slow, CROSS)
    assert verdict.verdict == "slow"
    assert confirmed(verdict, loss, slow, CROSS) == verdict
    withdrawn = confirmed(verdict, loss, climbing, CROSS)
    assert (withdrawn.verdict, withdrawn.probability_fast) == ("undetermined", None)
    assert withdrawn.exponents_change
    assert "without the narrowest beta = 0.6" in withdrawn.reason
    open_ = judge(loss, law(0.5), CROSS)
    assert confirmed(open_, loss, climbing, CROSS) == open_


@pytest.mark.parametrize("df", [3.0, 8.0])
def test_verdict_and_interval_agree_with_few_degrees_of_freedom(df: float) -> None:
    """alpha known: the confidence is Student's, and beyond 0.95 exactly where the 90 % interval says so."""
    loss, rng, seen = law(1.0, noise=1e-7), np.random.default_rng(0), set()
    for _ in range(40):
        y = N**-0.65 + 0.01 * rng.standard_normal(5)
        hp = fit_power_law(N, y, 0.01**2 * np.eye(5), df)
        sure = probability_fast(loss, hp, CROSS)
        score = float(np.interp(0.5, hp.grid, hp.score))
        if abs(score) < 4:  # farther out the scores need not fall
            assert sure == pytest.approx(stdtr(df, score), abs=2e-3)
        if abs(sure - 0.95) > 2e-3 and hp.exponent.low is not None:
            assert (sure > 0.95) == (hp.exponent.low > 0.5)
            seen.add(sure > 0.95)
    assert seen == {True, False}


def test_a_verdict_on_one_seed_says_what_it_leaves_out() -> None:
    for seeds in (1, 3):
        report = analyse(sweep(noise=0.002, seeds=seeds))
        bare = report.judgement.reason.removesuffix(ONE_SEED)
        assert (bare != report.judgement.reason) == (seeds == 1)
        assert ("in no interval" in str(report)) == (seeds == 1)
        assert (ONE_SEED in sweep_page(report)) == (seeds == 1)
        assert report.to_dict()["reason"] == report.judgement.reason
