"""Seeds that ran some cells of a width only: their lifts and tilts by least squares on the runs present.

A run's loss is cell + lift of its seed + tilt of its seed times the cell's place + noise. A plain mean of a
cell holds the lifts of the seeds that happened to run there, so cells with other seeds stand on another
level. Best linear unbiased prediction takes that out: the seeds' effects are shrunk as far as noise hides
them, and sum to 0 over the seeds (Henderson, Biometrics 31, 1975). Where every seed ran every cell it changes
no mean, and the sums below have the closed form in `noise`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.curves import Curve

Floats = NDArray[np.float64]
DEPENDENT = 1e-9
"""Share of the largest eigenvalue, below which a contrast of seeds is none: the runs do not show it."""


def is_incomplete(curve: Curve) -> bool:
    """Whether some seed of the width did not run some cell."""
    return curve.blocks and curve.runs.shape[1] > 1 and bool(np.isnan(curve.runs).any())


@dataclass(frozen=True)
class BlockSums:
    """Squares that lifts (tilts) take out beside tilts (lifts) and cells, their df, and both together.

    `expected` is what a lift, or tilt, of variance 1 in units of `Noise` adds to its squares: df where every
    seed ran every cell, less where seeds share few.
    """

    together: float
    df: float
    squares: tuple[float, float]
    each_df: tuple[float, float]
    expected: tuple[float, float]


def block_sums(curve: Curve) -> BlockSums:
    """The sums of squares of seeds' lifts and tilts, in a width where some seeds did not run some cells.

    *Laws*: with all runs present, those of the closed form; unchanged when a seed's curve is lifted or tilted
    as far as `together` goes, which takes all of it.
    """
    system = _System.of(curve)
    gram, right, seeds = system.gram, system.right, curve.runs.shape[1]
    inverse, rank = _inverse(gram)
    together = float(right @ inverse @ right)
    squares, dfs, expected = [], [], []
    lifts, tilts = slice(seeds), slice(seeds, None)
    for own, other in ((lifts, tilts), (tilts, lifts)):
        without, others = _inverse(gram[other, other])
        squares.append(together - float(right[other] @ without @ right[other]))
        dfs.append(float(rank - others))
        left = gram[own, own] - gram[own, other] @ without @ gram[other, own]
        expected.append(float(np.trace(left)) / curve.x.size)
    return BlockSums(
        together,
        float(rank),
        (max(squares[0], 0.0), max(squares[1], 0.0)),
        (dfs[0], dfs[1]),
        (expected[0], expected[1]),
    )


def levelled(curve: Curve, lift: float, tilt: float) -> Curve:
    """The curve with each seed's lift and tilt taken out of its means, given their variances as in `Noise`.

    *Laws*: the same curve where every seed ran every cell, or where neither lift nor tilt stands out.
    """
    if not is_incomplete(curve) or (lift == 0 and tilt == 0):
        return curve
    system = _System.of(curve)
    effect = system.spread(lift, tilt) @ system.right
    seeds = curve.runs.shape[1]
    return replace(curve, effect=effect[:seeds] + system.across[:, None] * effect[seeds:])


def seed_covariance(curve: Curve, lift: float, tilt: float) -> Floats:
    """What the seeds' lifts and tilts add to the errors of level and tilt of the curve's means, [2, 2].

    Level is that at the cells' middle; tilt the coefficient of (x - mean x)/norm; in units of the variance of
    a run. With all runs present: diag(lift/cells, tilt)/seeds.
    """
    if not is_incomplete(curve):
        return np.diag([lift / curve.x.size, tilt]) / curve.runs.shape[1]
    system = _System.of(curve)
    present = system.present
    share = np.hstack([present, system.across[:, None] * present]) / curve.count[:, None]
    line = np.stack([np.ones(curve.x.size), system.across / np.sqrt(curve.x.size)], axis=1)
    weighted = line * curve.count[:, None]
    moves = np.linalg.solve(line.T @ weighted, weighted.T @ share)
    return np.asarray(moves @ system.spread(lift, tilt) @ moves.T)


@dataclass(frozen=True, eq=False)
class _System:
    """Normal equations of lifts and tilts, the cells projected out: [lifts, tilts] of each seed.

    `across` is (x - mean x) with the norm of a column of ones, so that lifts and tilts are on one scale.
    """

    present: Floats
    across: Floats
    gram: Floats
    right: Floats

    @classmethod
    def of(cls, curve: Curve) -> _System:
        present = (~np.isnan(curve.runs)).astype(np.float64)
        across = curve.x - curve.x.mean()
        across = across * np.sqrt(curve.x.size) / np.linalg.norm(across)
        plain = np.nansum(curve.runs, axis=1) / curve.count
        deviation = np.nan_to_num(curve.runs - plain[:, None])
        powers = [across**power for power in range(3)]
        blocks = [np.diag(p @ present) - present.T @ ((p / curve.count)[:, None] * present) for p in powers]
        return cls(
            present,
            across,
            np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]]),
            np.concatenate([deviation.sum(axis=0), across @ deviation]),
        )

    def spread(self, lift: float, tilt: float) -> Floats:
        """Covariance of the predicted effects' errors, (gram + prior^-1)^-1, without the effects that are
        0."""
        seeds = self.present.shape[1]
        prior = np.repeat([lift, tilt], seeds) / self.across.size
        use = prior > 0
        found = np.zeros_like(self.gram)
        found[np.ix_(use, use)] = np.linalg.inv(self.gram[np.ix_(use, use)] + np.diag(1 / prior[use]))
        return found


def _inverse(gram: Floats) -> tuple[Floats, int]:
    """The pseudo-inverse of a Gram matrix, and its rank."""
    values, vectors = np.linalg.eigh(gram)
    use = values > DEPENDENT * max(float(values[-1]), DEPENDENT)
    return (vectors[:, use] / values[use]) @ vectors[:, use].T, int(use.sum())
