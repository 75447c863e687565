"""Synthetic sweeps with known limits and exponents, for the calibration and for the tests of the analysis.

phi_n(x) = 0.3 N^-alpha + shape(x - B N^-beta), N = width / 128, x = ln HP on 9
points in [-1.5, 1.5]; the noise is Gaussian.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer import SweepTable

Floats = NDArray[np.float64]
Shape = Callable[[Floats], Floats]
WIDTHS = np.array([128.0, 256.0, 512.0, 1024.0, 2048.0])
GRID = np.linspace(-1.5, 1.5, 9)
LOSS_GAP = 0.3


def parabola(z: Floats) -> Floats:
    """z^2 / 2."""
    return z**2 / 2


def lopsided(z: Floats) -> Floats:
    """e^z - 1 - z: curvature 1 at the minimum, steep to the right as losses against learning rates are; no
    polynomial."""
    return np.exp(z) - 1 - z


def sweep(
    alpha: float = 0.5,
    beta: float = 1.0,
    amplitude: float = 1.0,
    noise: float | Floats = 0.005,
    rng: int | np.random.Generator = 0,
    shape: Shape = parabola,
    widths: Floats = WIDTHS,
    grid: Floats = GRID,
    seeds: int = 3,
    position: Shape | None = None,
) -> SweepTable:
    """One sweep; `noise` is the standard deviation of a run (per width), `position` replaces B N^-beta."""
    n = widths / WIDTHS[0]
    centre = amplitude * n**-beta if position is None else position(n)
    clean = LOSS_GAP * n[:, None] ** -alpha + shape(grid[None, :] - centre[:, None])
    errors = np.random.default_rng(rng).standard_normal((widths.size, grid.size, seeds))
    loss = clean[:, :, None] + np.broadcast_to(noise, widths.shape)[:, None, None] * errors
    width, lr, seed = np.meshgrid(widths, np.exp(grid), np.arange(seeds), indexing="ij")
    columns = {"width": width.ravel(), "lr": lr.ravel(), "seed": seed.ravel(), "loss": loss.ravel()}
    return SweepTable.from_columns(columns, source="synthetic sweep")
