"""The random-features ridge estimator itself, at finite size: what the theory's curves are checked against.

Features F = sigma(X W), N x n, of N samples x ~ N(0, I_d); labels from a single-index teacher; test risk on
fresh samples. Source: 2512.22768, Sec. 3.2 and App. B.4, with one correction, the penalty (see `simulate`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.random_features.assumptions import Function
from hptheory.random_features.functions import ScalarFunction, scalar_function
from hptheory.random_features.moments import Moments, moments

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Simulation:
    """Test risks of the estimator, over independent trials, at each ridge.

    ``risk`` (mean over trials) and ``standard_error`` have the shape of ``ridge``; ``risks`` and ``traces``
    have the trials in front. A trace is tr (K + ridge)^-1 / samples with K = F F^T / width, the finite-size
    m1. Compare with the theory at psi1 = samples / dimension and psi2 = width / dimension: sizes are
    rounded to whole numbers.
    """

    ridge: Floats
    risk: Floats
    standard_error: Floats
    trials: int
    risks: Floats
    traces: Floats
    dimension: int
    samples: int
    width: int


def simulate(
    activation: Function,
    teacher: Function,
    psi1: float,
    psi2: float,
    ridge: ArrayLike,
    *,
    d: int,
    noise_std: float,
    trials: int,
    rng: np.random.Generator,
    test_samples: int = 2000,
    sample_noise: bool = False,
) -> Simulation:
    """Test risks of the finite-size estimator with ``psi1 d`` samples and width ``psi2 d``, at each ridge.

    f(x) = <a, sigma(W^T x)>, a = argmin sum_i (y_i - f(x_i))^2 + n ridge |a|^2, y = sigma*(<x, beta>) +
    noise_std eps, with x ~ N(0, I_d), W_ij ~ N(0, 1/d), |beta| = 1; sigma and sigma* are centred and
    normalised first.

    Source: 2512.22768, App. B.4, except for the penalty: the paper prints ridge |a|^2. The ridge of its
    equations (9), (10) multiplies **n |a|^2**: they hold for the resolvent of K = F F^T / n, whose traces
    m1 = tr (K + ridge)^-1 / N and m2 = tr (K + ridge)^-1 X X^T / (d N) satisfy T2, ridge m1 + mu2^2 m1 +
    mu1^2 m2 = 1, in the limit of large width, where K -> mu1^2 X X^T / d + mu2^2 I. F F^T has no such
    limit. (The printed penalty goes with features sigma(W^T x) / sqrt(n).)

    ``ridge``: a scalar or an array, in [0, inf); 0 is the least-norm interpolator or least-squares
    solution. The other domains: psi1, psi2 in (0, inf) with at least one sample and one feature, noise_std
    >= 0, d >= 1, trials >= 2, test_samples >= 2; else `DomainError`. Assumption 2 is not checked: the
    estimator exists without it. The test risk includes the label noise, by its exact variance;
    ``sample_noise=True`` draws noisy test labels. Trials are independent, each with a child of ``rng``, so
    that two calls with equal seeds are paired.

    *Laws*: risk >= noise_std^2; -> 1 + noise_std^2 as ridge -> infinity; a sigma + b gives the risks of
    sigma; a trace falls with the ridge; risk and trace -> theory as d -> infinity.

    >>> rng = np.random.default_rng(1)
    >>> few = simulate("tanh", "relu", 2, 3, [0.1, 1e9], d=30, noise_std=0.5, trials=8, rng=rng)
    >>> few.risk.shape, few.risks.shape, bool(np.all(few.risk > 0.25))
    ((2,), (8, 2), True)
    >>> bool(abs(few.risk[1] - 1.25) < 4 * few.standard_error[1])
    True
    """
    ridges = _check_ridge(ridge)
    _check(psi1, psi2, d, noise_std, trials, test_samples, rng)
    student, target = (_Normalised(f, moments(f)) for f in map(scalar_function, (activation, teacher)))
    problem = _Problem(
        student=student,
        teacher=target,
        dimension=d,
        samples=round(psi1 * d),
        width=round(psi2 * d),
        noise_std=float(noise_std),
        test_samples=test_samples,
        sample_noise=sample_noise,
    )
    outcomes = [problem.trial(ridges.ravel(), child) for child in rng.spawn(trials)]
    risks, traces = (np.array(part).reshape(trials, *ridges.shape) for part in zip(*outcomes, strict=True))
    return Simulation(
        ridge=ridges,
        risk=risks.mean(axis=0),
        standard_error=risks.std(axis=0, ddof=1) / math.sqrt(trials),
        trials=trials,
        risks=risks,
        traces=traces,
        dimension=problem.dimension,
        samples=problem.samples,
        width=problem.width,
    )


def ridge_predictions(
    features: Floats, labels: Floats, test_features: Floats, ridge: Floats
) -> tuple[Floats, Floats]:
    """Test predictions [test, ridge] and traces tr (F F^T / n + ridge)^-1 / N [ridge], all from one eigh.

    features F: [N, n]; labels: [N]; test_features: [test, n]; ridge: [ridge], >= 0. The smaller of F F^T /
    n and F^T F / n is decomposed. Eigenvalues at rounding level count as zero: there F has no component, so
    that they add nothing to a prediction, and at ridge = 0 the solution is that of the pseudo-inverse.

    >>> F, y = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 2.0, 3.0])
    >>> predictions, traces = ridge_predictions(F, y, np.eye(2), np.array([0.5]))
    >>> np.allclose(predictions[:, 0], np.linalg.solve(F.T @ F + 2 * 0.5 * np.eye(2), F.T @ y))
    True
    >>> np.allclose(traces, np.trace(np.linalg.inv(F @ F.T / 2 + 0.5 * np.eye(3))) / 3)
    True
    """
    samples, width = features.shape
    if width <= samples:
        values, vectors = np.linalg.eigh(features.T @ features / width)
        targets = vectors.T @ (features.T @ labels) / width
        basis = test_features @ vectors
    else:
        values, vectors = np.linalg.eigh(features @ features.T / width)
        targets = vectors.T @ labels
        basis = test_features @ (features.T @ vectors) / width
    seen = values > max(samples, width) * np.finfo(float).eps * values[-1]
    weights = 1 / (values[seen, None] + ridge)
    with np.errstate(divide="ignore"):  # ridge = 0: the trace is infinite where K is singular
        unseen = (samples - seen.sum()) / ridge if seen.sum() < samples else 0.0
    return basis[:, seen] @ (targets[seen, None] * weights), (weights.sum(axis=0) + unseen) / samples


@dataclass(frozen=True)
class _Normalised:
    """A function, centred and normalised over a standard normal variable."""

    function: ScalarFunction
    moments: Moments

    def __call__(self, z: Floats) -> Floats:
        values = self.moments.normalise(self.function(z))
        if not np.isfinite(values).all():
            raise DomainError("values of the function", self.function.name, "finite at every sample")
        return values


@dataclass(frozen=True)
class _Problem:
    """Everything that stays the same from trial to trial."""

    student: _Normalised
    teacher: _Normalised
    dimension: int
    samples: int
    width: int
    noise_std: float
    test_samples: int
    sample_noise: bool

    def trial(self, ridges: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """(Test risks, traces) of one draw of everything, each [ridge]."""
        beta = rng.standard_normal(self.dimension)
        beta /= np.linalg.norm(beta)
        weights = rng.standard_normal((self.dimension, self.width)) / math.sqrt(self.dimension)
        features, signal = self._draw(self.samples, weights, beta, rng)
        test_features, test_signal = self._draw(self.test_samples, weights, beta, rng)
        labels = signal + self.noise_std * rng.standard_normal(self.samples)
        predictions, traces = ridge_predictions(features, labels, test_features, ridges)
        if self.sample_noise:
            noisy = test_signal + self.noise_std * rng.standard_normal(self.test_samples)
            return np.mean((noisy[:, None] - predictions) ** 2, axis=0), traces
        return np.mean((test_signal[:, None] - predictions) ** 2, axis=0) + self.noise_std**2, traces

    def _draw(
        self, count: int, weights: Floats, beta: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        x = rng.standard_normal((count, self.dimension))
        return self.student(x @ weights), self.teacher(x @ beta)


def _check_ridge(ridge: ArrayLike) -> Floats:
    try:
        ridges = np.asarray(ridge, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise DomainError("ridge", repr(ridge), "a number or an array of numbers in [0, inf)") from None
    for value in ridges.ravel():
        if not 0 <= value < math.inf:
            raise DomainError("ridge", value, "in [0, inf)")
    return ridges


def _check(
    psi1: float, psi2: float, d: int, noise_std: float, trials: int, test_samples: int, rng: Any
) -> None:
    for name, count, least in (("d", d, 1), ("trials", trials, 2), ("test_samples", test_samples, 2)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
            raise DomainError(name, count, f"a whole number, at least {least}")
    for name, ratio in (("psi1", psi1), ("psi2", psi2)):
        if not isinstance(ratio, Real):
            raise DomainError(name, repr(ratio), "a number in (0, inf)")
        if not 0 < ratio < math.inf:
            advice = "a simulation needs a finite width; the theory takes inf" if ratio == math.inf else ""
            raise DomainError(name, ratio, "in (0, inf)", advice)
        if round(ratio * d) < 1:
            raise DomainError(f"{name} * d", ratio * d, "at least 1 when rounded", "take a larger d")
    if not isinstance(noise_std, Real) or not 0 <= noise_std < math.inf:
        raise DomainError("noise_std", repr(noise_std), "a number in [0, inf)")
    if not isinstance(rng, np.random.Generator):
        raise DomainError("rng", rng, "a numpy.random.Generator", "for example numpy.random.default_rng(0)")
