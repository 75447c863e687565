"""The truncation of each width, and top-k losses against k (as in 2512.22768, Fig. 10, 12, 26, 28, 33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import to_numpy
from hptheory.decomposition.truncation import checked_profiles
from hptheory.errors import DomainError
from hptheory.figures.style import MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = 1.3
"""The factor by which an axis of whole numbers goes beyond them."""


def top_k_profile(
    profiles: Mapping[int, Any],
    hps: ArrayLike,
    hp: float,
    truncations: Mapping[int, ArrayLike | None] | None = None,
    hp_name: str = "learning rate",
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, width, hp, k, value``.

    Right: phi_n^k against k at the one HP ``hp`` (`kind` profile), with a ring at kappa-hat. Left, where
    ``truncations`` are given: kappa-hat against the HP, a curve a width (`kind` truncation; ``value`` is
    kappa); widths that failed are named.

    ``profiles[n]`` is ``[g, n]``, ``hps`` ``[g]``; ``hp`` is one of ``hps``, else ``DomainError``.

    >>> phi = np.cumsum(-np.ones((3, 4)) / 4, axis=1)
    >>> figure, numbers = top_k_profile({2: phi[:, 1::2], 4: phi}, [1.0, 2.0, 3.0], hp=2.0)
    >>> numbers["k"], numbers["value"]
    ([1, 2, 1, 2, 3, 4], [-0.5, -1.0, -0.25, -0.5, -0.75, -1.0])
    """
    from matplotlib.figure import Figure

    x = np.asarray(to_numpy(hps), dtype=np.float64)
    tables, _ = checked_profiles(profiles, x)
    row = hp_index(x, hp)
    kappas = {n: to_numpy(k) for n, k in (truncations or {}).items() if k is not None}
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(9.6, 4.0) if truncations else (6.4, 4.0))
        panels = figure.subplots(1, 2 if truncations else 1, squeeze=False)[0]
        for index, (width, colour) in enumerate(zip(sorted(tables), WIDTH_COLOURS(len(tables)), strict=True)):
            k = np.arange(1, tables[width].shape[1] + 1)
            panels[-1].plot(k, tables[width][row], color=colour, label=f"{width:g}")
            rows += [
                ("profile", width, hp, int(i), float(v)) for i, v in zip(k, tables[width][row], strict=True)
            ]
            if width in kappas:
                kappa, marker = kappas[width], MARKERS[index % len(MARKERS)]
                at = int(kappa[row])
                panels[-1].plot(
                    [at], [tables[width][row, at - 1]], color=colour, marker="o", mfc="none", ms=9
                )
                panels[0].plot(x, kappa, color=colour, marker=marker, label=f"{width:g}")
                rows += [("truncation", width, float(h), None, int(v)) for h, v in zip(x, kappa, strict=True)]
        panels[-1].set(xlabel=r"$k$", ylabel=r"top-$k$ loss $\phi_n^k$")
        count_axis(panels[-1], "x", 1, max(table.shape[1] for table in tables.values()))
        panels[-1].set_title(f"{hp_name} {hp:g}")
        panels[-1].legend(title="width")
        if truncations:
            failed = sorted(set(truncations) - set(kappas))
            panels[0].set(xlabel=hp_name, ylabel=r"truncation $\hat\kappa(n)$")
            panels[0].set_title(f"none accepted at width {', '.join(map(str, failed))}" if failed else "")
            if kappas:
                panels[0].legend(title="width")
                log_hp_axis(panels[0], x)
                count_axis(
                    panels[0], "y", min(map(np.min, kappas.values())), max(map(np.max, kappas.values()))
                )
    return figure, columns(("kind", "width", "hp", "k", "value"), rows)


def count_axis(panel: Axes, which: Literal["x", "y"], least: int, most: int) -> None:
    """A logarithmic axis of whole numbers between two: ticks at 1, 2, 5, 10, 20, ..., written out."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.set(**{f"{which}scale": "log", f"{which}lim": (least / MARGIN, most * MARGIN)})
    axis = panel.xaxis if which == "x" else panel.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1 else ""))


def hp_index(hps: np.ndarray, hp: float) -> int:
    """The position of ``hp`` among ``hps``, up to rounding."""
    close = np.flatnonzero(np.isclose(hps, hp, rtol=1e-9, atol=0.0))
    if close.size == 0:
        raise DomainError("hp", hp, f"one of the HPs {hps.tolist()}")
    return int(close[0])


def columns(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows of plotted numbers as named columns."""
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}
