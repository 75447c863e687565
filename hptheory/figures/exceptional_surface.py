"""Where the optimal ridge of random features stands still at first order in 1/width: C_lambda = 0.

Formulas: ``hptheory.random_features.exceptional``; the theorem behind the picture: docs, "Theorem 3, sharp".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import WIDTH_COLOURS, figure_style
from hptheory.random_features.exceptional import (
    gap_polynomials,
    noise_to_signal,
    second_order_factor,
    surface_psi1,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MU1_SQS = (0.87, 0.9, 0.93, 0.96, 0.98, 0.995)
LARGEST_MU2_SQ = (2 - np.sqrt(2)) / 4
"""The surface exists for mu2_sq = 1 - mu1_sq below this only."""


class SurfaceLine(NamedTuple):
    """The section of the surface at one mu1_sq, along the curve parameter s."""

    s: np.ndarray
    noise_to_signal: np.ndarray
    psi1: np.ndarray


def exceptional_surface(
    mu1_sqs: Sequence[float] = MU1_SQS, points: int = 400
) -> tuple[Figure, dict[str, list[float]]]:
    """The figure and its numbers, as columns `mu1_sq, s, noise_to_signal, psi1, order`.

    One line for each mu1_sq > (2 + sqrt 2)/4: the models (B/A, psi1) with C_lambda = 0. Inside a line
    C_lambda < 0, the optimal ridge of a narrower model is smaller; outside it is larger. ``order`` is that of
    the hyperparameter gap in 1/psi2: 2 on the lines, 3 at the one point that is marked on a line, 4 at the
    star.

    >>> figure, numbers = exceptional_surface((0.93,), points=50)
    >>> sorted(set(numbers["order"]))
    [2, 3, 4]
    """
    from matplotlib.figure import Figure

    rows: list[tuple[float, ...]] = []
    with figure_style():
        figure = Figure(figsize=(6.4, 4.4))
        axes = figure.subplots()
        for mu1_sq, colour in zip(mu1_sqs, WIDTH_COLOURS(len(mu1_sqs)), strict=True):
            line, point = surface_line(mu1_sq, points), third_order_point(mu1_sq)
            axes.plot(line.noise_to_signal, line.psi1, color=colour, label=f"{mu1_sq:g}")
            rows += [(mu1_sq, *row, 2) for row in zip(*map(np.ndarray.tolist, line), strict=True)]
            if point is not None:
                axes.plot(*point[1:], "o", color=colour, markeredgecolor="black", markersize=5)
                rows.append((mu1_sq, *point, 3))
        star = fourth_order_point()
        axes.plot(*star[2:], "*", color="black", markersize=11)
        rows.append((*star, 4))
        _label(axes)
    names = ("mu1_sq", "s", "noise_to_signal", "psi1", "order")
    return figure, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def surface_line(mu1_sq: float, points: int = 400) -> SurfaceLine:
    """The section of C_lambda = 0 at one mu1_sq, dense towards both ends, where psi1 goes to infinity.

    Domain: (2 + sqrt 2)/4 < mu1_sq < 1, else `DomainError`.
    """
    if not 1 - LARGEST_MU2_SQ < mu1_sq < 1:
        raise DomainError("mu1_sq", mu1_sq, "in ((2 + sqrt 2)/4, 1)", "elsewhere C_lambda is positive")
    low, high = _ends(mu1_sq)
    # a changes sign at both ends; a uniform grid in the logit of the position is dense there.
    share = 1 / (1 + np.exp(-np.linspace(-12, 12, points)))
    s = low * (high / low) ** share
    psi1 = surface_psi1(s, mu1_sq)
    return SurfaceLine(s, noise_to_signal(s, psi1), psi1)


def third_order_point(mu1_sq: float) -> tuple[float, float, float] | None:
    """(s, B/A, psi1) of the model on the section whose second coefficient vanishes too, or None."""
    from scipy.optimize import brentq

    s = brentq(lambda log_s: second_order_factor(np.exp(log_s), mu1_sq), np.log(1e-3), np.log(1e9))
    s = float(np.exp(s))
    if not gap_polynomials(s, mu1_sq).a < 0:
        return None
    psi1 = surface_psi1(s, mu1_sq)
    return s, noise_to_signal(s, psi1), psi1


def fourth_order_point() -> tuple[float, float, float, float]:
    """(mu1_sq, s, B/A, psi1) of the one model whose first three coefficients vanish.

    s is the positive root of 75 s^4 - 790 s^3 - 3588 s^2 - 5304 s - 2952, and mu2_sq the root of
    `second_order_factor` there (claim exceptional-point of proofs_check).
    """
    from scipy.optimize import brentq

    s = float(max(np.roots([75, -790, -3588, -5304, -2952]).real))
    mu1_sq = brentq(lambda u: second_order_factor(s, u), 1 - LARGEST_MU2_SQ, 1.0, xtol=1e-15)
    psi1 = surface_psi1(s, mu1_sq)
    return mu1_sq, s, noise_to_signal(s, psi1), psi1


def _ends(mu1_sq: float) -> tuple[float, float]:
    """The two s between which a(s) < 0: the positive roots of the quartic a."""
    v = 1 - mu1_sq
    roots = np.roots([v**2, 4 * v**2, 6 * v**2, 6 * v - 2, 1])
    low, high = sorted(root.real for root in roots if abs(root.imag) < 1e-9 and root.real > 0)
    return low, high


def _label(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(3e-3, 10)
    axes.set_ylim(0.5, 30)
    axes.set_xlabel(r"noise to signal $B/A = ({\mu_2^*}^2 + \sigma_\varepsilon^2)/{\mu_1^*}^2$")
    axes.set_ylabel(r"samples per dimension $\psi_1$")
    axes.legend(title="$C_\\lambda = 0$ at $\\mu_1^2 =$", loc="upper left")
    axes.text(0.97, 0.03, _CAPTION, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)


_CAPTION = """inside a line $C_\\lambda < 0$, outside $C_\\lambda > 0$
orders of $b_n$ in $1/\\psi_2$: 1, on a line 2, at a dot 3, at the star 4"""
