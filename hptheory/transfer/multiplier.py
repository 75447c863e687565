"""Compute multipliers: how much more compute one optimizer needs than another for the same loss.

With fitted curves loss_a(C), loss_b(C), the multiplier of a over b at b's compute C is m = C / C_a, where
loss_a(C_a) = loss_b(C): above 1, a is the better one. Source: 2512.05620, which reports about 1.4 for matrix
preconditioned optimizers over AdamW.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError
from hptheory.transfer.curve_draws import draw_power_laws

if TYPE_CHECKING:
    from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]
_PERCENTILES = (50.0, 5.0, 95.0)
_EXPONENTS = np.linspace(0.02, 2.0, 199)


@dataclass(frozen=True, eq=False)
class LossCurve:
    """Draws of a loss-compute curve, loss = limit + amplitude * compute**-exponent, and its measured range.

    ``limit``, ``amplitude``, ``exponent`` are arrays ``[draws]``; ``measured`` is (least, largest) compute.

    Domain: amplitude, exponent > 0; 0 < least < largest; else ``DomainError``.

    >>> curve = LossCurve([2.0], [4.0], [0.5], measured=(1.0, 100.0))
    >>> float(curve.loss(16.0)[0]), float(curve.compute([3.0])[0])
    (3.0, 16.0)
    """

    limit: Floats
    amplitude: Floats
    exponent: Floats
    measured: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("limit", "amplitude", "exponent"):
            values = np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float64))
            object.__setattr__(self, name, values)
            if not np.isfinite(values).all() or (name != "limit" and not (values > 0).all()):
                bound = "finite" if name == "limit" else "finite and > 0"
                raise DomainError(name, values[int(np.argmin(values))], bound)
        if not self.limit.shape == self.amplitude.shape == self.exponent.shape:
            shapes = [len(self.limit), len(self.amplitude), len(self.exponent)]
            raise DomainError("number of draws", shapes, "the same for every parameter")
        if not 0 < self.measured[0] < self.measured[1] < math.inf:
            raise DomainError("measured", self.measured, "a rising pair of positive numbers")

    def loss(self, compute: ArrayLike) -> Floats:
        """The loss at one compute (or one per draw), ``[draws]``."""
        return self.limit + self.amplitude * np.asarray(compute, dtype=np.float64) ** -self.exponent

    def compute(self, loss: ArrayLike) -> Floats:
        """The compute that reaches a loss (one, or one per draw), ``[draws]``; inf at or below the limit."""
        excess = (np.asarray(loss, dtype=np.float64) - self.limit) / self.amplitude
        with np.errstate(divide="ignore"):
            return np.where(excess > 0, np.maximum(excess, 0.0) ** (-1 / self.exponent), np.inf)


@dataclass(frozen=True)
class Multiplier:
    """The multiplier of a over b at b's ``compute``, over the draws: median, 5th and 95th percentile.

    ``extrapolated``: the loss compared was reached by only one of the two within its measured range.
    """

    compute: float
    loss: float
    estimate: float
    low: float
    high: float
    extrapolated: bool


def fit_loss_curve(
    compute: ArrayLike, loss: ArrayLike, draws: int = 2000, rng: np.random.Generator | None = None
) -> LossCurve:
    """The loss-compute curve through measured points, as draws of its posterior (``curve_draws``).

    Points of one compute are repeats, and tell the noise; without repeats the misfit does. The noise is taken
    to be the same at every compute, the exponent to lie in [0.02, 2].

    Domain: losses finite; at least 3 different computes with repeats, or 4 without; a loss that falls with
    compute (in most draws; the others are left out); else ``DomainError``. ``rng`` defaults to a fixed seed.

    >>> compute = np.array([1.0, 4.0, 16.0, 64.0, 256.0])
    >>> curve = fit_loss_curve(compute, 2 + 4 * compute**-0.5)
    >>> bool(abs(curve.loss(100.0) - 2.4).max() < 0.01)
    True
    """
    c, y = (np.asarray(values, dtype=np.float64).ravel() for values in (compute, loss))
    if c.shape != y.shape or not np.isfinite(y).all():
        raise DomainError("loss", y.tolist(), f"{c.size} finite losses, one per compute")
    scale, which, count = np.unique(c, return_inverse=True, return_counts=True)
    mean = np.bincount(which, y) / count
    df = int(np.sum(count - 1))
    variance = float(np.sum((y - mean[which]) ** 2)) / df if df else 1.0
    covariance = np.diag(max(variance, 1e-24 * float(y @ y)) / count)
    return draw_loss_curve(scale, mean, covariance, df, draws, rng or np.random.default_rng(0))


def draw_loss_curve(
    compute: Floats, loss: Floats, covariance: Floats, df: float, draws: int, rng: np.random.Generator
) -> LossCurve:
    """The curve through points with errors of a known covariance (up to a factor with df; 0: unknown)."""
    found = draw_power_laws(compute, loss, covariance, df, _EXPONENTS, draws, rng)
    falls = found.amplitude > 0
    if np.mean(falls) < 0.5:
        raise DomainError("loss", loss.tolist(), "falling with compute")
    ends = float(compute[0]), float(compute[-1])
    return LossCurve(found.limit[falls], found.amplitude[falls], found.exponent[falls], ends)


def compute_multiplier(
    curve_a: LossCurve | SweepTable,
    curve_b: LossCurve | SweepTable,
    compute: float | Sequence[float] | None = None,
) -> tuple[Multiplier, ...]:
    """C / C_a(C) with loss_a(C_a) = loss_b(C), at each of b's ``compute`` values.

    A sweep table stands for the curve of its optimal losses against the cost of one run, width by width.
    By default at the two ends and the (geometric) middle of the part of b's range whose losses a reached too.
    The two curves are taken to be measured apart: their draws are paired at random (unequal numbers are
    repeated in turn), unless both are one object. The multiplier is 0 where a never reaches b's loss.

    Domain: positive compute; without ``compute``, losses that overlap; else ``DomainError``.

    *Laws*: a curve against itself gives 1; a curve that does with C/m what b does with C gives m everywhere;
    swapping a and b gives the inverse, at the compute that has the same loss (of curves known exactly).

    >>> b = LossCurve([2.0], [4.0], [0.5], measured=(1.0, 100.0))
    >>> a = LossCurve([2.0], [4.0 / 1.4**0.5], [0.5], measured=(1.0, 100.0))
    >>> [round(found.estimate, 12) for found in compute_multiplier(a, b)]
    [1.4, 1.4, 1.4]
    """
    b = _curve(curve_b)
    # Draws of one seed share their errors, which would cancel in the ratio: one curve's are shuffled.
    a = b if curve_a is curve_b else _shuffled(_curve(curve_a))
    if compute is None:
        compute = _common_range(a, b)
    draws = max(len(a.limit), len(b.limit))
    a, b = _repeated(a, draws), _repeated(b, draws)
    return tuple(_at(a, b, float(c)) for c in np.atleast_1d(np.asarray(compute, dtype=np.float64)))


def _curve(source: LossCurve | SweepTable) -> LossCurve:
    if isinstance(source, LossCurve):
        return source
    from hptheory.transfer.sweep_costs import loss_curve_of  # the analysis of tables stands on this module

    return loss_curve_of(source)


def _at(a: LossCurve, b: LossCurve, compute: float) -> Multiplier:
    if not 0 < compute < math.inf:
        raise DomainError("compute", compute, "positive and finite")
    losses = b.loss(compute)
    ratios = compute / a.compute(losses)
    loss = float(np.median(losses))
    # The order statistics themselves: between 0 (out of reach) and a number nothing is interpolated.
    median, low, high = np.percentile(ratios, _PERCENTILES, method="closest_observation")
    within = _reached(a, loss) and b.measured[0] <= compute <= b.measured[1]
    return Multiplier(compute, loss, float(median), float(low), float(high), extrapolated=not within)


def _reached(curve: LossCurve, loss: float) -> bool:
    """Whether the loss lies between the (median) losses at the ends of the measured range, to rounding."""
    worst, best = _end_losses(curve)
    slack = 1e-9 * abs(loss)
    return best - slack <= loss <= worst + slack


def _end_losses(curve: LossCurve) -> tuple[float, float]:
    """The median losses at the ends of the measured range: the worst and the best."""
    least, largest = curve.measured
    return float(np.median(curve.loss(least))), float(np.median(curve.loss(largest)))


def _common_range(a: LossCurve, b: LossCurve) -> tuple[float, float, float]:
    """The ends and middle of b's compute range over which its median curve has losses that a reached."""
    (worst_a, best_a), (worst_b, best_b) = _end_losses(a), _end_losses(b)
    worst, best = min(worst_a, worst_b), max(best_a, best_b)
    if best >= worst:
        spans = f"[{best_a:.4g}, {worst_a:.4g}] and [{best_b:.4g}, {worst_b:.4g}]"
        raise DomainError("losses of the two curves", spans, "overlapping", "or give compute to extrapolate")
    low, high = (float(np.clip(np.median(b.compute(loss)), *b.measured)) for loss in (worst, best))
    return low, math.sqrt(low * high), high


def _shuffled(curve: LossCurve) -> LossCurve:
    return _taken(curve, np.random.default_rng(0).permutation(len(curve.limit)))


def _repeated(curve: LossCurve, draws: int) -> LossCurve:
    return _taken(curve, np.arange(draws) % len(curve.limit))


def _taken(curve: LossCurve, take: NDArray[np.intp]) -> LossCurve:
    return LossCurve(curve.limit[take], curve.amplitude[take], curve.exponent[take], curve.measured)
