"""The gaps a_n and b_n against width on logarithmic axes, with their power laws and 90 % bands (2512.22768,
Fig. 4b, 5b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, figure_style
from hptheory.transfer.exponents import PowerLaw
from hptheory.transfer.optimum import Optima
from hptheory.transfer.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


def gap_scaling(report: Report) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns `kind, quantity, width, value, low, high` (`kind`: measured,
    fitted).

    Gaps are taken to the fitted limit where it is identified (a band shows every law within the 90 % interval
    of the exponent), else to the largest width, which then has no point of its own; the axis label says
    which.

    >>> from hptheory.transfer import SweepTable, analyse
    >>> n, x = np.meshgrid([64.0, 128.0, 256.0, 512.0], np.linspace(-1.0, 1.0, 7), indexing="ij")
    >>> table = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": (3 / n + (x - 9 / n) ** 2).ravel()}
    >>> figure, numbers = gap_scaling(analyse(SweepTable.from_columns(table)))
    >>> numbers["kind"].count("measured")
    8
    """
    from matplotlib.figure import Figure

    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure()
        axes = figure.add_subplot()
        hp = report.table.hp_names[0]
        label = (
            rf"$b_n$: $|\ln${hp}$^*(n) - \ln${hp}$^*(\infty)|$"
            if report.table.log_axes[0]
            else rf"$b_n$ of {hp}"
        )
        for index, (name, law, text) in enumerate(
            (("loss", report.loss_law, r"$a_n$: $\phi_n^* - \phi_\infty^*$"), ("hp", report.hp_law, label))
        ):
            if law is None or report.optima is None:
                continue
            style = {"color": CATEGORY_COLOURS[1 + index], "marker": MARKERS[index]}
            rows += _series(axes, report.optima, law, name, text, style)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel(f"{report.table.scale_name} $n$")
        axes.set_ylabel("gap")
        if rows:
            axes.legend()
    names = ("kind", "quantity", "width", "value", "low", "high")
    return figure, {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _series(
    axes: Any, optima: Optima, law: PowerLaw, name: str, text: str, style: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Draw one gap with its law; its points."""
    width = optima.width
    y = optima.value if name == "loss" else optima.position
    error = optima.value_error if name == "loss" else optima.position_error
    known = bool(law.exponent.estimate) and law.limit.estimate is not None
    limit = law.limit.estimate if known and law.limit.estimate is not None else float(y[-1])
    gap = np.abs(y - limit)
    keep = gap > 0
    note = "" if known else " (against the largest width)"
    rows: list[tuple[Any, ...]] = []
    low = np.maximum(gap - 1.645 * error, gap * 1e-2)
    high = gap + 1.645 * error
    axes.errorbar(
        width[keep], gap[keep], np.stack([gap - low, high - gap])[:, keep], linestyle="none", capsize=2,
        label=text + note, **style,
    )  # fmt: skip
    rows += [("measured", name, float(w), float(g), float(a), float(b)) for w, g, a, b in zip(
        width[keep], gap[keep], low[keep], high[keep], strict=True)]  # fmt: skip
    if known:
        fine = np.geomspace(width[0], width[-1], 41)
        best = law.gap(fine)
        band = law.band(fine)
        axes.plot(fine, best, color=style["color"])
        axes.fill_between(fine, band[0], band[1], color=style["color"], alpha=0.2, linewidth=0)
        rows += [("fitted", name, *map(float, row)) for row in zip(fine, best, *band, strict=True)]
    return rows
