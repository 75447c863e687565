"""The top-k loss change of large matrices, k <= max_k: intervals for every k, without all eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from hptheory.decomposition.arrays import Array, full_precision, like, to_numpy
from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.decomposition.grid_measures import Floats
from hptheory.decomposition.hull import top_k_hull
from hptheory.decomposition.spectrum import FACTORED_BELOW, alignment_matrix, core_matrix, matched
from hptheory.decomposition.subspace import FAILURE, PROBES, Ritz, iterated, krylov
from hptheory.errors import DomainError

Path = Literal["factored", "full", "subspace", "fallback"]

BLOCK, DEPTH = 1 / 2, 7
"""The Krylov space without a previous observation: seven blocks of max_k/2 columns."""

WARM = 5 / 2
"""Columns with which subspace iteration goes on, in units of max_k: the more, the less is missed."""

REFINEMENT = 3
"""Steps of subspace iteration from a subspace that was nearly good enough."""

STRETCHES = (1.0, 0.9, 1.15, 1.35)
"""Levels of the bounds, in units of the k-th Ritz value, tried in this order; see ``Ritz.bounds``.

The first tells apart all that matters, for which what was missed must be smaller than the k-th eigenvalue.
"""

LONGEST_PAUSE = 32


@dataclass(frozen=True, eq=False)
class TopKInterval:
    """Bounds ``low <= delta phi^k <= high`` for k = 1, ..., max_k, and how they were found.

    ``magnitude`` is a lower bound on sum |lambda|, the unit of errors (delta phi itself can cancel). ``path``
    is `factored` (exact, from a core matrix), `full` (all eigenvalues), `subspace`, or `fallback` (a subspace
    was tried, its interval too wide, and all eigenvalues computed). ``failure`` is the probability that a
    bound of the subspace path is wrong. For ``pause`` further observations no subspace should be tried.
    ``start`` is what the next observation begins with, ``[n, 5/2 max_k]``, after a subspace that was good or
    could be improved, and ``steps`` how often it is multiplied by the new matrix.
    """

    low: Array
    high: Array
    magnitude: float
    path: Path
    failure: float = 0.0
    pause: int = 0
    next_pause: int = 1
    start: Array | None = None
    steps: int = 1

    @property
    def width(self) -> float:
        """The widest of the intervals, relative to ``magnitude``; 0 for a matrix that is 0."""
        widest = float(np.max(to_numpy(self.high) - to_numpy(self.low)))
        return widest / self.magnitude if self.magnitude > 0 else 0.0


def top_k_interval(
    gradient: Array,
    update: Array,
    max_k: int,
    *,
    tolerance: float = 0.01,
    previous: TopKInterval | None = None,
    gradient_rank: int | None = None,
    rng: np.random.Generator | None = None,
) -> TopKInterval:
    r"""Intervals for the top-k loss changes, k = 1, ..., max_k, at most ``tolerance`` wide where possible.

    Small cores are solved exactly (m <= n/4, or ``gradient_rank`` <= n/4 where the caller knows that the
    gradient has no higher rank, as from that many tokens). Else a randomised block Krylov space bounds what
    it found by its residuals and what it missed by its norm (``hptheory.decomposition.subspace``). If that
    leaves an interval wider than ``tolerance``, relative to sum |lambda|, subspace iteration refines it,
    once, where it can help: where what was missed is smaller than the max_k-th eigenvalue found. Else, or if
    it is still too wide, all eigenvalues are computed. Given the ``previous`` observation of the same layer,
    subspace iteration goes on from what was found then; and a vain attempt is followed by a pause, twice as
    long each time, in which all eigenvalues are computed at once.

    Where eigenvalues of opposite sign tie in magnitude within their bounds, the sum jumps, and the interval
    covers both ends; a tie within rounding stays wide in the full computation.

    Source: the quantity is 2512.22768, Eq. (3); the bounds are derived in the two modules named here.

    Shapes: ``[m, n]`` twice, NumPy or torch, to ``[max_k]``. Domain: 1 <= max_k <= n, tolerance > 0, else
    ``DomainError``; that of ``alignment_spectrum``; ``gradient_rank`` must be true, which is checked, else
    ``DomainError``. ``rng`` (default: seeded with 0) draws starting vectors and probes.

    *Laws*: contains ``top_k_loss_change`` (up to probability ``failure``); every path overlaps every other;
    the interval is no wider than ``tolerance`` on the subspace path.

    >>> rng = np.random.default_rng(0)
    >>> g = rng.standard_normal((300, 300)) * np.arange(1, 301) ** -1.5
    >>> found = top_k_interval(g, -0.1 * g, max_k=10)
    >>> squares = -0.1 * np.cumsum(np.linalg.svd(g, compute_uv=False) ** 2)[:10]
    >>> found.path, bool(np.all((found.low <= squares) & (squares <= found.high))), found.width <= 0.01
    ('subspace', True, True)
    """
    xp, g, d = matched(gradient, update)
    if g.ndim != 2:
        shape = tuple(g.shape)
        raise ShapeMismatchError(
            "gradient",
            shape,
            "what is read",
            "[m, n]",
            "pass one layer at a time, or a stack to top_k_intervals",
        )
    m, n = g.shape
    if not 1 <= max_k <= n:
        raise DomainError("max_k", max_k, f">= 1 and <= n = {n}, the number of components")
    if not tolerance > 0:
        raise DomainError("tolerance", tolerance, "> 0")
    generator = np.random.default_rng(0) if rng is None else rng
    rounding = _rounding(xp, g, d, max_k)
    with full_precision(g):
        if n >= FACTORED_BELOW * m:
            return _exact(xp.linalg.eigvalsh(core_matrix(xp, g, d)), n, rounding, g, "factored")
        if gradient_rank is not None and FACTORED_BELOW * gradient_rank <= n:
            core = _low_rank_core(xp, g, d, gradient_rank, generator)
            return _exact(xp.linalg.eigvalsh(core), n, rounding, g, "factored")
        s = alignment_matrix(g, d)
        block = max(8, round(BLOCK * max_k))
        pause, next_pause = (0, 1) if previous is None else (previous.pause, previous.next_pause)
        if pause > 0 or 4 * block * DEPTH > 3 * n:
            exact = _exact(xp.linalg.eigvalsh(s), n, rounding, g, "full")
            paused = replace(exact, pause=max(0, pause - 1), next_pause=next_pause)
            return paused if previous is None else replace(paused, start=previous.start, steps=previous.steps)
        found = _from_subspace(xp, s, block, rounding, tolerance, previous, generator)
        if found.width <= tolerance:
            return found
        exact = _exact(xp.linalg.eigvalsh(s), n, rounding, g, "fallback")
    longer = min(2 * next_pause, LONGEST_PAUSE)
    return replace(exact, pause=next_pause, next_pause=longer, start=found.start, steps=found.steps)


def top_k_intervals(
    gradient: Array,
    update: Array,
    max_k: int,
    *,
    previous: Sequence[TopKInterval] | None = None,
    **options: Any,
) -> list[TopKInterval]:
    """``top_k_interval`` of each member of a stack, as each has a path, a pause and a start of its own.

    Shapes: ``[member, m, n]`` twice; ``previous`` holds one interval a member, or is None. Domain: that of
    ``top_k_interval``; both stacks of one shape, as long as ``previous``, else ``ShapeMismatchError``.

    >>> rng = np.random.default_rng(0)
    >>> g, d = rng.standard_normal((2, 3, 4, 20))
    >>> [interval.path for interval in top_k_intervals(g, d, max_k=5)]
    ['factored', 'factored', 'factored']
    """
    shapes = tuple(gradient.shape), tuple(update.shape)
    if shapes[0] != shapes[1] or len(shapes[0]) != 3:
        raise ShapeMismatchError(
            "gradient", shapes[0], "update", shapes[1], "both must be [member, m, n], of one shape"
        )
    members = shapes[0][0]
    if previous is not None and len(previous) != members:
        raise ShapeMismatchError(
            "gradient", shapes[0], "previous", (len(previous),), "give the interval of each member"
        )
    before = [None] * members if previous is None else previous
    return [
        top_k_interval(gradient[i], update[i], max_k, previous=before[i], **options) for i in range(members)
    ]


def _from_subspace(
    xp: Any,
    s: Array,
    block: int,
    rounding: Floats,
    tolerance: float,
    previous: TopKInterval | None,
    rng: np.random.Generator,
) -> TopKInterval:
    """The interval of a subspace: that of before, or a new one, and where it can help, a better one."""
    n, max_k = s.shape[0], rounding.size
    columns = round(WARM * max_k)
    probes = _gaussian(xp, (n, PROBES), s, rng)
    if previous is not None and previous.start is not None and previous.start.shape == (n, columns):
        steps = previous.steps
        found = iterated(xp, s, xp.astype(previous.start, s.dtype), steps, probes)
    else:
        steps = 1
        found = krylov(xp, s, _gaussian(xp, (n, block), s, rng), DEPTH, probes)
    interval = _from_ritz(found, rounding, s, tolerance)
    hopeful = found.missed < found.level(max_k)
    if interval.width > tolerance and hopeful:
        steps = REFINEMENT
        found = iterated(xp, s, found.leading(xp, columns), steps, probes)
        interval = _from_ritz(found, rounding, s, tolerance)
    if interval.width > tolerance and not hopeful:
        return interval
    return replace(interval, start=found.leading(xp, columns), steps=steps)


def _from_ritz(found: Ritz, rounding: Floats, model: Array, tolerance: float) -> TopKInterval:
    """The narrowest interval of the levels tried, or the first that is narrow enough."""
    k = rounding.size
    rounding = rounding + _solver_rounding(found.values, model) * np.arange(1, k + 1)
    magnitude = float(np.abs(found.values).sum())  # of the whole, by pinching: |S|_* >= |V^T S V|_*
    top = bottom = None
    for stretch in STRETCHES:
        new_top, new_bottom = found.bounds(stretch * found.level(k))
        # The bounds of all levels hold together.
        top = new_top if top is None else (new_top[0], np.minimum(top[1], new_top[1]))
        bottom = new_bottom if bottom is None else (np.maximum(bottom[0], new_bottom[0]), new_bottom[1])
        low, high = top_k_hull(top, bottom, k)
        interval = TopKInterval(
            like(low - rounding, model), like(high + rounding, model), magnitude, "subspace", FAILURE
        )
        if interval.width <= tolerance:
            break
    return interval


def _exact(eigenvalues: Array, n: int, rounding: Floats, model: Array, path: Path) -> TopKInterval:
    """The interval of computed eigenvalues: as wide as rounding and the jumps that it leaves open."""
    values = np.concatenate([to_numpy(eigenvalues).astype(np.float64), np.zeros(n - eigenvalues.shape[0])])
    values = np.sort(values)[::-1]
    one = float(rounding[0]) + _solver_rounding(values, model)  # what rounding may move a single eigenvalue
    single = values - one, values + one
    low, high = top_k_hull(single, (single[0][::-1], single[1][::-1]), rounding.size)
    return TopKInterval(like(low, model), like(high, model), float(np.abs(values).sum()), path)


def _low_rank_core(xp: Any, g: Array, d: Array, rank: int, rng: np.random.Generator) -> Array:
    """The core of a gradient of known rank: G = Q (Q^T G), so that S(G, dW) = S(Q^T G, Q^T dW)."""
    sketch = xp.matmul(g, _gaussian(xp, (g.shape[1], rank), g, rng))
    q, _ = xp.linalg.qr(sketch)
    left = xp.matmul(xp.matrix_transpose(q), g)
    rest = float(xp.max(xp.abs(g - xp.matmul(q, left))))
    if rest > 100 * g.shape[1] * float(xp.finfo(g.dtype).eps) * float(xp.max(xp.abs(g))):
        raise DomainError(
            "gradient_rank", rank, "the rank of the gradient or more", "leave it out if unknown"
        )
    return core_matrix(xp, left, xp.matmul(xp.matrix_transpose(q), d))


def _rounding(xp: Any, g: Array, d: Array, max_k: int) -> Floats:
    """What rounding may move the sum of k eigenvalues: k times 2 eps |G|_F |dW|_F.

    A product errs by about eps times the sum of |products| at random signs, so S by at most eps |G|_F |dW|_F
    in norm (less by m^(1/2) where the entries are spread).
    """
    sizes = [float(xp.linalg.vector_norm(x)) for x in (g, d)]
    one = 2 * float(xp.finfo(g.dtype).eps) * sizes[0] * sizes[1]
    return one * np.arange(1.0, max_k + 1.0)


def _solver_rounding(values: Floats, model: Array) -> float:
    """What the eigensolver's rounding may move one eigenvalue: about eps n^(1/2) |S|, for up to n values."""
    n = model.shape[-1]
    eps = 2.0**-23 if str(model.dtype).endswith("float32") else 2.0**-52
    return float(eps * np.sqrt(n) * np.abs(values).max(initial=0.0))


def _gaussian(xp: Any, shape: tuple[int, int], model: Array, rng: np.random.Generator) -> Array:
    return xp.astype(like(rng.standard_normal(shape, dtype=np.float32), model), model.dtype)
