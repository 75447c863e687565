"""How the optimum moves with scale, and what that costs, for several sweeps side by side.

The picture that 2512.05620 judges scaling rules by: under the right one the optimum stands still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, figure_style
from hptheory.figures.top_k_profile import columns
from hptheory.transfer.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("kind", "series", "scale", "value", "low", "high", "inside")


@dataclass(frozen=True)
class Optimum:
    """The optimal HP at one scale with its 90 % interval; where none lies inside the grid (``inside`` False),
    the best grid point, without one."""

    scale: float
    hp: float
    low: float
    high: float
    inside: bool = True


@dataclass(frozen=True)
class Cost:
    """What the HP of the smallest scale costs at this one, with its standard error."""

    scale: float
    loss: float
    error: float


def optima_of(report: Report) -> list[Optimum]:
    """The optimum at every scale of a report, by its fit or else by the grid."""
    found = []
    for row, curve in zip(report.optimum, report.curves, strict=True):
        if row.used and row.hp is not None and row.hp_low is not None and row.hp_high is not None:
            found.append(Optimum(row.width, row.hp, row.hp_low, row.hp_high))
        elif curve.x.size:
            x = float(curve.x[int(np.argmin(curve.mean))])
            hp = float(np.exp(x)) if report.table.log_axes[0] else x
            found.append(Optimum(row.width, hp, hp, hp, inside=False))
    return found


def transfer_costs(losses: Mapping[int, Any]) -> list[Cost]:
    """Loss at the best grid point of the smallest scale minus the least loss, at every scale.

    ``losses[scale]`` is [seed, g], all on one grid. Seeds share batches, so that the difference is taken seed
    by seed; its error is 0 with one seed. The least loss is that of the grid point with the least mean,
    which noise alone makes lower than the true least one: small costs are no evidence of a drift.

    *Laws*: never negative; 0 at the smallest scale.

    >>> [cost.loss for cost in transfer_costs({8: [[2.0, 1.0, 3.0]], 16: [[1.5, 1.0, 0.5]]})]
    [0.0, 0.5]
    """
    tables = {scale: np.atleast_2d(np.asarray(losses[scale], dtype=np.float64)) for scale in sorted(losses)}
    best = {scale: int(np.argmin(_mean(table))) for scale, table in tables.items()}
    start = best[min(best)]
    found = []
    for scale, table in tables.items():
        with np.errstate(invalid="ignore"):
            apart = table[:, start] - table[:, best[scale]]
            error = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else 0.0
        found.append(Cost(scale, float(apart.mean()), error))
    return found


def optimum_drift(
    optima: Mapping[str, Sequence[Optimum]],
    costs: Mapping[str, Sequence[Cost]],
    hp_name: str = "learning rate",
    scale_name: str = "width $n$",
    guide: tuple[float, str] | None = None,
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, series, scale, value, low, high, inside``.

    Left (`kind` optimum): the optimum of every series against scale, relative to its first one inside the
    grid, with 90 % intervals; hollow where the grid has no optimum inside. ``guide`` (exponent, label) is a
    power of the scale, dotted. Right (`cost`): what the HP of the smallest scale costs, with two standard
    errors. In the numbers optima are the HPs themselves.

    Domain: at least one series, each with an optimum, else ``DomainError``.

    >>> still = [Optimum(8, 0.1, 0.09, 0.11), Optimum(16, 0.1, 0.09, 0.11)]
    >>> figure, numbers = optimum_drift({"a": still}, {"a": [Cost(8, 0.0, 0.0), Cost(16, 0.1, 0.02)]})
    >>> numbers["value"]
    [0.1, 0.1, 0.0, 0.1]
    """
    from matplotlib.figure import Figure

    if not optima or not all(optima.values()):
        raise DomainError("optima", dict(optima), "one series or more, each with an optimum")
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(10.0, 4.2))
        drift, price = figure.subplots(1, 2)
        for index, (name, series) in enumerate(optima.items()):
            look: dict[str, Any] = {"color": CATEGORY_COLOURS[index % len(CATEGORY_COLOURS)]}
            look |= {"marker": MARKERS[index % len(MARKERS)], "label": name, "capsize": 2}
            look["linestyle"] = "-" if index < len(CATEGORY_COLOURS) else "--"
            rows += _optima(drift, name, series, look)
            rows += _costs(price, name, costs.get(name, ()), look)
        if guide is not None:
            exponent, label = guide
            scales = np.array(sorted({row[2] for row in rows}))
            drift.plot(scales, (scales / scales[0]) ** exponent, "k:", linewidth=1.0, label=label)
        drift.set_yscale("log", base=2)
        low, high = drift.get_ylim()
        drift.set_ylim(min(low, 0.5), max(high, 2.0))  # an octave to both sides: a small drift looks small
        drift.set_ylabel(f"best {hp_name}, relative")
        price.set_ylabel("loss above the own optimum")
        for panel in (drift, price):
            panel.set_xscale("log", base=2)
            panel.set_xlabel(scale_name)
        drift.legend(fontsize=8)
    return figure, columns(NAMES, rows)


def _optima(panel: Any, name: str, series: Sequence[Optimum], look: dict[str, Any]) -> list[tuple[Any, ...]]:
    inside = [point for point in series if point.inside]
    unit = (inside or list(series))[0].hp
    scales = np.array([point.scale for point in series])
    hp, low, high = (np.array([getattr(p, field) for p in series]) / unit for field in ("hp", "low", "high"))
    # An interval that is open to one side ends where the axis does.
    error = np.clip(np.stack([hp - low, high - hp]), 0.0, 1e3 * hp)
    panel.errorbar(scales, hp, error, **look)
    out = np.array([not point.inside for point in series])
    panel.plot(
        scales[out],
        hp[out],
        color=look["color"],
        marker=look["marker"],
        mfc="white",
        linestyle="none",
        zorder=5,
    )
    return [("optimum", name, p.scale, p.hp, p.low, p.high, p.inside) for p in series]


def _costs(panel: Any, name: str, costs: Sequence[Cost], look: dict[str, Any]) -> list[tuple[Any, ...]]:
    drawn = [cost for cost in costs if np.isfinite(cost.loss)]
    scales, losses, errors = ([getattr(c, field) for c in drawn] for field in ("scale", "loss", "error"))
    panel.errorbar(scales, losses, 2 * np.array(errors), **look)
    return [("cost", name, c.scale, c.loss, c.loss - 2 * c.error, c.loss + 2 * c.error, None) for c in costs]


def _mean(table: np.ndarray) -> np.ndarray:
    """Means over seeds; infinite where a run diverged or is missing."""
    mean = table.mean(0)
    return np.where(np.isfinite(mean), mean, np.inf)
