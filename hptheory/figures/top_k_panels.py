"""Top-k losses against k, a panel each for several sweeps or HPs (as in 2512.22768, Fig. 12, 26, 32)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.errors import NonFiniteError
from hptheory.errors import DomainError
from hptheory.figures.style import WIDTH_COLOURS, figure_style
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def top_k_panels(panels: Mapping[str, Mapping[int, ArrayLike]]) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``panel, width, k, value``.

    ``panels[title][n]`` is phi_n^k for k = 1..n, ``[n]``. The panels share the axis of the loss.

    Domain: at least one panel, else ``DomainError``; finite losses, else ``NonFiniteError``.

    >>> figure, numbers = top_k_panels({"a": {2: [-1.0, -2.0]}, "b": {2: [-1.0, -1.5]}})
    >>> numbers["panel"], numbers["value"]
    (['a', 'a', 'b', 'b'], [-1.0, -2.0, -1.0, -1.5])
    """
    from matplotlib.figure import Figure

    if not panels:
        raise DomainError("panels", "()", "at least one")
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(4.8 * len(panels) + 0.6, 4.0))
        drawn = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (title, profiles) in zip(drawn, panels.items(), strict=True):
            for width, colour in zip(sorted(profiles), WIDTH_COLOURS(len(profiles)), strict=True):
                phi = np.asarray(profiles[width], dtype=np.float64)
                bad = np.flatnonzero(~np.isfinite(phi))
                if bad.size:
                    name, advice = f"the profile of width {width}", "choose an HP at which no width diverged"
                    raise NonFiniteError(name, len(bad), (int(bad[0]),), advice)
                k = np.arange(1, len(phi) + 1)
                axes.plot(k, phi, color=colour, label=f"{width:g}")
                rows += [(title, width, int(i), float(v)) for i, v in zip(k, phi, strict=True)]
            axes.set(xscale="log", xlabel=r"$k$", title=title)
            axes.legend(title="width")
        drawn[0].set_ylabel(r"top-$k$ loss $\phi_n^k$")
    return figure, columns(("panel", "width", "k", "value"), rows)
