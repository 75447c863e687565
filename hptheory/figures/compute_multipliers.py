"""Loss against compute by optimizer, and the compute multiplier over the first of them (as in 2512.05620)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, figure_style
from hptheory.figures.top_k_profile import columns
from hptheory.transfer.multiplier import LossCurve, compute_multiplier
from hptheory.transfer.prices import costs_at
from hptheory.transfer.report import Report
from hptheory.transfer.sweep_costs import loss_curve_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("kind", "series", "compute", "value", "low", "high")
GRID = 61


def compute_multipliers(reports: Mapping[str, Report]) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, series, compute, value, low, high``.

    Left: each width's optimal loss against the cost of a run (`loss`), and the curve through them (`fitted`)
    with its 90 % band. Right (`multiplier`): how many times the compute the first optimizer needs for what
    another reaches, with 90 % intervals, over the losses that both reached.

    Domain: two reports or more, of three widths each with an optimum inside the grid, whose losses overlap;
    else ``DomainError``.

    >>> from hptheory.transfer import SweepTable, analyse
    >>> n, x = np.meshgrid([64.0, 128.0, 256.0, 512.0], np.linspace(-1.0, 1.0, 7), indexing="ij")
    >>> def report(factor):
    ...     loss = 2 + 8 / (factor**0.5 * n) + x**2 / 10
    ...     columns = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": loss.ravel()}
    ...     return analyse(SweepTable.from_columns({**columns, "cost": n.ravel() ** 2}))
    >>> figure, numbers = compute_multipliers({"Adam": report(1.0), "Muon": report(1.4)})
    >>> [round(v, 2) for kind, v in zip(numbers["kind"], numbers["value"]) if kind == "multiplier"]
    [1.4, 1.4, 1.4]
    """
    from matplotlib.figure import Figure

    if len(reports) < 2:
        raise DomainError("number of sweeps", len(reports), ">= 2, the reference first")
    curves = {name: loss_curve_of(report) for name, report in reports.items()}
    reference = next(iter(reports))
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(10.0, 4.0))
        losses, gains = figure.subplots(1, 2)
        for index, (name, report) in enumerate(reports.items()):
            colour = CATEGORY_COLOURS[index % len(CATEGORY_COLOURS)]
            look = {"color": colour, "marker": MARKERS[index % len(MARKERS)], "capsize": 2, "label": name}
            rows += _losses(losses, name, report, curves[name], look)
            if name != reference:
                found = compute_multiplier(curves[name], curves[reference])
                value, low, high = (
                    np.array([getattr(m, field) for m in found]) for field in ("estimate", "low", "high")
                )
                gains.errorbar(
                    [m.compute for m in found], value, np.stack([value - low, high - value]), **look
                )
                rows += [("multiplier", name, m.compute, m.estimate, m.low, m.high) for m in found]
        gains.axhline(1.0, color=CATEGORY_COLOURS[0], linewidth=1.0)
        losses.set(xlabel="compute of one run", ylabel=r"optimal loss $\phi_n^\star$")
        gains.set(xlabel=f"compute of {reference}", ylabel=f"compute multiplier over {reference}")
        losses.set_xscale("log")
        gains.set_xscale("log")
        gains.set_xlim(losses.get_xlim())
        losses.legend()
    return figure, columns(NAMES, rows)


def _losses(
    panel: Any, name: str, report: Report, curve: LossCurve, look: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Draw the optimal losses and the curve through them; their points."""
    optima = report.optima
    assert optima is not None  # loss_curve_of has refused a report without
    cost = costs_at(report.table, optima.width)
    half = 1.645 * optima.value_error
    panel.errorbar(cost, optima.value, half, linestyle="none", **look)
    fine = np.geomspace(*curve.measured, GRID)
    drawn = np.stack([np.percentile(curve.loss(c), (50.0, 5.0, 95.0)) for c in fine], axis=1)
    panel.plot(fine, drawn[0], color=look["color"])
    panel.fill_between(fine, drawn[1], drawn[2], color=look["color"], alpha=0.15, linewidth=0)
    points = zip(cost, optima.value, optima.value - half, optima.value + half, strict=True)
    return [("loss", name, *map(float, point)) for point in points] + [
        ("fitted", name, *map(float, row)) for row in zip(fine, *drawn, strict=True)
    ]
