"""Loss against HP for several sweeps, a panel each (the picture of 2512.22768, Fig. 17 and 18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis
from hptheory.figures.top_k_profile import columns
from hptheory.figures.transferred_loss import seed_means

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("setting", "width", "hp", "loss", "error")


def side_by_side(
    tables: Mapping[str, Mapping[int, Any]],
    hps: Mapping[str, Any],
    hp_name: str | Mapping[str, str] = "learning rate",
    *,
    linearised: Mapping[str, Mapping[int, Any]] | None = None,
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``setting, width, hp, loss, error``.

    ``tables[name][n]`` is ``[seed, g]``, ``hps[name]`` ``[g]``. Means over seeds with two standard errors;
    the panels share the axis of the loss, so that one sees which reaches lower. ``hp_name`` is one for all
    sweeps, or one each. Linearised losses ``[g]``, where given, are dashed, and a last column.

    Domain: at least one sweep, else ``DomainError``.

    >>> sweep = {8: [[2.0, 1.0, 3.0]], 16: [[1.5, 1.0, 0.5]]}
    >>> figure, numbers = side_by_side({"a": sweep, "b": sweep}, dict.fromkeys("ab", [1.0, 2.0, 4.0]))
    >>> len(figure.axes), len(numbers["loss"])
    (2, 12)
    """
    from matplotlib.figure import Figure

    if not tables:
        raise DomainError("sweeps", "()", "at least one")
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(4.6 * len(tables), 3.8))
        panels = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
        finite: list[float] = []
        for panel, (name, sweep) in zip(panels, tables.items(), strict=True):
            x = np.asarray(hps[name], dtype=np.float64)
            for index, (n, colour) in enumerate(zip(sorted(sweep), WIDTH_COLOURS(len(sweep)), strict=True)):
                mean, error = seed_means(n, sweep[n], x)
                panel.errorbar(
                    x, mean, 2 * error, color=colour, marker=MARKERS[index % len(MARKERS)], capsize=2,
                    label=f"{n:g}",
                )  # fmt: skip
                line = np.full(len(x), np.nan)
                if linearised is not None:
                    line = np.asarray(linearised[name][n], dtype=np.float64)
                    panel.plot(x, line, color=colour, linestyle="--", linewidth=1.0)
                rows += [(name, n, *row) for row in zip(x, mean, error, line, strict=True)]
                finite += [value for value in (*mean, *line) if np.isfinite(value)]
            log_hp_axis(panel, x)
            panel.set_xlabel(hp_name if isinstance(hp_name, str) else hp_name[name])
            panel.set_title(name)
        low, high = min(finite), float(np.quantile(finite, 0.8))
        panels[0].set_ylim(low - 0.05 * (high - low), high + 0.15 * (high - low) + 1e-12)
        panels[0].set_ylabel(r"loss $\phi_n$")
        panels[-1].legend(title="width")
    numbers = columns((*NAMES, "linearised"), rows)
    if linearised is None:
        del numbers["linearised"]
    return figure, numbers
