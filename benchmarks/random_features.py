"""Speed and accuracy of the random-features theory over the whole box of parameters.

The box: psi1 in [1e-3, 1e3], psi2 in [1e-2, 1e6] and infinity, ridge in [1e-12, 1e8], mu1_sq in [1e-6, 1 -
1e-6], each spread evenly over decades, with near-ties of psi1 and psi2 mixed in.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import mpmath
import numpy as np

from benchmarks.harness import Row, cpu_seconds
from hptheory.random_features import RandomFeatures

SEED = 20251228


def _model(rng: np.random.Generator) -> RandomFeatures:
    small = 10 ** rng.uniform(-6, math.log10(0.5))
    return RandomFeatures(
        psi1=float(10 ** rng.uniform(-3, 3)),
        mu1_sq=float(small if rng.random() < 0.5 else 1 - small),
        teacher_mu1_sq=float(rng.uniform(0.01, 0.99)),
        noise_var=float(rng.choice([0.0, 1e-3, 0.1, 10.0])),
    )


def _widths(rng: np.random.Generator, psi1: float, size: int) -> np.ndarray:
    psi2 = 10 ** rng.uniform(-2, 6, size)
    tie = rng.random(size) < 0.05
    psi2[tie] = np.clip(psi1 * (1 + 10 ** rng.uniform(-15, -1, tie.sum())), 1e-2, 1e6)
    psi2[rng.random(size) < 0.05] = math.inf
    return psi2


def _root_point_by_point(rf: RandomFeatures, ridge: np.ndarray, psi2: np.ndarray) -> int:
    """Solve (9), (10) by scipy.optimize.root at each point, from the solution of infinite width.

    Returns how many solves failed.
    """
    from scipy.optimize import root

    u, v = rf.mu1_sq, 1 - rf.mu1_sq
    failed = 0
    for z, p2 in zip(ridge, psi2, strict=True):

        def equations(m: np.ndarray, z: float = z, p2: float = p2) -> list[float]:
            m1, m2 = m
            tail = u * m1 * m2 * (z * m1 - 1)
            nine = (m1 - m2) * (v * m1 + u * m2) / rf.psi1 + tail
            ten = p2 / rf.psi1 * (u * m1 * m2 + (m2 - m1) / rf.psi1) + tail
            return [nine, ten]

        start = 1 / (1 + z)
        failed += not root(equations, [start, start / (1 + rf.psi1 * u * start)]).success
    return failed


def throughput() -> Iterator[Row]:
    """Risks a second, against scipy.optimize.root point by point."""
    rng = np.random.default_rng(SEED)
    ours = theirs = failed = 0.0
    models, points, few = 12, 300_000, 60
    for _ in range(models):
        rf = _model(rng)
        ridge, psi2 = 10 ** rng.uniform(-12, 8, points), _widths(rng, rf.psi1, points)
        ours += cpu_seconds(lambda rf=rf, ridge=ridge, psi2=psi2: rf.risk(ridge, psi2), repeats=3)
        finite = np.where(np.isinf(psi2[:few]), 1e6, psi2[:few])
        start = time.process_time()
        with np.errstate(all="ignore"):
            failed += _root_point_by_point(rf, ridge[:few], finite)
        theirs += time.process_time() - start
    rate, their_rate = models * points / ours, models * few / theirs
    yield Row(
        "risks a second",
        f"{rate:.3g}",
        f"scipy root: {their_rate:.3g} ({failed / models / few:.0%} fail)",
        f"{rate / their_rate:.0f}x",
        ">= 6e6",
        rate >= 6e6,
    )


def optimum_throughput() -> Iterator[Row]:
    """Optimal ridges a second, against a bounded scalar minimisation of the same risk."""
    from scipy.optimize import minimize_scalar

    rng = np.random.default_rng(SEED)
    ours = theirs = 0.0
    models, points, few = 8, 20_000, 20
    for _ in range(models):
        rf = _model(rng)
        psi2 = 10 ** rng.uniform(-2, 6, points)
        ours += cpu_seconds(lambda rf=rf, psi2=psi2: rf.optimal_ridge(psi2), repeats=3)
        start = time.process_time()
        for p2 in psi2[:few]:
            minimize_scalar(
                lambda x, rf=rf, p2=p2: rf.risk(math.exp(x), p2),
                bounds=(-30, 20),
                method="bounded",
                options={"xatol": 1e-8},
            )
        theirs += time.process_time() - start
    rate, their_rate = models * points / ours, models * few / theirs
    yield Row(
        "optimal ridges a second",
        f"{rate:.3g}",
        f"minimize_scalar: {their_rate:.3g}",
        f"{rate / their_rate:.0f}x",
        ">= 1e4",
        rate >= 1e4,
    )


def accuracy(points: int = 1500) -> Iterator[Row]:
    """Largest relative error of the float64 path over the box, against 30 digits."""
    rng = np.random.default_rng(SEED + 1)
    worst = dict.fromkeys(("m1", "m2", "m1'", "m2'", "risk", "optimal ridge", "optimal risk"), 0.0)
    for _ in range(points):
        rf = _model(rng)
        ridge, psi2 = float(10 ** rng.uniform(-12, 8)), float(_widths(rng, rf.psi1, 1)[0])
        found = (
            *rf.stieltjes(ridge, psi2),
            *rf.stieltjes_derivative(ridge, psi2),
            rf.risk(ridge, psi2),
            rf.optimal_ridge(psi2, negative_ridge=True),
            rf.optimal_risk(psi2, negative_ridge=True),
        )
        exact = (
            *rf.stieltjes(ridge, psi2, precision=30),
            *rf.stieltjes_derivative(ridge, psi2, precision=30),
            rf.risk(ridge, psi2, precision=30),
            rf.optimal_ridge(psi2, negative_ridge=True, precision=30),
            rf.optimal_risk(psi2, negative_ridge=True, precision=30),
        )
        with mpmath.workdps(40):
            for name, one, other in zip(worst, found, exact, strict=True):
                worst[name] = max(worst[name], float(abs(mpmath.mpf(one) / other - 1)))
    for name, error in worst.items():
        yield Row(f"relative error of {name}", f"{error:.1e}", "30 digits", "", "<= 1e-12", error <= 1e-12)


def gap_accuracy(points: int = 150) -> Iterator[Row]:
    """Largest relative error of the gaps up to psi2 = 1e10, against 150 digits; and of plain subtraction."""
    rng = np.random.default_rng(SEED + 2)
    worst = naive = 0.0
    while points:
        rf, psi2 = _model(rng), float(10 ** rng.uniform(0, 10))
        if rf.optimal_ridge(negative_ridge=True) <= 0:
            continue
        points -= 1
        found, exact = rf.gaps(psi2), rf.gaps(psi2, precision=40)
        subtracted = rf.risk(rf.optimal_ridge(psi2)) - rf.optimal_risk()
        for one, other in zip(
            (found.loss, found.hyperparameter, found.suboptimality),
            (exact.loss, exact.hyperparameter, exact.suboptimality),
            strict=True,
        ):
            worst = max(worst, float(abs(one / other - 1)))
        naive = max(naive, float(abs(subtracted / exact.suboptimality - 1)))
    yield Row(
        "relative error of a_n, b_n, c_n to psi2 = 1e10",
        f"{worst:.1e}",
        f"subtraction: {naive:.1e}",
        "",
        "<= 1e-8",
        worst <= 1e-8,
    )


def digits() -> Iterator[Row]:
    """50 digits of the optimal ridge, and the coefficients to order 8, numerically and exactly."""
    rng = np.random.default_rng(SEED + 3)
    models = [_model(rng) for _ in range(40)]
    widths = [float(10 ** rng.uniform(-2, 6)) for _ in models]
    times = []
    for rf, psi2 in zip(models, widths, strict=True):
        start = time.process_time()
        rf.optimal_ridge(psi2, negative_ridge=True, precision=50)
        times.append(time.process_time() - start)
    median, longest = np.median(times), max(times)
    float_time = cpu_seconds(lambda: models[0].optimal_ridge(widths[0]))
    yield Row(
        "50 digits of an optimal ridge, median (longest)",
        f"{1e3 * median:.1f} ({1e3 * longest:.1f}) ms",
        f"one in floats: {1e3 * float_time:.1f} ms",
        f"{median / float_time:.1f}x",
        "< 10 ms",
        bool(median < 10e-3),
    )
    rf = RandomFeatures(psi1="4", mu1_sq="0.93", teacher_mu1_sq="0.73", noise_var="0.0625")
    numeric = cpu_seconds(lambda: rf.large_width(8), repeats=3)
    exact = cpu_seconds(lambda: rf.large_width(8, exact=True), repeats=3)
    yield Row(
        "coefficients to order 8, exact rational",
        f"{exact:.2f} s",
        f"numeric: {numeric:.2f} s",
        f"{exact / numeric:.1f}x",
        "< 2 s both",
        exact < 2 and numeric < 2,
    )


def rows() -> Iterator[Row]:
    """All rows of this file."""
    for part in (throughput, optimum_throughput, digits, accuracy, gap_accuracy):
        yield from part()
