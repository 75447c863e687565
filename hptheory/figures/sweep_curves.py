"""Loss against HP, one curve a width, with the fitted optima and their 90 % intervals (the picture of
2512.22768, Fig. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.figures.style import MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis
from hptheory.transfer.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP = 0.6
"""The loss axis ends where this share of the curves' cells fits in, so that blown-up losses do not hide the
optima."""


def sweep_curves(report: Report) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns `kind, width, hp, loss, low, high` (`kind`: measured, fitted,
    optimum).

    Measured points carry two standard errors of the mean over seeds; optima carry the 90 % interval of their
    position.

    >>> from hptheory.transfer import SweepTable, analyse
    >>> n, x = np.meshgrid([64.0, 128.0, 256.0], np.linspace(-1.0, 1.0, 7), indexing="ij")
    >>> table = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": (3 / n + (x - 9 / n) ** 2).ravel()}
    >>> figure, numbers = sweep_curves(analyse(SweepTable.from_columns(table)))
    >>> numbers["kind"].count("measured"), numbers["kind"].count("optimum")
    (21, 3)
    """
    from matplotlib.figure import Figure

    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure()
        axes = figure.add_subplot()
        log = report.table.log_axes[0]
        unit = np.exp if log else np.asarray
        for index, (curve, colour) in enumerate(
            zip(report.curves, WIDTH_COLOURS(len(report.curves)), strict=True)
        ):
            marker = MARKERS[index % len(MARKERS)]
            error = 2 * np.nan_to_num(curve.standard_error)
            hp = unit(curve.x)
            axes.errorbar(
                hp,
                curve.mean,
                error,
                color=colour,
                marker=marker,
                linestyle="none",
                capsize=2,
                label=f"{curve.width:g}",
            )
            rows += [
                ("measured", curve.width, h, m, m - e, m + e)
                for h, m, e in zip(hp, curve.mean, error, strict=True)
            ]
            rows += _fitted(report, curve.width, axes, colour)
        for row in report.optimum:
            if row.used:
                spot = np.array([row.hp_low, row.hp, row.hp_high, row.loss], dtype=np.float64)
                rows.append(("optimum", row.width, row.hp, row.loss, row.hp_low, row.hp_high))
                axes.plot(spot[[0, 2]], spot[[3, 3]], color="black", marker="|", markersize=8, linewidth=2)
                axes.plot(
                    spot[[1]], spot[[3]], color="black", marker="*", markersize=10, mec="white", zorder=5
                )
        _frame(axes, report, log)
    names = ("kind", "width", "hp", "loss", "low", "high")
    return figure, {name: [_plain(row[i]) for row in rows] for i, name in enumerate(names)}


def _fitted(report: Report, width: float, axes: Any, colour: Any) -> list[tuple[Any, ...]]:
    """Draw the fitted curve of one width over its window; its points."""
    optima = report.optima
    if optima is None or width not in optima.width:
        return []
    row = int(np.flatnonzero(optima.width == width)[0])
    low, high = optima.window[row]
    x = np.linspace(low, high, 61)
    loss = optima.curve(row, x)
    hp = np.exp(x) if report.table.log_axes[0] else x
    axes.plot(hp, loss, color=colour)
    return [("fitted", width, h, value, None, None) for h, value in zip(hp, loss, strict=True)]


def _frame(axes: Any, report: Report, log: bool) -> None:
    means = [curve.mean for curve in report.curves if curve.mean.size]
    if means:
        everything = np.concatenate(means)
        lowest = float(everything.min())
        top = max(float(np.quantile(everything, TOP)), max(float(mean.min()) for mean in means))
        span = 1.3 * (top - lowest) or 1.0
        axes.set_ylim(lowest - 0.08 * span, lowest + span)
    if log and report.curves:
        log_hp_axis(axes, np.exp(np.concatenate([curve.grid for curve in report.curves])))
    axes.set_xlabel(report.table.hp_names[0])
    axes.set_ylabel(r"loss $\phi_n$")
    axes.legend(title=report.table.scale_name)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else float(value)
