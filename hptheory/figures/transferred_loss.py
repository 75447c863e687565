"""What transfer costs, measured: loss against HP by width, and the loss at the own and at the transferred HP.

The picture of 2512.22768, Fig. 6, 11, 13, 24, 25, 27 and 31.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("kind", "width", "hp", "loss", "error")


def transferred_loss(
    losses: Mapping[int, Any],
    hps: ArrayLike,
    hp_name: str = "learning rate",
    *,
    linearised: Mapping[int, Any] | None = None,
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, width, hp, loss, error``.

    ``losses[n]`` is ``[seed, g]`` at width n, ``hps`` ``[g]``. Left: the mean over seeds (`kind` mean) with
    two standard errors, and dashed the linearised loss where it is given, ``[g]``. Right: the mean loss at
    each width's own best grid point (`own`) and at that of the narrowest width (`transferred`).

    A mean that is not finite (a diverged run) has no point.

    Domain: at least two widths, each with a finite mean somewhere, and seeds x HPs of one shape; else
    ``DomainError``.

    *Laws*: the transferred loss is never below the own one, and equal at the narrowest width.

    >>> x = np.array([1.0, 2.0, 4.0])
    >>> figure, numbers = transferred_loss({8: [[2.0, 1.0, 3.0]], 16: [[1.5, 1.0, 0.5]]}, x)
    >>> [float(m) for kind, m in zip(numbers["kind"], numbers["loss"]) if kind in ("own", "transferred")]
    [1.0, 1.0, 0.5, 1.0]
    """
    from matplotlib.figure import Figure

    x = np.asarray(hps, dtype=np.float64)
    tables = {n: _table(n, losses[n], x) for n in sorted(losses)}
    if len(tables) < 2:
        raise DomainError("widths", list(tables), "at least two")
    means = {n: table.mean(0) for n, table in tables.items()}
    best = {n: _best(n, mean) for n, mean in means.items()}
    narrowest = min(tables)
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(9.0, 3.8))
        curves, scaling = figure.subplots(1, 2)
        for index, (n, colour) in enumerate(zip(tables, WIDTH_COLOURS(len(tables)), strict=True)):
            error = _error(tables[n])
            curves.errorbar(
                x, means[n], 2 * error, color=colour, marker=MARKERS[index % len(MARKERS)], capsize=2,
                label=f"{n:g}",
            )  # fmt: skip
            curves.plot(x[best[n]], means[n][best[n]], color=colour, marker="*", markersize=13, mec="white")
            rows += [("mean", n, h, m, e) for h, m, e in zip(x, means[n], error, strict=True)]
            if linearised is not None and n in linearised:
                line = np.asarray(linearised[n], dtype=np.float64)
                curves.plot(x, line, color=colour, linestyle="--", linewidth=1.0)
                rows += [("linearised", n, h, value, np.nan) for h, value in zip(x, line, strict=True)]
        at = {"own": best, "transferred": dict.fromkeys(tables, best[narrowest])}
        for (kind, places), hue, marker in zip(at.items(), CATEGORY_COLOURS[1:], "o^", strict=False):
            points = [(n, x[k], means[n][k], _error(tables[n])[k]) for n, k in places.items()]
            rows += [(kind, *point) for point in points]
            label = "own best" if kind == "own" else f"best of {narrowest:g}"
            widths, _, chosen, errors = (np.array(column) for column in zip(*points, strict=True))
            scaling.errorbar(widths, chosen, 2 * errors, color=hue, marker=marker, capsize=2, label=label)
        _frame(curves, scaling, [*means.values(), *(linearised or {}).values()], hp_name)
        log_hp_axis(curves, x)
    return figure, columns(NAMES, sorted(rows, key=_order))


def seed_means(width: int, losses: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean over seeds of ``losses`` [seed, g], and its standard error."""
    table = _table(width, losses, x)
    return table.mean(0), _error(table)


def _table(width: int, losses: Any, x: np.ndarray) -> np.ndarray:
    table = np.atleast_2d(np.asarray(losses, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != len(x):
        raise DomainError(f"losses of width {width}", table.shape, f"[seed, {len(x)}], a column for each HP")
    return table


def _best(width: int, mean: np.ndarray) -> int:
    if not np.isfinite(mean).any():
        raise DomainError(f"losses of width {width}", "none finite", "finite at one HP or more")
    return int(np.argmin(np.where(np.isfinite(mean), mean, np.inf)))


def _error(table: np.ndarray) -> np.ndarray:
    """Standard errors of the mean over seeds; 0 where there is one seed."""
    if len(table) == 1:
        return np.zeros(table.shape[1])
    with np.errstate(invalid="ignore"):
        return table.std(0, ddof=1) / np.sqrt(len(table))


def _order(row: tuple[Any, ...]) -> tuple[int, Any]:
    """Curves first, then the two series width by width."""
    return (0, 0) if row[0] in ("mean", "linearised") else (1, row[1])


def _frame(curves: Any, scaling: Any, losses: Sequence[Any], hp_name: str) -> None:
    everything = np.concatenate([np.asarray(each, dtype=np.float64) for each in losses])
    finite = everything[np.isfinite(everything)]
    lowest, top = finite.min(), np.quantile(finite, 0.8)
    curves.set_ylim(lowest - 0.05 * (top - lowest), top + 0.15 * (top - lowest) + 1e-12)
    curves.set_xlabel(hp_name)
    curves.set_ylabel(r"loss $\phi_n$")
    curves.legend(title="width")
    scaling.set_xscale("log", base=2)
    scaling.set_xlabel("width $n$")
    scaling.set_ylabel("loss at the chosen HP")
    scaling.legend(title=hp_name)
