"""Figure 4 of 2512.22768: risk against ridge at several widths, and the three gaps against width.

Curves and gaps are exact (`RandomFeatures`); the points come from the estimator itself at finite size
(`simulate`), with the penalty that (9), (10) are about. The picture in the documentation is written by
``hptheory figure 4 --out docs/_static``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, WIDTH_COLOURS, figure_style
from hptheory.random_features import RandomFeatures, simulate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

RIDGE_RANGE = (1e-2, 10.0)
GAP_WIDTHS = (4.0, 1e4)
FIT_FROM = 1e3
"""Slopes are fitted from this width on, where the next order of every gap is below 3 % of it."""


@dataclass(frozen=True)
class Figure4Setting:
    """What Figure 4 shows; the defaults are the paper's, which prints neither its widths nor its sizes.

    ``d``, ``trials`` and ``seed`` belong to the simulation; ``d`` makes every psi d a whole number.
    """

    activation: str = "tanh"
    teacher: str = "relu"
    psi1: float = 4.0
    noise_std: float = 0.25
    psi2: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    d: int = 100
    trials: int = 40
    seed: int = 0

    def model(self) -> RandomFeatures:
        """The exact theory of this setting."""
        return RandomFeatures.from_functions(self.activation, self.teacher, self.psi1, self.noise_std)


class Row(NamedTuple):
    """One plotted number; None where a column does not apply."""

    panel: str
    quantity: str
    kind: str
    psi2: float | None
    ridge: float | None
    value: float
    standard_error: float | None = None


def figure_04(
    setting: Figure4Setting | None = None, on_width: Callable[[float], None] | None = None
) -> tuple[Figure, dict[str, list[Any]]]:
    """Figure 4 and its numbers, as columns `panel, quantity, kind, psi2, ridge, value, standard_error`.

    Source: 2512.22768, Fig. 4. Panel a: `risk`, of kind `exact`, `simulated` or `optimum`; panel b: `a_n`,
    `b_n`, `c_n`, of kind `exact`, `asymptote` (C_eta eta, |C_lambda| eta, the constant of c_n times eta^2),
    `fitted slope` or `exact slope`. ``on_width`` is called with each psi2 before it is simulated.

    >>> small = Figure4Setting(psi2=(1.0, 4.0), d=10, trials=2)
    >>> figure, numbers = figure_04(small)
    >>> [round(v, 2) for v, kind in zip(numbers["value"], numbers["kind"]) if kind == "fitted slope"]
    [-1.0, -1.0, -1.99]
    """
    from matplotlib.figure import Figure

    chosen = setting or Figure4Setting()
    model = chosen.model()
    risks = [*risk_rows(model, chosen.psi2), *simulated_rows(chosen, on_width)]
    gaps = gap_rows(model)
    with figure_style():
        figure = Figure(figsize=(9.0, 4.2))
        left, right = figure.subplots(1, 2)
        _draw_risks(left, risks)
        _draw_gaps(right, gaps)
        figure.supxlabel(_caption(chosen), fontsize=8, color="0.35")
    rows = [*risks, *gaps]
    return figure, {name: [getattr(row, name) for row in rows] for name in Row._fields}


def risk_rows(model: RandomFeatures, widths: tuple[float, ...]) -> list[Row]:
    """The exact risk on a fine grid of ridges and at the optimal one, for each width and the infinite one."""
    ridge = np.geomspace(*RIDGE_RANGE, 61)
    rows = []
    for psi2 in (*widths, math.inf):
        curve = model.risk(ridge, psi2)
        rows += [Row("a", "risk", "exact", psi2, *at) for at in _pairs(ridge, curve)]
        rows.append(Row("a", "risk", "optimum", psi2, model.optimal_ridge(psi2), model.optimal_risk(psi2)))
    return rows


def simulated_rows(setting: Figure4Setting, on_width: Callable[[float], None] | None = None) -> list[Row]:
    """Risks of the finite-size estimator, mean and standard error over trials; a width has its own stream."""
    ridge = np.geomspace(*RIDGE_RANGE, 13)
    streams = np.random.default_rng(setting.seed).spawn(len(setting.psi2))
    rows = []
    for psi2, rng in zip(setting.psi2, streams, strict=True):
        if on_width is not None:
            on_width(psi2)
        found = simulate(
            setting.activation, setting.teacher, setting.psi1, psi2, ridge,
            d=setting.d, noise_std=setting.noise_std, trials=setting.trials, rng=rng,
        )  # fmt: skip
        points = zip(ridge, found.risk, found.standard_error, strict=True)
        rows += [Row("a", "risk", "simulated", psi2, *map(float, point)) for point in points]
    return rows


def gap_rows(model: RandomFeatures) -> list[Row]:
    """The exact gaps from psi2 = 4 on, their asymptotes, and fitted and exact slopes."""
    width = np.geomspace(*GAP_WIDTHS, 69)
    gaps = model.gaps(width)
    eta = model.psi1 / width
    limit = model.large_width(order=1)
    rows = []
    for quantity, exact, asymptote, power in (
        ("a_n", gaps.loss, limit.loss_gap_constant * eta, 1),
        ("b_n", gaps.hyperparameter, abs(limit.hyperparameter_gap_constant) * eta, 1),
        ("c_n", gaps.suboptimality, limit.suboptimality_constant * eta**2, 2),
    ):
        for kind, values in (("exact", exact), ("asymptote", asymptote)):
            rows += [Row("b", quantity, kind, n, None, value) for n, value in _pairs(width, values)]
        wide = width >= FIT_FROM
        fitted = fitted_slope(width[wide], exact[wide])
        rows.append(Row("b", quantity, "fitted slope", None, None, fitted))
        rows.append(Row("b", quantity, "exact slope", None, None, -float(power)))
    return rows


def fitted_slope(x: ArrayLike, y: ArrayLike) -> float:
    """The least-squares slope of ln y against ln x.

    >>> round(fitted_slope([1.0, 10.0, 100.0], [3.0, 0.03, 0.0003]), 12)
    -2.0
    """
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _draw_risks(axes: Axes, rows: list[Row]) -> None:
    widths = list(dict.fromkeys(row.psi2 for row in rows if row.psi2 is not None))
    colours = dict(zip(widths, [*WIDTH_COLOURS(len(widths) - 1), "black"], strict=True))
    markers = dict(zip(widths, cycle(MARKERS), strict=False))
    for psi2, colour in colours.items():
        name, line = (r"$\infty$", "--") if psi2 == math.inf else (f"{psi2:g}", "-")
        curve, points, best = (_select(rows, kind, psi2) for kind in ("exact", "simulated", "optimum"))
        axes.plot(*curve[:2], color=colour, linestyle=line, zorder=2)
        marker = markers[psi2] if points.size else ""
        ridge, risk, error = points
        axes.errorbar(
            ridge, risk, 2 * error, color=colour, marker=marker, linestyle="none", capsize=2, zorder=3
        )
        axes.plot([], [], color=colour, linestyle=line, marker=marker, label=name)
        axes.plot(*best[:2], "*", color="white", markeredgecolor=colour, markersize=11, zorder=4)
    axes.set_xscale("log")
    optima = [row.value for row in rows if row.kind == "optimum"]
    axes.set_ylim(min(optima) - 0.03, max(optima) + 0.33)
    axes.set_xlabel(r"ridge $\lambda$")
    axes.set_ylabel(r"prediction risk $\mathcal{R}_{\psi_2}(\lambda)$")
    axes.set_title(r"(a) the risk, and its optimum ($\star$), at every width", loc="left")
    axes.legend(title=r"width $\psi_2 = n/d$", ncols=3, loc="upper center")


def _draw_gaps(axes: Axes, rows: list[Row]) -> None:
    names = {
        "a_n": r"$a_n$, optimal risk",
        "b_n": r"$b_n$, optimal ridge",
        "c_n": r"$c_n$, suboptimality",
    }
    for (quantity, text), colour in zip(names.items(), CATEGORY_COLOURS, strict=False):
        own = [row for row in rows if row.quantity == quantity]
        fitted, exact = (_slope(own, kind) for kind in ("fitted slope", "exact slope"))
        label = f"{text}: slope {fitted:.3f} (exact {exact:.0f})".replace("-", "−")
        axes.plot(*_line(own, "exact"), color=colour, label=label)
        axes.plot(*_line(own, "asymptote"), color=colour, linestyle=":", linewidth=1.2)
    axes.plot([], [], color="0.4", linestyle=":", linewidth=1.2, label="large-width asymptote")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1e-12, 1.0)  # room for the legend below the lines
    axes.set_xlabel(r"width $\psi_2 = n/d$")
    axes.set_ylabel("gap to infinite width")
    axes.set_title("(b) how fast loss, ridge and transfer converge", loc="left")
    axes.legend(loc="lower left")


def _pairs(x: Floats, y: Floats) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _select(rows: list[Row], kind: str, psi2: float) -> Floats:
    """(ridge, value, standard error) of a kind at a width, [3, points]."""
    points = [
        (row.ridge, row.value, row.standard_error) for row in rows if (row.kind, row.psi2) == (kind, psi2)
    ]
    return np.array(points, dtype=float).reshape(-1, 3).T


def _line(rows: list[Row], kind: str) -> Floats:
    """(psi2, value) of a kind, [2, points]."""
    return np.array([(row.psi2, row.value) for row in rows if row.kind == kind], dtype=float).T


def _slope(rows: list[Row], kind: str) -> float:
    return next(row.value for row in rows if row.kind == kind)


def _caption(setting: Figure4Setting) -> str:
    sizes = rf"$d = {setting.d}$, {setting.trials} trials, seed {setting.seed}"
    model = rf"{setting.activation} student, {setting.teacher} teacher, $\psi_1 = {setting.psi1:g}$"
    return (
        f"{model}, noise std {setting.noise_std:g}. Lines: exact theory.\n"
        f"Points: simulation, {sizes}; bars: two standard errors. "
        rf"Slopes: fitted to $\psi_2 \geq {FIT_FROM:g}$."
    )
