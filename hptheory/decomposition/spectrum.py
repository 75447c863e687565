"""The alignment matrix of a gradient and an update, its eigenvalues, and the top-k loss change.

Theory: 2512.22768, Sec. 4.1. One step of training moves a weight matrix W [m, n] by dW and changes the loss,
to first order, by <G, dW> = trace S, with S = (G^T dW + dW^T G)/2 the alignment matrix (2). Its eigenvalues,
by decreasing magnitude, split that change over directions of the n-dimensional side.
"""

from __future__ import annotations

from typing import Any

from hptheory.decomposition.arrays import Array, contiguous, full_precision, on_cpu, require_finite, working
from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.errors import DomainError

FACTORED_BELOW = 4
"""With n >= 4 m the eigenvalues come from a core matrix of size 2 m <= n/2."""

ONE_BY_ONE_FROM = 256
"""From this n a stack is decomposed member by member on the CPU: the same bits, with one n x n in memory.

Faster, too: torch copies and solves a single matrix in less time than a stack of one.
"""


def alignment_matrix(gradient: Array, update: Array) -> Array:
    r"""The alignment matrix S = (G^T dW + dW^T G)/2, symmetric, ``[..., n, n]``.

    Source: 2512.22768, Eq. (2). For the paper's "row version" pass both matrices transposed.

    Shapes: ``gradient`` and ``update`` are ``[..., m, n]``, NumPy or torch; what comes back is of that kind,
    in single precision or more.

    *Laws*: the trace is <G, dW>; S(G, dW) = S(dW, G).

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> g, d = rng.standard_normal((2, 5, 3))
    >>> bool(np.isclose(np.trace(alignment_matrix(g, d)), (g * d).sum()))
    True
    """
    xp, g, d = matched(gradient, update)
    with full_precision(g):
        return _matrix(xp, g, d)


def alignment_spectrum(gradient: Array, update: Array) -> Array:
    r"""The eigenvalues of the alignment matrix, by decreasing magnitude, ``[..., n]``.

    |lambda_1| >= ... >= |lambda_n|; of two that tie exactly the smaller (the negative one) comes first.

    Source: 2512.22768, Eq. (2), (3). S has rank <= 2 rank(G). Where n >= 4 m it is not formed: with the QR
    factorisation [G^T, dW^T] = Q R its nonzero eigenvalues are those of the core R J R^T / 2, of size 2 m,
    where J swaps the two blocks. That is exact; the other n - 2 m are zeros.

    Shapes: ``gradient`` and ``update`` are ``[..., m, n]``, NumPy or torch; what comes back is of that kind,
    in single precision or more. Domain: both of one shape with m, n >= 1, else ``ShapeMismatchError``;
    finite, else ``NonFiniteError``.

    *Laws*: the sum is <G, dW>; unchanged by an orthogonal change of basis on either side; if dW = c G they
    are c times the squared singular values of G; linear in c for dW -> c dW.

    The second route, singular values:

    >>> import numpy as np
    >>> g = np.random.default_rng(0).standard_normal((6, 4))
    >>> squares = np.linalg.svd(g, compute_uv=False) ** 2
    >>> bool(np.allclose(alignment_spectrum(g, -0.1 * g), -0.1 * squares))
    True
    """
    xp, g, d = matched(gradient, update)
    m, n = g.shape[-2:]
    with full_precision(g):
        if n >= FACTORED_BELOW * m:
            core = xp.linalg.eigvalsh(core_matrix(xp, g, d))
            zeros = xp.zeros_like(g[..., 0, : n - 2 * m])
            return by_magnitude(xp, xp.concat([core, zeros], axis=-1))
        if g.ndim == 2 or n < ONE_BY_ONE_FROM or not on_cpu(g):
            return by_magnitude(xp, xp.linalg.eigvalsh(_matrix(xp, g, d)))
        members = [xp.reshape(x, (-1, m, n)) for x in (g, d)]
        each = [xp.linalg.eigvalsh(_matrix(xp, *pair)) for pair in zip(*members, strict=True)]
        return by_magnitude(xp, xp.reshape(xp.stack(each), (*g.shape[:-2], n)))


def top_k_loss_change(gradient: Array, update: Array, k: int | None = None) -> Array:
    r"""The top-k stepwise linear loss change for every k: cumulative sums of ``alignment_spectrum``.

    Column j holds delta phi^k with k = j + 1: the sum of the first k eigenvalues. Sum it over steps and
    layers for phi^k, (4).

    Source: 2512.22768, Eq. (3). Print says that for dW proportional to G this is the sum of the top-k
    singular values of G; it is the factor times the sum of their *squares*.

    Shapes: ``[..., m, n]`` twice, to ``[..., n]``, or ``[..., k]`` where ``k`` is given. Domain: that of
    ``alignment_spectrum``, and 1 <= k <= n, else ``DomainError``.

    *Laws*: the last column is <G, dW>; for dW = -c G every column falls with k.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> g, d = rng.standard_normal((2, 3, 8, 5))                   # three members at once
    >>> phi = top_k_loss_change(g, d)
    >>> phi.shape, bool(np.allclose(phi[:, -1], (g * d).sum((-2, -1))))
    ((3, 5), True)
    """
    xp, g, d = matched(gradient, update)
    n = g.shape[-1]
    if k is not None and not 1 <= k <= n:
        raise DomainError("k", k, f">= 1 and <= n = {n}, the number of components")
    return xp.cumulative_sum(alignment_spectrum(g, d)[..., :k], axis=-1)


def matched(gradient: Array, update: Array) -> tuple[Any, Array, Array]:
    """The namespace, and the two matrices in working precision; their shapes and numbers are checked."""
    xp, (g, d) = working(gradient, update)
    if tuple(g.shape) != tuple(d.shape) or g.ndim < 2 or 0 in g.shape:
        shapes = tuple(g.shape), tuple(d.shape)
        raise ShapeMismatchError(
            "gradient", shapes[0], "update", shapes[1], "both must be [..., m, n], of one shape and not empty"
        )
    advice = "leave this step out, or look for the divergence before it"
    require_finite(xp, "gradient", g, advice)
    require_finite(xp, "update", d, advice)
    return xp, g, d


def by_magnitude(xp: Any, eigenvalues: Array) -> Array:
    """Sorted by decreasing magnitude along the last axis; exact ties by value."""
    ascending = xp.sort(eigenvalues, axis=-1)
    order = xp.argsort(xp.abs(ascending), axis=-1, descending=True, stable=True)
    return xp.take_along_axis(ascending, order, axis=-1)


def core_matrix(xp: Any, a: Array, b: Array) -> Array:
    """The core ``[..., 2 r, 2 r]`` with the eigenvalues of (A^T B + B^T A)/2, for A, B ``[..., r, n]``.

    With Z = [A^T, B^T] = Q R, (A^T B + B^T A)/2 = Z J Z^T / 2 = Q (R J R^T / 2) Q^T. Needs 2 r <= n.
    """
    stacked = xp.concat([a, b], axis=-2)
    r = a.shape[-2]
    _, upper = xp.linalg.qr(xp.matrix_transpose(stacked))
    half = xp.matmul(upper[..., :r], xp.matrix_transpose(upper[..., r:]))
    return (half + xp.matrix_transpose(half)) / 2


def _matrix(xp: Any, g: Array, d: Array) -> Array:
    product = xp.matmul(xp.matrix_transpose(g), d)
    s = contiguous(xp.matrix_transpose(product))  # torch copies a transpose far faster than it adds one
    s += product
    s /= 2
    return s
