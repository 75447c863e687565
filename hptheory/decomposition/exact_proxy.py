"""The exact minimum of the proxy objective: dynamic programming on a chain inside a branch and bound.

Put caps c1, c2 on the slopes of the two residuals. Among truncations within the caps, the mean gap is a sum
over HPs whose constraints couple neighbours only: a chain, and dynamic programming gives its least value
F(c1, c2). F falls as the caps rise, and the minimum of (18) is that of F(c1, c2) + tau1 c1 + tau2 c2.

On a box of caps [l1, u1] x [l2, u2] this is at least F(u1, u2) + tau1 l1 + tau2 l2. The truncation found at
(u1, u2) has slopes (a1, a2) within the caps, and F is constant from (a1, a2) up to (u1, u2): there nothing is
better than it. What remains is [l1, a1) x [l2, u2] and [a1, u1] x [l2, a2), each halved where its penalty is
widest; slopes being finitely many, this ends. Not in the paper.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hptheory.decomposition.grid_measures import lipschitz
from hptheory.decomposition.proxy import Floats, Ints, Proxy, Truncation, coordinate_descent

CELLS = 4_000_000
"""How many pairs of candidates are compared at once: bounds the memory, to some 100 MB."""

Caps = tuple[float, float]


@dataclass(frozen=True, order=True)
class _Box:
    """Truncations whose largest slopes lie between ``low`` and ``high``: no objective is below ``bound``."""

    bound: float
    low: Caps
    high: Caps


def branch_and_bound(problem: Proxy, max_nodes: int) -> Truncation:
    """The best truncation found in at most ``max_nodes`` dynamic programs, with a proved lower bound.

    Starts from the best of three coordinate descents; ``work`` counts the programs. Of several minimisers one
    is returned, not always the least.
    """
    g, n = problem.gap.shape
    starts: list[Ints | None] = [None, np.ones(g, dtype=np.int64), np.full(g, n)]
    found = [np.asarray(coordinate_descent(problem, start)) for start in starts]
    kappa = min(found, key=lambda kappa: float(problem.objective(kappa)))
    value = float(problem.objective(kappa))
    boxes = [_Box(float(problem.gap.min(axis=1).mean()), (0.0, 0.0), (np.inf, np.inf))]
    nodes = 0
    while boxes and boxes[0].bound < value and nodes < max_nodes:
        box = heapq.heappop(boxes)
        nodes += 1
        chain = _chain(problem, box.high, value - _penalty(problem, box.low))
        if chain is None:  # nothing within these caps is better than what is known
            continue
        cost, *slopes = _parts(problem, chain)
        objective = float(problem.objective(chain))
        if objective < value:
            kappa, value = chain, objective
        for low, high in _rest(problem, box, (slopes[0], slopes[1])):
            bound = max(box.bound, cost + _penalty(problem, low))  # the parent's bound holds for its children
            if bound < value:
                heapq.heappush(boxes, _Box(bound, low, high))
    return Truncation.of(kappa, value, min(value, boxes[0].bound) if boxes else value, nodes)


def _rest(problem: Proxy, box: _Box, slopes: Caps) -> Iterator[tuple[Caps, Caps]]:
    """The parts of a box that may hold something better than the truncation with these slopes."""
    (l1, l2), (u1, u2), (a1, a2) = box.low, box.high, slopes
    for low, high in (((l1, l2), (_below(a1), u2)), ((max(l1, a1), l2), (u1, _below(a2)))):
        if low[0] > high[0] or low[1] > high[1]:
            continue
        extents = (problem.tau1 * (high[0] - low[0]), problem.tau2 * (high[1] - low[1]))
        side = int(np.isinf(extents[0]) or extents[1] > extents[0])
        middle = low[side] + (high[side] - low[side]) / 2
        if not low[side] < middle < high[side] < np.inf:
            yield low, high
        elif side == 0:
            yield low, (middle, high[1])
            yield (middle, low[1]), high
        else:
            yield low, (high[0], middle)
            yield (low[0], middle), high


def _penalty(problem: Proxy, caps: Caps) -> float:
    return problem.tau1 * caps[0] + problem.tau2 * caps[1]


def _parts(problem: Proxy, kappa: Ints) -> tuple[float, float, float]:
    """The mean gap of a truncation and the largest slopes of its two residuals."""
    at = (np.arange(kappa.size), kappa - 1)
    own, limit = (float(lipschitz(problem.hps, table[at])) for table in (problem.own, problem.limit))
    return float(problem.gap[at].mean()), own, limit


def _below(x: float) -> float:
    return float(np.nextafter(x, -np.inf))


def _chain(problem: Proxy, caps: Caps, limit: float) -> Ints | None:
    """The truncation of least mean gap within the caps; None where that is not below ``limit``.

    Candidates that cannot be part of one below ``limit`` are left out first: with all others at their best.
    """
    g, _ = problem.gap.shape
    share = problem.gap / g
    least = share.min(axis=1)
    slack = limit - least.sum() * (1 - 1e-12)  # rounding must not drop the minimiser
    kept = [np.flatnonzero(share[i] - least[i] <= slack) for i in range(g)]
    if any(k.size == 0 for k in kept):
        return None
    cost, came = share[0, kept[0]], []
    for i in range(1, g):
        width = problem.hps[i] - problem.hps[i - 1]
        cost, back = _step(problem, i, kept[i - 1], kept[i], cost, caps, width)
        came.append(back)
        cost = cost + share[i, kept[i]]
    end = int(np.argmin(cost))
    if not cost[end] < limit:
        return None
    path = [end]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return np.array([k[j] + 1 for k, j in zip(kept, reversed(path), strict=True)], dtype=np.int64)


def _step(
    problem: Proxy, i: int, before: Ints, after: Ints, cost: Floats, caps: Caps, width: float
) -> tuple[Floats, Ints]:
    """For each candidate at HP i, the cheapest way to reach it within the caps, and from where."""
    best, back = np.empty(after.size), np.empty(after.size, dtype=np.int64)
    rows = max(1, CELLS // before.size)
    for start in range(0, after.size, rows):
        part = after[start : start + rows]
        reach = np.broadcast_to(cost, (part.size, before.size)).copy()
        for table, cap in zip((problem.own, problem.limit), caps, strict=True):
            if np.isfinite(cap):  # the very quotient that ``slopes`` computes, so that ties are seen alike
                slope = (table[i, part][:, None] - table[i - 1, before][None, :]) / width
                reach[np.abs(slope) > cap] = np.inf
        back[start : start + rows] = np.argmin(reach, axis=1)
        best[start : start + rows] = reach[np.arange(part.size), back[start : start + rows]]
    return best, back
