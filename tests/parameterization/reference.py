"""First updates of every optimizer, read off their definitions: plain NumPy, one matrix, float64, no memory.

Each returns the update and the size of what its epsilon is added to, measured on the matrix itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Update = Callable[[np.ndarray, float], tuple[np.ndarray, float]]


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


def sgd(g, epsilon):
    return g, 1.0


def adam(g, epsilon):
    return g / (np.abs(g) + epsilon), rms(g)


def polar(g):
    """The exact polar factor of a matrix that may be singular."""
    u, s, vt = np.linalg.svd(g, full_matrices=False)
    kept = s > 1e-9 * s[0]
    return u[:, kept] @ vt[kept]


def muon(g, epsilon):
    norm = np.linalg.norm(g)
    return polar(g / (norm + epsilon)), norm


def adamuon(g, epsilon):
    orthogonal = polar(g)
    return orthogonal / (np.abs(orthogonal) + epsilon), rms(orthogonal)


def inverse_power(gram, exponent, epsilon):
    values, vectors = np.linalg.eigh(gram)
    return vectors * (np.maximum(values, 0) + epsilon) ** -exponent @ vectors.T


def shampoo(g, epsilon, exponents=(0.25, 0.25)):
    left, right = g @ g.T, g.T @ g
    update = inverse_power(left, exponents[0], epsilon) @ g @ inverse_power(right, exponents[1], epsilon)
    return update, float(np.linalg.eigvalsh(left)[-1])


def soap(g, epsilon, sides=(1, 1)):
    q_left = np.linalg.eigh(g @ g.T)[1] if sides[0] else np.eye(len(g))
    q_right = np.linalg.eigh(g.T @ g)[1] if sides[1] else np.eye(len(g.T))
    rotated = q_left.T @ g @ q_right
    seen = np.abs(rotated) > 1e-6 * np.abs(rotated).max()
    return q_left @ (rotated / (np.abs(rotated) + epsilon)) @ q_right.T, rms(rotated[seen])


def dion(g, epsilon, rank=4):
    """One power iteration from a fixed start, then P times the normalised columns of G^T P."""
    start = np.linalg.qr(np.random.default_rng(0).normal(size=(g.shape[1], rank)))[0]
    p = np.linalg.qr(g @ start)[0]
    r = g.T @ p
    norms = np.linalg.norm(r, axis=0)
    return p @ (r / (norms + epsilon)).T, float(norms.max())


def blocked(update: Update, size: int) -> Update:
    """Each block by itself; matrices here are multiples of the block, or smaller than it."""

    def on_blocks(g, epsilon):
        rows, cols = min(size, g.shape[0]), min(size, g.shape[1])
        out, compared = np.empty_like(g), []
        for i in range(0, g.shape[0], rows):
            for j in range(0, g.shape[1], cols):
                piece = slice(i, i + rows), slice(j, j + cols)
                out[piece], seen = update(g[piece], epsilon)
                compared.append(seen)
        return out, float(np.mean(compared))

    return on_blocks


def grafted(norm_of: Update, direction: Update) -> Update:
    def graft(g, epsilon):
        along = direction(g, 1e-9 * rms(g) ** 2)[0]
        size = np.linalg.norm(along)
        return np.linalg.norm(norm_of(g, 0.0)[0]) * along / (size + epsilon), size

    return graft


def spectral(update: Update) -> Update:
    def normalised(g, epsilon):
        along = update(g, 1e-6 * rms(g))[0]
        return along / np.linalg.norm(along, 2) * np.sqrt(g.shape[0] / g.shape[1]), 1.0

    return normalised
