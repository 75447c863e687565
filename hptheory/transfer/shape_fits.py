"""Least-squares fits of families of loss curves, many at once.

phi_n(x) = value_n + shape_n(z), z = (x - position_n)/unit. Given the positions the model is linear, so each
Gauss-Newton step is a linear problem. Two parameters belong to each width (value and position) and are
projected out width by width, so the cost is linear in the number of widths. Arrays are so small that calls
cost more than sums: all families of one degree, on all windows, go through a step together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.shape_families import Cells, ShapeFit, Task, akaike

Floats = NDArray[np.float64]
ITERATIONS = 25
PATIENT = 7
"""Steps after which they must grow shorter."""
CONVERGED = 1e-2
"""Steps in standard errors of the positions: Gauss-Newton's next step would be far smaller than the noise."""


def fit_shapes(cells: Cells, tasks: Sequence[Task], known_noise: bool = True) -> list[ShapeFit | None]:
    """The least-squares member of each task's family, all of one degree; None: no minimum at every width.

    Gauss-Newton from the given start. A task whose cells cannot tell its coefficients apart, or which does
    not converge, gives None too.
    """
    # A fit that runs away overflows before it is given up; its numbers are not used.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        problem = _Problem.of(cells, tasks)
        done, fitted = _iterate(problem, *_start(problem, tasks))
        good = done & _is_minimum(problem, fitted)
        covariance = fitted.covariance()
    found, widths = list[ShapeFit | None](), cells.log_width.size
    for i, task in enumerate(tasks):
        if not good[i]:
            found.append(None)
            continue
        family, residual, shared = task.family, fitted.residual[i], fitted.shared[i].reshape(2, -1)
        blocks = shared if family.sided else shared[:1] + problem.factor[i, :, None] * shared[1]
        coefficients = np.repeat(blocks[:, None], widths, axis=1) if family.sided else blocks[None]
        parameters, count = family.parameters(widths), int(cells.count[task.window])
        score = akaike(float(np.sum(residual**2)), parameters, count, known_noise)
        found.append(
            ShapeFit(
                family, fitted.value[i], fitted.position[i], covariance[i], coefficients, shared,
                float(cells.unit[task.window]), residual, parameters, count, score,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, eq=False)
class _Problem:
    """The tasks stacked: arrays [task, width, cell]; `first` is the weights' unit vector of each width."""

    degree: int
    x: Floats
    weight: Floats
    target: Floats
    first: Floats
    norm: Floats
    unit: Floats
    sided: NDArray[np.bool_]
    factor: Floats

    @classmethod
    def of(cls, cells: Cells, tasks: Sequence[Task]) -> _Problem:
        window = [task.window for task in tasks]
        weight = cells.weight[window]
        norm = np.sqrt(np.einsum("twc,twc->tw", weight, weight))
        varying = np.array([float(task.family.varying) for task in tasks])
        return cls(
            degree=tasks[0].family.degree,
            x=cells.x[window],
            weight=weight,
            target=cells.mean[window] * weight,
            first=weight / norm[..., None],
            norm=norm,
            unit=cells.unit[window],
            sided=np.array([task.family.sided for task in tasks]),
            factor=varying[:, None] * cells.log_width,
        )

    def take(self, keep: NDArray[np.intp]) -> _Problem:
        """Some of the tasks."""
        return _Problem(self.degree, *(a[keep] for name, a in vars(self).items() if name != "degree"))

    def columns(self, position: Floats, shared: Floats) -> tuple[Floats, Floats]:
        """The weighted design [task, width, cell, both blocks], and d(loss)/d(position) times weight."""
        z = (self.x - position[..., None]) / self.unit[:, None, None]
        left = self.sided[:, None, None] & (z < 0)
        blocks = np.where(left, 0.0, self.weight), np.where(left, self.weight, 0.0)
        blocks[1][...] += self.weight * self.factor[..., None]
        terms = self.degree - 1
        design = np.empty((*z.shape, 2 * terms + 1))
        slope = np.zeros(z.shape)
        power = z
        for j in range(terms):
            for b, block in enumerate(blocks):
                weighted = block * power
                slope -= weighted * ((j + 2) * shared[:, b * terms + j] / self.unit)[:, None, None]
                np.multiply(weighted, z, out=design[..., b * terms + j])
            power = power * z
        design[..., -1] = self.target
        return design, slope


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A step's linear problems, solved: positions after the step, values, shared coefficients, residuals."""

    position: Floats
    value: Floats
    shared: Floats
    residual: Floats
    inverse: Floats
    lift: Floats
    root: Floats

    @property
    def own_error(self) -> Floats:
        """Standard error of each position if the shape were known."""
        return np.abs(self.inverse[..., 1, 1])

    def covariance(self) -> Floats:
        """Covariance of (values, positions), [task, 2 widths, 2 widths]."""
        tasks, size = self.value.shape
        spread = self.lift @ self.root[:, None]
        spread = np.swapaxes(spread, 1, 2).reshape(tasks, 2 * size, -1)
        covariance = spread @ np.swapaxes(spread, 1, 2)
        own = self.inverse @ np.swapaxes(self.inverse, 2, 3)
        index = np.arange(size)
        for i in range(2):
            for k in range(2):
                covariance[:, index + i * size, index + k * size] += own[..., i, k]
        return covariance


def _solve(problem: _Problem, position: Floats, shared: Floats) -> _Fitted:
    """Least squares; the two local columns of each width are orthonormalised and projected out first."""
    design, slope = problem.columns(position, shared)
    ortho, inverse = _orthonormal(problem, slope)
    inside = np.swapaxes(ortho, 2, 3) @ design
    rest = (design - ortho @ inside).reshape(design.shape[0], -1, design.shape[-1])
    normal = np.swapaxes(rest, 1, 2) @ rest
    scale = np.sqrt(np.diagonal(normal[:, :-1, :-1], axis1=1, axis2=2))
    absent = scale == 0  # the second block of a family that has none
    scale = np.where(absent, 1.0, scale)
    matrix = normal[:, :-1, :-1] / (scale[:, :, None] * scale[:, None, :])
    diagonal = np.arange(scale.shape[1])
    matrix[:, diagonal, diagonal] = 1.0
    root = np.swapaxes(np.linalg.inv(_cholesky(matrix)), 1, 2) / scale[..., None]
    root[absent] = 0.0
    solved = (root @ (np.swapaxes(root, 1, 2) @ normal[:, :-1, -1:]))[..., 0]
    residual = (rest[..., -1] - (rest[..., :-1] @ solved[..., None])[..., 0]).reshape(slope.shape)
    lift = inverse @ inside[..., :-1]
    local = (inverse @ inside[..., -1:])[..., 0] - (lift @ solved[:, None, :, None])[..., 0]
    bound = problem.unit[:, None] / 4
    moved = position + np.clip(local[..., 1], -bound, bound)
    return _Fitted(moved, local[..., 0], solved, residual, inverse, lift, root)


def _orthonormal(problem: _Problem, slope: Floats) -> tuple[Floats, Floats]:
    """Orthonormal columns [task, width, cell, 2] of value and shift, and the inverse triangular factor."""
    across = np.einsum("twc,twc->tw", problem.first, slope)
    left = slope - problem.first * across[..., None]
    length = np.sqrt(np.einsum("twc,twc->tw", left, left))
    inverse = np.zeros((*across.shape, 2, 2))
    inverse[..., 0, 0], inverse[..., 1, 1] = 1 / problem.norm, 1 / length
    inverse[..., 0, 1] = -across / (problem.norm * length)
    return np.stack([problem.first, left / length[..., None]], axis=3), inverse


def _cholesky(matrix: Floats) -> Floats:
    """Cholesky factors [task, k, k]; nan for the tasks that have none."""
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(matrix) == 1:
            return np.full_like(matrix, np.nan)
        return np.concatenate([_cholesky(matrix[i : i + 1]) for i in range(len(matrix))])


def _start(problem: _Problem, tasks: Sequence[Task]) -> tuple[Floats, Floats]:
    """Starting positions and shapes: those given, else the common parabola through the cells."""
    position = np.array([task.position for task in tasks])
    terms = problem.degree - 1
    shared = np.zeros((len(tasks), 2, terms))
    square = ((problem.x - position[..., None]) / problem.unit[:, None, None]) ** 2 * problem.weight
    square -= problem.first * np.einsum("twc,twc->tw", problem.first, square)[..., None]
    bend = np.einsum("twc,twc->t", square, problem.target) / np.einsum("twc,twc->t", square, square)
    shared[:, 0, 0] = np.maximum(bend, 1e-12)
    shared[problem.sided, 1, 0] = shared[problem.sided, 0, 0]
    for i, task in enumerate(tasks):
        if task.shape is not None:
            shared[i] = 0.0
            shared[i, :, : task.shape.shape[1]] = task.shape
    return position, shared.reshape(len(tasks), -1)


def _iterate(problem: _Problem, position: Floats, shared: Floats) -> tuple[NDArray[np.bool_], _Fitted]:
    """Gauss-Newton, with Anderson's acceleration: which tasks converged, and the last step of each."""
    size = len(problem.unit)
    done = np.zeros(size, dtype=bool)
    going = np.arange(size)
    some, previous = problem, None
    final: dict[str, Floats] = {}
    for iteration in range(ITERATIONS):
        found = _solve(some, position, shared)
        step = (found.position - position) / found.own_error
        length = np.max(np.abs(step), axis=1)
        near = (length < CONVERGED) & (iteration > 0)
        lost = ~np.isfinite(length)
        if iteration > PATIENT and previous is not None:
            lost |= length > previous.length
        left = np.flatnonzero(~near & ~lost)
        if left.size < len(some.unit) or iteration == ITERATIONS - 1:
            for name, value in vars(found).items():
                final.setdefault(name, np.full((size, *value.shape[1:]), np.nan))[going] = value
            done[going] = ~lost
        if left.size == 0:
            break
        here = _Step(step, length, found.position, found.shared)
        if left.size < len(some.unit):
            some, going, here = some.take(left), going[left], here.take(left)
            previous = None if previous is None else previous.take(left)
        position, shared = here.accelerated(previous)
        previous = here
    return done, _Fitted(**final)


@dataclass(frozen=True, eq=False)
class _Step:
    """A step [task, width] in standard errors, its length, and where it leads."""

    step: Floats
    length: Floats
    position: Floats
    shared: Floats

    def take(self, keep: NDArray[np.intp]) -> _Step:
        """Some of the tasks."""
        return _Step(*(a[keep] for a in vars(self).values()))

    def accelerated(self, before: _Step | None) -> tuple[Floats, Floats]:
        """Where the secant through two steps vanishes (Anderson 1965, depth 1), not far beyond either."""
        if before is None:
            return self.position, self.shared
        change = self.step - before.step
        share = np.einsum("tw,tw->t", self.step, change) / np.einsum("tw,tw->t", change, change)
        share = np.clip(np.nan_to_num(share), -3.0, 3.0)[:, None]
        return (
            self.position - share * (self.position - before.position),
            self.shared - share * (self.shared - before.shared),
        )


def _is_minimum(problem: _Problem, fitted: _Fitted) -> NDArray[np.bool_]:
    """Whether every position lies among its cells, curves up, and no cell is fitted clearly lower."""
    some = problem.weight > 0
    low = np.min(np.where(some, problem.x, np.inf), axis=2)
    high = np.max(np.where(some, problem.x, -np.inf), axis=2)
    inside = np.all((fitted.position >= low) & (fitted.position <= high), axis=1)
    terms = problem.degree - 1
    first, second = fitted.shared[:, 0, None], fitted.shared[:, terms, None]
    upward = np.all(first + problem.factor * second > 0, axis=1) & (~problem.sided | (second[:, 0] > 0))
    error = np.sqrt(np.sum(fitted.inverse[..., 0, :] ** 2, axis=2))
    bound = fitted.value - error
    lower = problem.target - problem.weight * bound[..., None] < fitted.residual
    return inside & upward & ~np.any(lower & some, axis=(1, 2))
