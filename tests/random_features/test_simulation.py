"""The finite-size estimator: its linear algebra by direct solves, and the theory's limit by z-scores.

The theory is `tests.random_features.reference`, (9), (10) solved as printed. A mean over trials at
dimension d has a bias of order 1/d (measured: 0.1/d to 5/d of the value, see
`test_the_bias_is_of_order_one_over_d`), which is removed by Richardson's extrapolation, 2 m(2d) - m(d);
what is left is of order 1/d^2.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.random_features.moments import moments
from hptheory.random_features.simulation import Simulation, ridge_predictions, simulate
from tests.random_features.reference import risk_reference, stieltjes_reference


def steep_sine(z):
    """sin 2z, far from linear: mu1_sq = 0.15."""
    return np.sin(2 * z)


RIDGES = np.array([0.0, 0.05, 0.3, 2.0])
CASES = [
    # activation, teacher, psi1, psi2, noise_std; psi2 < psi1 in three of them
    ("tanh", "relu", 4.0, 2.0, 0.25),
    ("tanh", "relu", 2.0, 5.0, 0.25),
    ("erf", "tanh", 1.0, 3.0, 0.1),
    ("sin", "softplus", 2.0, 0.5, 0.5),
    (steep_sine, "sign", 1.5, 0.5, 0.3),
    ("tanh", "step", 0.5, 1.5, 0.0),
]
DIMENSION, TRIALS = 50, 200
COMPARISONS = len(CASES) * (len(RIDGES) + len(RIDGES) - 1)  # a risk and, for ridge > 0, a trace


def bound(comparisons: int = COMPARISONS, level: float = 1e-3) -> float:
    """|z| that all comparisons together exceed with this probability (Sidak), z a Student variable."""
    from scipy.stats import t

    one = 1 - (1 - level) ** (1 / comparisons)
    return float(t.ppf(1 - one / 2, df=TRIALS - 1))


def mean_and_error(values) -> tuple:
    return values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(len(values))


def extrapolated(small, large) -> tuple:
    """Mean and standard error of 2 m(2d) - m(d)."""
    (mean, error), (mean2, error2) = mean_and_error(small), mean_and_error(large)
    return 2 * mean2 - mean, np.hypot(2 * error2, error)


@cache
def run(case, d: int, penalty: str) -> Simulation:
    """One case at dimension d; the penalty is n ridge |a|^2, or, "as printed", ridge |a|^2."""
    activation, teacher, psi1, psi2, noise_std = case
    rng = np.random.default_rng([d, CASES.index(case)])
    ridges = RIDGES / round(psi2 * d) if penalty == "as printed" else RIDGES
    return simulate(
        activation, teacher, psi1, psi2, ridges, d=d, noise_std=noise_std, trials=TRIALS, rng=rng,
        test_samples=500,
    )  # fmt: skip


def theory(case, ridges) -> tuple:
    """(risks, m1) of the limit; the interpolator is the limit of ridge -> 0+."""
    activation, teacher, psi1, psi2, noise_std = case
    mu1_sq, teacher_mu1_sq = moments(activation).mu1_sq, moments(teacher).mu1_sq
    ridges = np.maximum(ridges, 1e-10)
    risks = [risk_reference(z, psi1, psi2, mu1_sq, teacher_mu1_sq, noise_std**2, dps=15) for z in ridges]
    m1 = [stieltjes_reference(z, psi1, psi2, mu1_sq, dps=15)[0] for z in ridges]
    return np.array(risks, dtype=float), np.array(m1, dtype=float)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[2]}-{case[3]}-{case[1]}")
def pair(request):
    """One case simulated at d and at 2 d."""
    return request.param, *(run(request.param, d, "n ridge") for d in (DIMENSION, 2 * DIMENSION))


def test_law_risk_tends_to_the_theory(pair):
    case, small, large = pair
    found, error = extrapolated(small.risks, large.risks)
    z = (found - theory(case, RIDGES)[0]) / error
    assert np.abs(z).max() < bound()
    # power: whatever is wrong by bound() * 3 % = 13 % is rejected at every ridge, most of it at 5 %
    assert (error / found).max() < 0.03


def test_law_trace_tends_to_m1(pair):
    case, small, large = pair
    found, error = extrapolated(small.traces[:, 1:], large.traces[:, 1:])
    m1 = theory(case, RIDGES[1:])[1]
    z = (found - m1) / np.hypot(error, 4 * m1 / DIMENSION**2)  # what Richardson leaves is a few m1/d^2
    assert np.abs(z).max() < bound()
    assert (error / m1).max() < 0.01


def test_m2_is_the_trace_with_the_inputs():
    """m2 = tr (K + ridge)^-1 X X^T / (d N), written out: it says what K and the ridge are, as m1 does."""
    case, ridge = CASES[0], 0.3
    _, _, psi1, psi2, _ = case
    mu1_sq, sd = moments("tanh").mu1_sq, moments("tanh").variance ** 0.5

    def trace(d: int, rng) -> float:
        x = rng.standard_normal((round(psi1 * d), d))
        features = np.tanh(x @ rng.standard_normal((d, round(psi2 * d))) / math.sqrt(d)) / sd
        kernel = features @ features.T / features.shape[1]
        inverse_x = np.linalg.solve(kernel + ridge * np.eye(len(x)), x)
        return float(np.sum(inverse_x * x)) / (d * len(x))

    small, large = (np.array([trace(d, rng) for rng in np.random.default_rng(d).spawn(40)]) for d in (30, 60))
    found, error = extrapolated(small, large)
    m2 = float(stieltjes_reference(ridge, psi1, psi2, mu1_sq)[1])
    assert abs(found - m2) < 4 * np.hypot(error, 4 * m2 / 30**2)
    assert error < 0.01 * m2


def test_the_bias_is_of_order_one_over_d():
    """The trace has little noise, so that its bias is seen: it halves from d to 2 d and again to 4 d."""
    case = CASES[0]
    m1 = theory(case, RIDGES[1:])[1]
    runs = [run(case, d, "n ridge") for d in (DIMENSION // 2, DIMENSION, 2 * DIMENSION)]
    bias = [found.traces[:, 1:].mean(axis=0) / m1 - 1 for found in runs]
    for one, half in pairwise(bias):
        np.testing.assert_allclose(half / one, 0.5, atol=0.15)  # noise of the biases: 10 % of them


@pytest.mark.parametrize(
    "mutation", ["printed penalty", "psi1 and psi2 swapped", "noise forgotten", "teacher taken as linear"]
)
def test_a_wrong_theory_is_rejected(mutation):
    """Among them the paper's penalty, ridge |a|^2 in place of n ridge |a|^2."""
    case, wrong, forgotten = CASES[0], CASES[0], 0.0
    if mutation == "psi1 and psi2 swapped":
        wrong = (*case[:2], case[3], case[2], case[4])
    elif mutation == "teacher taken as linear":
        wrong = (case[0], "linear", *case[2:])
    elif mutation == "noise forgotten":
        forgotten = case[4] ** 2
    penalty = "as printed" if mutation == "printed penalty" else "n ridge"
    small, large = (run(case, d, penalty) for d in (DIMENSION, 2 * DIMENSION))
    found, error = extrapolated(small.risks, large.risks)
    z = (found - theory(wrong, RIDGES)[0] + forgotten) / error
    assert np.abs(z).max() > 1.5 * bound()


