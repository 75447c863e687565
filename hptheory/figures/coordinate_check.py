"""Sizes of every layer's output, and of what training did to it, against width or depth (arXiv 2203.03466,
Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {"start": "before training", "update": "by its own update", "change": "change by training"}


def coordinate_check_figure(
    table: Mapping[str, Sequence[Any]], axis: str = "width", title: str = ""
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers: means over seeds with two standard errors; a line a layer, a panel a
    quantity.

    ``table`` has the columns layer, quantity (start, update or change), ``axis``, seed and size.

    >>> rows = [("hidden", q, n, s, n**0.5) for q in ("start", "change") for n in (64, 128) for s in (0, 1)]
    >>> names = ("layer", "quantity", "width", "seed", "size")
    >>> figure, numbers = coordinate_check_figure({k: [row[i] for row in rows] for i, k in enumerate(names)})
    >>> len(numbers["mean"]), numbers["error"][0]
    (4, 0.0)
    """
    from matplotlib.figure import Figure

    layers = list(dict.fromkeys(table["layer"]))
    columns = {name: np.asarray(values) for name, values in table.items()}
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(12.8, 4.0))
        for panel, quantity in zip(figure.subplots(1, len(TITLES), sharex=True), TITLES, strict=True):
            for index, layer in enumerate(layers):
                chosen = (columns["layer"] == layer) & (columns["quantity"] == quantity)
                scale, size = columns[axis][chosen], columns["size"][chosen]
                scales = np.unique(scale)
                means = np.array([size[scale == n].mean() for n in scales])
                counts = np.array([(scale == n).sum() for n in scales])
                spread = np.array(
                    [size[scale == n].std(ddof=1) if (scale == n).sum() > 1 else 0 for n in scales]
                )
                errors = 2 * spread / np.sqrt(counts)
                rows += [
                    (layer, quantity, int(n), float(m), float(e))
                    for n, m, e in zip(scales, means, errors, strict=True)
                ]
                drawn = np.isfinite(means) & (means > 0)
                panel.errorbar(
                    scales[drawn],
                    means[drawn],
                    errors[drawn],
                    color=CATEGORY_COLOURS[index % len(CATEGORY_COLOURS)],
                    marker=MARKERS[index % len(MARKERS)],
                    capsize=2,
                    label=layer,
                )
            panel.set(
                xscale="log", yscale="log", xlabel=axis, ylabel="root mean square", title=TITLES[quantity]
            )
        figure.axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        if title:
            figure.suptitle(title)
    names = ("layer", "quantity", axis, "mean", "error")
    return figure, {name: [row[column] for row in rows] for column, name in enumerate(names)}
