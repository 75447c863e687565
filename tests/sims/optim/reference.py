"""The matrix optimizers one matrix at a time, in NumPy and float64, read off their formulas; no code in
common.

Each is a generator: it is sent a gradient and yields the direction, so that W <- W - lr * direction.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

import numpy as np

Matrix = np.ndarray
Directions = Generator[Matrix, Matrix, None]


def run(make: Callable[[], Directions], grads: Iterable[Matrix]) -> list[Matrix]:
    """The directions for a sequence of gradients."""
    rule = make()
    next(rule)
    return [rule.send(grad) for grad in grads]


def polar(x: Matrix) -> Matrix:
    u, _, vt = np.linalg.svd(x, full_matrices=False)
    return u @ vt


def inverse_power(x: Matrix, exponent: float, eps: float, relative: bool) -> Matrix:
    values, vectors = np.linalg.eigh(x)
    damped = values + (eps * values.max() if relative else eps)
    return vectors @ np.diag(damped**-exponent) @ vectors.T


def newton_schulz(x: Matrix, kind: str, steps: int, eps: float) -> Matrix:
    """Odd quintics applied to singular values, after a division by the Frobenius norm."""
    if kind == "polar_express":
        quintics = [(a / 1.01, b / 1.01**3, c / 1.01**5) for a, b, c in polar_express(7)][:steps]
        quintics += [(1.875, -1.25, 0.375)] * (steps - len(quintics))
    else:
        quintics = [{"jordan": (3.4445, -4.7750, 2.0315), "schulz": (1.875, -1.25, 0.375)}[kind]] * steps
    x = x / (np.sqrt((x**2).sum()) * (1.01 if kind == "polar_express" else 1.0) + eps)
    for a, b, c in quintics:
        x = a * x + b * x @ x.T @ x + c * x @ x.T @ x @ x.T @ x
    return x


def polar_express(steps: int, lower: float = 1e-3) -> list[tuple[float, float, float]]:
    """The coefficients of arXiv 2505.16932, Algorithm 2 and App. G: greedy minimax approximations of 1.

    On an interval much wider than ``cushion`` x its upper end u, the quintic is chosen for [cushion u, u],
    then rescaled so that the image of the whole interval is centred at 1. The cushion is that of their App.
    G.
    """
    cushion, upper, found = 0.02407327424182761, 1.0, []
    for _ in range(steps):
        coefficients = minimax_quintic(max(lower, cushion * upper), upper)
        ends = [sum(c * x**k for c, k in zip(coefficients, (1, 3, 5), strict=True)) for x in (lower, upper)]
        a, b, c = coefficients * 2 / sum(ends)
        found.append((a, b, c))
        lower = a * lower + b * lower**3 + c * lower**5
        upper = 2 - lower
    return found


def minimax_quintic(lower: float, upper: float) -> Matrix:
    """(a, b, c) whose a x + b x^3 + c x^5 is nearest to 1 on the interval: errors -E, E, -E, E at four
    points.

    Alternately: solve for (a, b, c, E) at the points; move the inner two to the quintic's own extrema.
    """
    inner = np.array([3 * lower + upper, lower + 3 * upper]) / 4
    for _ in range(50):
        points = np.array([lower, *inner, upper])
        system = np.stack([points, points**3, points**5, [1, -1, 1, -1]], axis=1)
        a, b, c, _error = np.linalg.solve(system, np.ones(4))
        squares = (-3 * b + np.array([-1, 1]) * np.sqrt(9 * b**2 - 20 * a * c)) / (10 * c)
        inner = np.sqrt(squares)
    return np.array([a, b, c])


def muon(momentum: float, nesterov: bool, orth: Callable[[Matrix], Matrix]) -> Directions:
    grad = yield np.zeros(0)
    m = np.zeros_like(grad)
    while True:
        m = momentum * m + (1 - momentum) * grad
        grad = yield orth(momentum * m + (1 - momentum) * grad if nesterov else m)


def adamuon(
    momentum: float, beta2: float, eps: float, rms: float, orth: Callable[[Matrix], Matrix]
) -> Directions:
    grad = yield np.zeros(0)
    m, v, t = np.zeros_like(grad), np.zeros_like(grad), 0
    while True:
        t += 1
        m = momentum * m + (1 - momentum) * grad
        o = orth(m)
        v = beta2 * v + (1 - beta2) * o**2
        u = o / (np.sqrt(v / (1 - beta2**t)) + eps)
        grad = yield u * rms / np.sqrt((u**2).mean())


def dion(mu: float, right: Matrix, eps: float) -> Directions:
    grad = yield np.zeros(0)
    m, q = np.zeros_like(grad), right
    while True:
        m = m + grad
        p, _ = np.linalg.qr(m @ q)
        r = m.T @ p
        q = np.stack([column / (np.linalg.norm(column) + eps) for column in r.T], axis=1)
        m = m - (1 - mu) * p @ r.T
        grad = yield p @ q.T


def shampoo(
    momentum: float,
    beta2: float | None,
    exponents: tuple[float, float],
    eps: float,
    relative: bool,
    interval: int,
) -> Directions:
    grad = yield np.zeros(0)
    left, right, m, t = np.zeros((grad.shape[0],) * 2), np.zeros((grad.shape[1],) * 2), np.zeros_like(grad), 0
    while True:
        t += 1
        keep, take = (1.0, 1.0) if beta2 is None else (beta2, 1 - beta2)
        left, right = keep * left + take * grad @ grad.T, keep * right + take * grad.T @ grad
        m = momentum * m + (1 - momentum) * grad
        correction = 1.0 if beta2 is None else 1 - beta2**t
        if t < 4 + interval or (t - 1) % interval == 0:
            roots = [
                np.eye(len(statistic)) if e == 0 else inverse_power(statistic / correction, e, eps, relative)
                for statistic, e in zip((left, right), exponents, strict=True)
            ]
        grad = yield roots[0] @ (m / (1 - momentum**t)) @ roots[1]


def soap(beta1: float, beta2: float, eps: float, first_bases: list[Matrix], interval: int) -> Directions:
    """The first bases are given, since eigenvectors are not unique; the identity leaves a side out."""
    grad = yield np.zeros(0)
    rows, columns = grad.shape
    statistics = [(1 - beta2) * grad @ grad.T, (1 - beta2) * grad.T @ grad]
    bases = list(first_bases)
    sides = [not (basis == np.eye(len(basis))).all() for basis in bases]
    m, v, t = np.zeros((rows, columns)), np.zeros((rows, columns)), 0
    while True:
        t += 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * (bases[0].T @ grad @ bases[1]) ** 2
        turned = bases[0].T @ (m / (1 - beta1**t)) @ bases[1]
        direction = bases[0] @ (turned / (np.sqrt(v / (1 - beta2**t)) + eps)) @ bases[1].T
        if t > 1:
            for index, product in enumerate((grad @ grad.T, grad.T @ grad)):
                statistics[index] = beta2 * statistics[index] + (1 - beta2) * product
        if t > 1 and (t - 1) % interval == 0:
            for index, side in enumerate(sides):
                if side:
                    sizes = np.diag(bases[index].T @ statistics[index] @ bases[index])
                    order = np.argsort(-sizes)
                    bases[index] = np.linalg.qr(statistics[index] @ bases[index][:, order])[0]
                    v = v[order] if index == 0 else v[:, order]
        grad = yield direction


def adam(beta1: float, beta2: float, eps: float) -> Directions:
    grad = yield np.zeros(0)
    m, v, t = np.zeros_like(grad), np.zeros_like(grad), 0
    while True:
        t += 1
        m, v = beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2
        grad = yield (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def graft(direction: Directions, norm: Directions) -> Directions:
    next(direction), next(norm)
    grad = yield np.zeros(0)
    while True:
        u1, u2 = norm.send(grad), direction.send(grad)
        grad = yield np.linalg.norm(u1) / np.linalg.norm(u2) * u2


def spectrally_normalised(direction: Directions) -> Directions:
    next(direction)
    grad = yield np.zeros(0)
    while True:
        u = direction.send(grad)
        grad = yield u * np.sqrt(u.shape[0] / u.shape[1]) / np.linalg.norm(u, 2)


def blockwise(make: Callable[[], Directions], size: int, shape: tuple[int, int]) -> Directions:
    """The rule on every block by itself, edge blocks cut short instead of padded."""
    corners = [(i, j) for i in range(0, shape[0], size) for j in range(0, shape[1], size)]
    rules = [make() for _ in corners]
    for rule in rules:
        next(rule)
    grad = yield np.zeros(0)
    while True:
        direction = np.zeros(shape)
        for (i, j), rule in zip(corners, rules, strict=True):
            direction[i : i + size, j : j + size] = rule.send(grad[i : i + size, j : j + size])
        grad = yield direction