def problem(samples: int, width: int, rank: int | None = None) -> tuple:
    rng = np.random.default_rng([samples, width])
    features = np.tanh(rng.standard_normal((samples, 30)) @ rng.standard_normal((30, width)) / 5)
    if rank is not None:
        features = rng.standard_normal((samples, rank)) @ rng.standard_normal((rank, width))
    return features, rng.standard_normal(samples), rng.standard_normal((7, width))


@pytest.mark.parametrize(("samples", "width"), [(40, 25), (25, 40), (30, 30), (1, 3), (3, 1)])
@pytest.mark.parametrize("ridge", [1e-12, 1e-6, 0.1, 1e8])
def test_predictions_and_traces_by_direct_solves(samples, width, ridge):
    features, labels, tests = problem(samples, width)
    predictions, traces = ridge_predictions(features, labels, tests, np.array([ridge]))
    # for a small ridge as a least-squares problem, which does not square the condition number
    if ridge < 1:
        stacked = np.vstack([features, math.sqrt(width * ridge) * np.eye(width)])
        weights = np.linalg.lstsq(stacked, np.concatenate([labels, np.zeros(width)]), rcond=None)[0]
    else:  # where a large ridge swamps the features in the stack
        gram = features.T @ features + width * ridge * np.eye(width)
        weights = np.linalg.solve(gram, features.T @ labels)
    eigenvalues = np.linalg.svd(features, compute_uv=False) ** 2 / width
    # errors are eps times the condition number of the Gram matrix plus ridge
    tolerance = 100 * np.finfo(float).eps * (eigenvalues[0] + ridge) / (eigenvalues[-1] + ridge)
    assert np.abs(predictions[:, 0] - tests @ weights).max() < tolerance * np.abs(tests @ weights).max()
    trace = (np.sum(1 / (eigenvalues + ridge)) + max(0, samples - width) / ridge) / samples
    assert traces[0] == pytest.approx(trace, rel=tolerance)


