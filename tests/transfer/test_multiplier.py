import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError
from hptheory.transfer import SweepTable
from hptheory.transfer.multiplier import LossCurve, compute_multiplier, fit_loss_curve

COMPUTE = np.geomspace(1.0, 256.0, 6)


@given(st.floats(0.0, 3.0), st.floats(0.1, 5.0), st.floats(0.1, 1.0), st.floats(0.7, 1.4))
def test_a_constant_multiplier_is_found_everywhere(limit, amplitude, exponent, m):
    """a does with C/m what b does with C: its amplitude is b's times m^-exponent."""
    b = LossCurve([limit], [amplitude], [exponent], (1.0, 100.0))
    a = LossCurve([limit], [amplitude * m**-exponent], [exponent], (1.0, 100.0))
    for found in compute_multiplier(a, b):
        assert found.estimate == pytest.approx(m, rel=1e-9)
        assert found.low == found.high == found.estimate
        assert not found.extrapolated
    for found in compute_multiplier(b, a):
        assert found.estimate == pytest.approx(1 / m, rel=1e-9)


@given(st.floats(0.1, 5.0), st.floats(0.1, 1.0))
def test_a_curve_against_itself(amplitude, exponent):
    curve = LossCurve([1.0, 1.1], [amplitude] * 2, [exponent] * 2, (1.0, 50.0))
    assert [found.estimate for found in compute_multiplier(curve, curve, [2.0, 40.0])] == pytest.approx(
        [1, 1]
    )


def test_loss_and_compute_are_inverse():
    curve = LossCurve([1.0, 2.0], [3.0, 4.0], [0.5, 0.25], (1.0, 10.0))
    np.testing.assert_allclose(curve.compute(curve.loss(7.0)), [7.0, 7.0])
    assert curve.compute(0.5).tolist() == [np.inf, np.inf]


def test_out_of_reach_and_extrapolation_are_said():
    b = LossCurve([1.0], [4.0], [0.5], (1.0, 1e4))
    a = LossCurve([2.0], [2.0], [0.5], (1.0, 100.0))
    never, beyond = compute_multiplier(a, b, [1e4, 12.0])
    assert never.estimate == 0
    assert never.extrapolated
    assert beyond.loss == pytest.approx(1 + 4 / 12**0.5)
    assert beyond.estimate == pytest.approx(12 / (2 / (beyond.loss - 2)) ** 2)
    assert beyond.extrapolated == (beyond.loss < a.loss(100.0)[0])
    apart = LossCurve([10.0], [1.0], [0.5], (1.0, 100.0))
    with pytest.raises(DomainError, match="overlapping"):
        compute_multiplier(apart, b)


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_cover_the_true_multiplier(seeds):
    """1.4 at noise 0.02: 90 % intervals over 150 pairs of curves; binomial error 2.5 %."""
    rng, hits = np.random.default_rng(3), 0
    compute = np.repeat(COMPUTE, seeds)
    for _ in range(150):
        curves = [
            fit_loss_curve(
                compute, 2 + 4 * (m * compute) ** -0.3 + 0.02 * rng.normal(size=compute.size), 300, rng
            )
            for m in (1.4, 1.0)
        ]
        (found,) = compute_multiplier(*curves, [COMPUTE[3]])
        hits += found.low <= 1.4 <= found.high
    assert 0.83 < hits / 150 <= 0.99


def noisy_table(rng):
    """Optimal loss 1 + 3 (32/n)^(1/2) at five widths, noise 0.01, three seeds."""
    n, x, seed = np.meshgrid(2.0 ** np.arange(5, 10), np.linspace(-1.5, 1.5, 9), [0, 1, 2], indexing="ij")
    loss = 1 + 3 * (n / 32) ** -0.5 + 0.2 * (x - 0.3) ** 2 + 0.01 * rng.normal(size=n.shape)
    columns = {"width": n, "lr": np.exp(x), "seed": seed, "loss": loss}
    return SweepTable.from_columns({name: column.ravel() for name, column in columns.items()})


def test_intervals_cover_the_true_multiplier_of_two_tables():
    """Equal truths, 40 pairs, the seeds that the library chooses; 0.9 less 4 binomial errors is 0.71.

    Where the curves' i-th draws share their errors, the intervals are six times too narrow: 0.33.
    """
    rng, hits = np.random.default_rng(5), 0
    for _ in range(40):
        (found,) = compute_multiplier(noisy_table(rng), noisy_table(rng), [128.0**2])
        hits += found.low <= 1.0 <= found.high
    assert hits / 40 > 0.71


def test_equal_draws_are_paired_at_random_and_one_object_with_itself():
    limit = np.random.default_rng(0).normal(1.0, 0.05, 2000)

    def curve():
        return LossCurve(limit, np.full(2000, 4.0), np.full(2000, 0.5), (1.0, 50.0))

    one = curve()
    (same,) = compute_multiplier(one, one, [9.0])
    assert (same.low, same.high) == pytest.approx((1.0, 1.0))
    (apart,) = compute_multiplier(curve(), curve(), [9.0])
    # At compute 9, d ln m = (dL/amplitude) 9^(1/2) / exponent = 1.5 dL, where dL deviates by 0.05 * 2^(1/2).
    assert np.log(apart.high / apart.low) == pytest.approx(2 * 1.645 * 1.5 * 0.05 * 2**0.5, rel=0.1)


def test_tables_are_compared_by_their_optima():
    n, x = np.meshgrid([64.0, 128.0, 256.0, 512.0], np.linspace(-1.5, 1.5, 9), indexing="ij")

    def table(multiplier):
        loss = 1 + 30 * (n * multiplier**0.5) ** -1.0 + (x - 20 / n) ** 2  # a run costs n^2
        columns = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": loss.ravel()}
        return SweepTable.from_columns(columns)

    for found in compute_multiplier(table(1.4), table(1.0)):
        assert found.estimate == pytest.approx(1.4, rel=0.01)  # the loss's exponent 1/2 is on the fit's grid


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LossCurve([1.0], [-1.0], [0.5], (1.0, 2.0)), "amplitude = -1"),
        (lambda: LossCurve([1.0, 2.0], [1.0], [0.5], (1.0, 2.0)), "number of draws"),
        (lambda: LossCurve([1.0], [1.0], [0.5], (2.0, 1.0)), "measured"),
        (lambda: fit_loss_curve(COMPUTE, COMPUTE), "falling with compute"),
        (lambda: fit_loss_curve(COMPUTE[:3], [3.0, 2.0, 1.0]), "at least 4"),
        (lambda: fit_loss_curve(COMPUTE, [np.nan] * 6), "finite losses"),
        (lambda: compute_multiplier(*[fit_loss_curve(COMPUTE, 1 / COMPUTE)] * 2, -1.0), "compute = -1"),
    ],
)
def test_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call()
