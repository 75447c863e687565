"""Figure 3 of 2512.22768: what the loss gap, the hyperparameter gap and the suboptimality gap are.

Drawn from a family of the zoo whose gaps are known exactly, so that every arrow has the length it claims.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hptheory.figures.style import CATEGORY_COLOURS, WIDTH_COLOURS, figure_style
from hptheory.transfer.known_family import KnownFamily
from hptheory.transfer.zoo import quadratic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GAP, _LIMIT = CATEGORY_COLOURS[2], CATEGORY_COLOURS[0]


def figure_03(
    family: KnownFamily | None = None, widths: Sequence[float] = (4.0, 16.0)
) -> tuple[Figure, dict[str, list[Any]]]:
    """Figure 3 and its numbers, as columns `panel, quantity, width, x, value`.

    Panels a, b, c show a_n, b_n and c_n at the narrowest width, as double arrows between dotted lines.
    `quantity` is `loss` (the curves) or the gap's name; the limit has width inf.

    Source: 2512.22768, Fig. 3. The default family is phi_n(x) = 2 n^-0.8 + (x - 1.6 n^-0.5)^2 / 2.

    >>> figure, numbers = figure_03()
    >>> gaps = dict(zip(numbers["quantity"], numbers["value"]))
    >>> abs(gaps["c_n"] - gaps["b_n"] ** 2 / 2) < 1e-15
    True
    """
    from matplotlib.figure import Figure

    chosen = family or quadratic(0.8, 0.5, loss_amplitude=2, hp_amplitude=1.6, box=((-1.0, 2.0),))
    narrowest = min(widths)
    rows: list[tuple[str, str, float, float | None, float]] = []
    with figure_style():
        figure = Figure(figsize=(9.6, 3.3))
        panels = figure.subplots(1, 3, sharey=True)
        for axes, letter, name in zip(panels, "abc", ("a_n", "b_n", "c_n"), strict=True):
            rows += [(letter, *row) for row in _draw_curves(axes, chosen, widths)]
            gap = _DRAW[name](axes, chosen, narrowest)
            rows.append((letter, name, narrowest, None, gap))
            axes.set_xlabel(r"hyperparameter $\nu$")
            axes.set_title(f"({letter}) {_TITLES[name]} ${name} = {gap:.2f}$".replace("-", "−"), loc="left")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(visible=False)
        panels[0].set_ylabel(r"loss $\phi_n(\nu)$")
        panels[1].legend(loc="upper center")
    columns = zip(*rows, strict=True)
    return figure, {
        name: list(column)
        for name, column in zip(("panel", "quantity", "width", "x", "value"), columns, strict=True)
    }


_TITLES = {"a_n": "loss gap", "b_n": "hyperparameter gap", "c_n": "suboptimality gap"}


def _draw_curves(
    axes: Axes, family: KnownFamily, widths: Sequence[float]
) -> list[tuple[str, float, float, float]]:
    x = family.lattice(121)
    rows = []
    for width, colour in zip(
        (*sorted(widths), math.inf), (*WIDTH_COLOURS(len(widths) + 1)[:-1], _LIMIT), strict=True
    ):
        loss = family(width, x)
        name, line = (r"$\phi_\infty$", "--") if width == math.inf else (rf"$\phi_n$, $n = {width:g}$", "-")
        axes.plot(x, loss, color=colour, linestyle=line, label=name)
        best = float(family.optimum(width))
        axes.plot(best, float(family.best(width)), "o", color=colour)
        rows += [("loss", width, *pair) for pair in zip(x.tolist(), loss.tolist(), strict=True)]
    axes.set_ylim(-0.35, 1.9)
    return rows


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], name: str) -> None:
    arrow = {"arrowstyle": "<->", "color": _GAP, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    across = start[1] == end[1]
    axes.annotate(
        f"${name}$", middle, xytext=(0, -14) if across else (5, -3), textcoords="offset points",
        color=_GAP, fontsize=13, ha="center" if across else "left",
    )  # fmt: skip


def _draw_loss_gap(axes: Axes, family: KnownFamily, width: float) -> float:
    low, high, at = float(family.best(math.inf)), float(family.best(width)), family.box[0][1] - 0.35
    for level, start in ((low, math.inf), (high, width)):
        axes.hlines(level, float(family.optimum(start)), at + 0.1, color="0.5", linestyle=":", linewidth=1.0)
    _arrow(axes, (at, low), (at, high), "a_n")
    return high - low


def _draw_hyperparameter_gap(axes: Axes, family: KnownFamily, width: float) -> float:
    left, right, at = float(family.optimum(math.inf)), float(family.optimum(width)), -0.12
    for x, top in ((left, float(family.best(math.inf))), (right, float(family.best(width)))):
        axes.vlines(x, at - 0.05, top, color="0.5", linestyle=":", linewidth=1.0)
    _arrow(axes, (left, at), (right, at), "b_n")
    return abs(right - left)


def _draw_suboptimality_gap(axes: Axes, family: KnownFamily, width: float) -> float:
    x, low = float(family.optimum(width)), float(family.best(math.inf))
    landed = float(family(math.inf, x))
    axes.vlines(x, landed, float(family.best(width)), color="0.5", linestyle=":", linewidth=1.0)
    axes.hlines(low, float(family.optimum(math.inf)), x + 0.1, color="0.5", linestyle=":", linewidth=1.0)
    axes.plot(x, landed, "s", color=_LIMIT)
    _arrow(axes, (x, low), (x, landed), "c_n")
    return landed - low


_DRAW = {"a_n": _draw_loss_gap, "b_n": _draw_hyperparameter_gap, "c_n": _draw_suboptimality_gap}