@pytest.mark.parametrize(("samples", "width"), [(40, 25), (25, 40)])
@pytest.mark.parametrize("rank", [None, 10])
def test_ridge_zero_is_the_pseudo_inverse(samples, width, rank):
    features, labels, tests = problem(samples, width, rank)
    predictions, traces = ridge_predictions(features, labels, tests, np.array([0.0, 1e-13]))
    expected = tests @ np.linalg.pinv(features, rcond=1e-7) @ labels
    np.testing.assert_allclose(predictions[:, 0], expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(predictions[:, 1], expected, rtol=1e-6, atol=1e-6)  # null directions stay out
    assert (traces[0] == math.inf) == (min(samples, width if rank is None else rank) < samples)
    if rank is None and samples < width:
        fitted = ridge_predictions(features, labels, features, np.array([0.0]))[0][:, 0]
        np.testing.assert_allclose(fitted, labels, rtol=1e-9)


def test_law_risk_is_at_least_the_noise_and_tends_to_the_null_estimator():
    found = simulate("tanh", "relu", 2, 3, [0.0, 1e-3, 1.0, 1e12], d=20, noise_std=0.7, trials=30,
                     rng=np.random.default_rng(5))  # fmt: skip
    assert np.all(found.risks > 0.49)
    assert abs(found.risk[-1] - 1.49) < 5 * found.standard_error[-1]
    assert np.all(np.diff(found.traces, axis=1) < 0)


def test_law_affine_maps_of_the_functions_do_not_matter():
    def go(activation, teacher):
        return simulate(activation, teacher, 2, 3, [0.0, 0.1], d=12, noise_std=0.1, trials=3,
                        rng=np.random.default_rng(7)).risks  # fmt: skip

    shifted = go(lambda z: 3 * np.tanh(z) + 2, lambda z: -1 + 0.2 * np.maximum(z, 0))
    np.testing.assert_allclose(shifted, go("tanh", "relu"), rtol=1e-7)  # condition of the interpolator: 1e5
    np.testing.assert_allclose(go(math.tanh, "relu"), go("tanh", "relu"), rtol=1e-9)


def test_sampled_label_noise_has_the_same_mean_and_more_variance():
    exact, sampled = (
        simulate("tanh", "relu", 2, 3, 0.1, d=10, noise_std=2.0, trials=200, test_samples=20,
                 rng=np.random.default_rng(3), sample_noise=sample_noise)
        for sample_noise in (False, True)
    )  # fmt: skip
    difference, error = mean_and_error(exact.risks - sampled.risks)  # the trials are paired
    assert 0 < abs(difference) < 4 * error
    assert sampled.standard_error > exact.standard_error


def test_shapes_and_records():
    ridges = np.array([[0.1, 0.2, 0.3]])
    found = simulate("tanh", "relu", 0.74, 1.26, ridges, d=10, noise_std=0, trials=4,
                     rng=np.random.default_rng(0))  # fmt: skip
    assert (found.samples, found.width, found.dimension, found.trials) == (7, 13, 10, 4)
    assert found.risk.shape == found.standard_error.shape == found.ridge.shape == (1, 3)
    assert found.risks.shape == found.traces.shape == (4, 1, 3)
    np.testing.assert_array_equal(found.risk, found.risks.mean(axis=0))
    scalar = simulate("tanh", "relu", 0.74, 1.26, 0.2, d=10, noise_std=0, trials=4,
                      rng=np.random.default_rng(0))  # fmt: skip
    assert scalar.risk.shape == ()
    assert float(scalar.risk) == pytest.approx(float(found.risk[0, 1]), rel=1e-12)


GOOD = {"psi1": 2, "psi2": 3, "ridge": 0.1, "d": 10, "noise_std": 0.1, "trials": 2, "rng": None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psi2": math.inf}, "psi2 = inf.*a simulation needs a finite width"),
        ({"psi1": 0}, "psi1 = 0"),
        ({"psi1": math.nan}, "psi1 = nan"),
        ({"psi2": 0.01}, r"psi2 \* d.*take a larger d"),
        ({"ridge": -0.1}, "ridge = -0.1"),
        ({"ridge": [0.1, math.nan]}, "ridge = nan"),
        ({"ridge": math.inf}, "ridge = inf"),
        ({"ridge": "a"}, "ridge = 'a' .*numbers in"),
        ({"psi1": "1"}, "psi1 = '1' .*a number in"),
        ({"psi2": None}, "psi2 = None .*a number in"),
        ({"noise_std": "1"}, "noise_std = '1' .*a number in"),
        ({"d": 0}, "d = 0"),
        ({"d": True}, "d = True"),
        ({"d": 2.5}, "d = 2.5"),
        ({"noise_std": -1}, "noise_std = -1"),
        ({"noise_std": math.inf}, "noise_std = inf"),
        ({"trials": 1}, "trials = 1"),
        ({"test_samples": 1}, "test_samples = 1"),
        ({"rng": 0}, "rng = 0 .*default_rng"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = GOOD | {"rng": np.random.default_rng(0)} | change
    with pytest.raises(DomainError, match=message):
        simulate("tanh", "relu", **arguments)


def test_a_function_that_breaks_down_on_the_samples_is_named():
    def pole_in_arrays(z):
        return z if np.ndim(z) == 0 else np.where(z > 3, np.inf, z)  # its moments are those of z

    with pytest.raises(DomainError, match="finite at every sample"):
        simulate(pole_in_arrays, "tanh", **GOOD | {"d": 40, "rng": np.random.default_rng(0)})
