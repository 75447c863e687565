"""The truncation of each width against several HPs, a panel each (the picture of 2512.22768, Fig. 23)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import to_numpy
from hptheory.errors import DomainError
from hptheory.figures.style import MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Panel = tuple[ArrayLike, Mapping[int, ArrayLike | None], str]


def truncations(panels: Mapping[str, Panel]) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``panel, width, hp, value``.

    ``panels[title]`` is (HPs ``[g]``, kappa-hat of every width ``[g]`` or None where Algorithm 1 fails, the
    HP's name). Widths that failed are named above the panel, and have no curve.

    Domain: at least one panel, and a kappa for each HP, else ``DomainError``.

    >>> figure, numbers = truncations({"a": ([1.0, 2.0], {8: [3, 4], 16: None}, "rate")})
    >>> numbers["value"], figure.axes[0].get_title()
    ([3, 4], 'a\\nnone accepted at width 16')
    """
    from matplotlib.figure import Figure

    if not panels:
        raise DomainError("panels", "()", "at least one")
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(4.2 * len(panels) + 0.6, 3.8))
        drawn = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (title, (hps, found, hp_name)) in zip(drawn, panels.items(), strict=True):
            x = np.asarray(to_numpy(hps), dtype=np.float64)
            for index, (width, colour) in enumerate(
                zip(sorted(found), WIDTH_COLOURS(len(found)), strict=True)
            ):
                chosen = found[width]
                if chosen is None:
                    continue
                kappa = np.asarray(to_numpy(chosen))
                if kappa.shape != x.shape:
                    raise DomainError(
                        f"truncation of width {width}", kappa.shape, f"one for each of {x.size} HPs"
                    )
                axes.plot(x, kappa, color=colour, marker=MARKERS[index % len(MARKERS)], label=f"{width:g}")
                rows += [(title, width, float(h), int(k)) for h, k in zip(x, kappa, strict=True)]
            failed = [f"{width:g}" for width in sorted(found) if found[width] is None]
            note = f"\nnone accepted at width {', '.join(failed)}" if failed else ""
            axes.set(yscale="log", xlabel=hp_name, title=title + note)
            log_hp_axis(axes, x)
            if len(failed) < len(found):
                axes.legend(title="width")
            else:
                axes.set_xlim(x.min(), x.max())
        drawn[0].set_ylabel(r"truncation $\hat\kappa(n)$")
    return figure, columns(("panel", "width", "hp", "value"), rows)
