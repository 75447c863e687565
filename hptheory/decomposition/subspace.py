r"""Bounds on the extreme eigenvalues of a large symmetric matrix from a Krylov subspace.

V, ``[n, b]``, has orthonormal columns: Ritz vectors. In a basis of V and its complement::

    S = [[Theta, R^T], [R, C]],      Theta = diag(theta_i) = V^T S V,      R = (I - V V^T) S V.

*From below* (Cauchy, Ky Fan): the i-th largest eigenvalue is at least the i-th largest Ritz value. *From
above*: for any h_i > 0, 2 x^T R^T y <= sum h_i x_i^2 + norm(R H^(-1/2))^2 norm(y)^2, so::

    S <= diag(theta_i + h_i, C + eta),      eta = norm(R H^(-1/2))^2.

Take a level t. Ritz values well below it may rise to it, h_i = t - theta_i; the others share the room that is
left between M = norm(C) and t, h_i = c norm(r_i)^2, *quadratic* in their residuals. Then the largest
eigenvalues are at most theta_i + h_i, and all others at most t. Mirrored for the smallest ones.

A low level tells the leading ones apart, a high one leaves room; each is valid, so the lowest bound counts.

What the subspace missed is bounded by the *spectral norm* M of C. (The trace fixes only the sum of the missed
ones, in which they cancel; the Frobenius norm bounds each, but many times too high.) M is bounded by a
polynomial p of C on random vectors: for r Gaussian w, norm(p(C)) <= a (2/pi)^(1/2) max norm(p(C) w) but for
a probability a^-r (Halko, Martinsson & Tropp 2011, Lemma 4.1), whatever p is. With p(x) = T_q(x / mu),
Chebyshev's polynomial, which grows fast beyond mu::

    M <= mu cosh(arcosh(max(1, a (2/pi)^(1/2) max norm(T_q(C / mu) w))) / q).

At the same number of products that is tighter than powers, x^q: 1.15 M instead of 1.4 M where many
eigenvalues are near M, so that fewer of them need be found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.decomposition.arrays import Array, like, to_numpy
from hptheory.decomposition.grid_measures import Floats

LEADING = 0.7
"""Ritz values above this share of the level are bounded one by one, the others by the level."""

PROBES, DEGREE = 16, 10
FAILURE = 1e-10
"""The probability that the bound on what was missed fails: a^-r with r = PROBES."""


@dataclass(frozen=True, eq=False)
class Ritz:
    """What a subspace says of the spectrum: Ritz values, the residuals' Gram matrix, what was missed."""

    values: Floats
    gram: Floats
    missed: float
    vectors: Array

    def level(self, k: int) -> float:
        """The k-th largest of the Ritz values in magnitude."""
        return float(np.sort(np.abs(self.values))[-k])

    def leading(self, xp: Any, count: int) -> Array:
        """The ``count`` Ritz vectors whose Ritz values are largest in magnitude, ``[n, count]``."""
        order = np.argsort(-np.abs(self.values), kind="stable")[:count]
        return xp.take(self.vectors, like(order, self.vectors), axis=1)

    def bounds(self, level: float) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Lower and upper bounds of the largest eigenvalues, descending, and of the smallest, ascending.

        Only those of magnitude above the level are told apart: a higher one leaves more room between what is
        bounded one by one and what was missed.
        """
        top = self._side(1.0, level)
        low, high = self._side(-1.0, level)
        return top, (-high, -low)

    def _side(self, sign: float, level: float) -> tuple[Floats, Floats]:
        """Bounds of the largest eigenvalues of sign * S; those above ``level`` are what counts."""
        theta = sign * self.values
        low = np.sort(theta)[::-1]
        leading = theta >= LEADING * level
        room = level - self.missed
        if room > 0:
            room -= _norm(self.gram, ~leading, level - theta)
        if room <= 0:
            return low, np.full(low.size, np.inf)
        squares = np.maximum(np.diag(self.gram), 0.0)
        shift = squares * (_norm(self.gram, leading, squares) / room)
        high = np.where(leading, theta + shift, level)
        return low, np.sort(np.maximum(high, level))[::-1]


def _norm(gram: Floats, chosen: NDArray[np.bool_], weights: Floats) -> float:
    """|R H^(-1/2)|^2 over the chosen columns of R, for H = diag(weights); columns that are 0 are left out."""
    chosen = chosen & (np.diag(gram) > 0)
    if not chosen.any():
        return 0.0
    root = np.sqrt(weights[chosen])
    return float(np.linalg.eigvalsh(gram[np.ix_(chosen, chosen)] / np.outer(root, root))[-1])


def krylov(xp: Any, s: Array, start: Array, depth: int, probes: Array) -> Ritz:
    """Rayleigh-Ritz on the block Krylov space of S and ``start`` ``[n, b]``, of dimension b * depth."""
    block, _ = xp.linalg.qr(start)
    blocks, images = [block], [xp.matmul(s, block)]
    while len(blocks) < depth:
        block = images[-1]
        known = xp.concat(blocks, axis=1)
        for _ in range(2):  # twice is enough to be orthogonal to working precision
            block = block - xp.matmul(known, xp.matmul(xp.matrix_transpose(known), block))
        block, _ = xp.linalg.qr(block)
        blocks.append(block)
        images.append(xp.matmul(s, block))
    basis, image = xp.concat(blocks, axis=1), xp.concat(images, axis=1)
    small = xp.matmul(xp.matrix_transpose(basis), image)
    values, turn = xp.linalg.eigh((small + xp.matrix_transpose(small)) / 2)
    basis, image = xp.matmul(basis, turn), xp.matmul(image, turn)
    rest = image - basis * values
    return Ritz(
        values=to_numpy(values).astype(np.float64),
        gram=to_numpy(xp.matmul(xp.matrix_transpose(rest), rest)).astype(np.float64),
        missed=missed_norm(xp, s, basis, probes),
        vectors=basis,
    )


def iterated(xp: Any, s: Array, vectors: Array, steps: int, probes: Array) -> Ritz:
    """Rayleigh-Ritz on the range of S^steps V, V orthonormal: subspace iteration."""
    start = xp.matmul(s, vectors)
    for _ in range(steps - 1):
        start = xp.matmul(s, xp.linalg.qr(start).Q)
    return krylov(xp, s, start, 1, probes)


def missed_norm(xp: Any, s: Array, basis: Array, probes: Array, degree: int = DEGREE) -> float:
    """A bound on the spectral norm of S on the complement of the basis, wrong with probability FAILURE.

    mu, for which any number would do, is how much the second product lengthens the probes: near M.
    """

    def product(x: Array) -> Array:
        return outside(xp.matmul(s, x)) / size

    def outside(x: Array) -> Array:
        return x - xp.matmul(basis, xp.matmul(xp.matrix_transpose(basis), x))

    def lengths(x: Array) -> Array:
        return xp.linalg.vector_norm(x, axis=0)

    start, size = outside(probes), 1.0
    once = product(start)
    size = float(xp.max(xp.abs(once)))
    if size == 0:
        return 0.0
    once = once / size  # so that tiny matrices do not underflow
    twice = product(once)
    mu = float(xp.max(lengths(twice))) / float(xp.max(lengths(once)))
    if mu == 0:
        return 0.0  # C^2 w = 0 for random w: C = 0
    before, last = once / mu, twice * (2 / mu**2) - start
    for _ in range(degree - 2):
        before, last = last, product(last) * (2 / mu) - before
    chance = FAILURE ** (-1 / probes.shape[1]) * math.sqrt(2 / math.pi)
    bound = math.cosh(math.acosh(max(1.0, chance * float(xp.max(lengths(last))))) / degree)
    return size * mu * bound
