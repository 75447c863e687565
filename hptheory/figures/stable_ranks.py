"""Stable rank of the updates against width, by optimizer (as in 2512.05620, App. E)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, figure_style
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def stable_ranks(
    ranks: Mapping[str, Mapping[int, Mapping[int, ArrayLike]]],
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``series, step, width, value, low, high``.

    ``ranks[series][width][step]`` are the stable ranks of a step's updates of all hidden matrices; drawn are
    their mean and, thin, the least and the largest, in a panel a step. Dotted: proportional to width.

    Domain: at least one series, else ``DomainError``.

    >>> ranks = {"Muon": {8: {4: [7.0, 8.0]}, 16: {4: [15.0, 16.0]}}}
    >>> [float(value) for value in stable_ranks(ranks)[1]["value"]]
    [7.5, 15.5]
    """
    from matplotlib.figure import Figure

    if not ranks:
        raise DomainError("series", "()", "at least one")
    steps = sorted({step for series in ranks.values() for at in series.values() for step in at})
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(4.2 * len(steps) + 2.0, 3.9))
        panels = figure.subplots(1, len(steps), squeeze=False, sharey=True)[0]
        for panel, step in zip(panels, steps, strict=True):
            for index, (name, series) in enumerate(ranks.items()):
                widths = sorted(width for width in series if step in series[width])
                found = [np.asarray(series[width][step], dtype=np.float64) for width in widths]
                mean, low, high = (np.array([f(each) for each in found]) for f in (np.mean, np.min, np.max))
                panel.errorbar(
                    widths, mean, np.stack([mean - low, high - mean]), elinewidth=0.8, capsize=2, label=name,
                    color=CATEGORY_COLOURS[index % len(CATEGORY_COLOURS)],
                    marker=MARKERS[index % len(MARKERS)],
                )  # fmt: skip
                rows += [(name, step, *row) for row in zip(widths, mean, low, high, strict=True)]
            every = np.array(sorted({row[2] for row in rows}), dtype=np.float64)
            panel.plot(every, every / every[0], "k:", linewidth=1.0, label="proportional to $n$")
            panel.set_xscale("log", base=2)
            panel.set_yscale("log", base=2)
            panel.set(xlabel="width $n$", title=f"step {step}")
        panels[0].set_ylabel(r"stable rank $\|U\|_F^2 / \|U\|_2^2$")
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure, columns(("series", "step", "width", "value", "low", "high"), rows)
