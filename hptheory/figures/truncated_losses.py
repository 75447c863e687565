"""Whole, top-kappa and residual losses against the HP (as in 2512.22768, Fig. 8, 9, 29, 30, 34, 35)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import to_numpy
from hptheory.decomposition.truncation import checked_profiles, top_loss
from hptheory.figures.style import CATEGORY_COLOURS, WIDTH_COLOURS, figure_style, log_hp_axis
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("kind", "width", "hp", "value")


def truncated_losses(
    profiles: Mapping[int, Any],
    hps: ArrayLike,
    truncations: Mapping[int, ArrayLike | None],
    hp_name: str = "learning rate",
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, width, hp, value``.

    Left: the whole loss changes phi_n (`kind` whole), a curve a width, a star at each minimum. Then a panel
    for each width with a truncation: its top-kappa loss phi_n^kappa and that of the widest model,
    phi_inf^kappa, for the same kappa (`top`, `top_limit`), with both minima. Where they lie on each other,
    the top-kappa loss does not depend on width.

    ``profiles[n]`` is ``[g, n]``, ``hps`` ``[g]``; widths whose truncation is None have no panel.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> phi = ((x - 2) ** 2 - 3)[:, None] * np.array([0.5, 0.9, 1.0])
    >>> figure, numbers = truncated_losses({2: phi[:, 1:], 3: phi}, x, {2: [1, 1, 1]})
    >>> [len(figure.axes), numbers["kind"].count("top"), numbers["kind"].count("whole")]
    [2, 3, 6]
    """
    from matplotlib.figure import Figure

    x = np.asarray(to_numpy(hps), dtype=np.float64)
    tables, widest = checked_profiles(profiles, x)
    kappas = {n: kappa for n, kappa in truncations.items() if kappa is not None}
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(3.2 * (1 + len(kappas)) + 1.0, 3.6))
        panels = figure.subplots(1, 1 + len(kappas), squeeze=False)[0]
        for width, colour in zip(sorted(tables), WIDTH_COLOURS(len(tables)), strict=True):
            rows += _curve(panels[0], "whole", width, x, tables[width][:, -1], f"{width:g}", color=colour)
        panels[0].legend(title="width")
        panels[0].set_ylabel(r"loss change $\phi_n$")
        for panel, width in zip(panels[1:], sorted(kappas), strict=True):
            for kind, source, symbol, hue in (
                ("top", width, "n", CATEGORY_COLOURS[1]),
                ("top_limit", widest, r"\infty", CATEGORY_COLOURS[4]),
            ):
                top = top_loss(tables[source], kappas[width])
                label = rf"$\phi_{{{symbol}}}^\kappa$"
                rows += _curve(panel, kind, width, x, top, label, color=hue, linestyle="--")
            panel.set_title(f"width {width}, limit by {widest}")
            panel.legend()
        _label(panels, x, hp_name, truncations)
    return figure, columns(NAMES, rows)


def residual_losses(
    profiles: Mapping[int, Any],
    hps: ArrayLike,
    truncations: Mapping[int, ArrayLike | None],
    hp_name: str = "learning rate",
) -> tuple[Figure, dict[str, list[Any]]]:
    """The residuals phi_n - phi_n^kappa beside phi_inf - phi_inf^kappa, and its numbers as in the one above.

    One panel a width (`kind` residual, residual_limit), each curve shifted to 0 at the minimum of its
    top-kappa loss, whose own rise from there (`rise`, `rise_limit`, thin) sets the scale: flat means flat
    beside it.

    >>> x = np.array([1.0, 2.0, 3.0])
    >>> phi = ((x - 2) ** 2 - 3)[:, None] * np.array([0.5, 0.9, 1.0])
    >>> figure, numbers = residual_losses({2: phi[:, 1:], 3: phi}, x, {2: [1, 1, 1]})
    >>> sorted(set(numbers["kind"]))
    ['residual', 'residual_limit', 'rise', 'rise_limit']
    """
    from matplotlib.figure import Figure

    x = np.asarray(to_numpy(hps), dtype=np.float64)
    tables, widest = checked_profiles(profiles, x)
    kappas = {n: kappa for n, kappa in truncations.items() if kappa is not None}
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(3.4 * max(1, len(kappas)), 3.6))
        panels = figure.subplots(1, max(1, len(kappas)), squeeze=False)[0]
        for panel, width in zip(panels, sorted(kappas), strict=False):
            for suffix, source, symbol, colour in (
                ("", width, "n", CATEGORY_COLOURS[1]),
                ("_limit", widest, r"\infty", CATEGORY_COLOURS[4]),
            ):
                top = top_loss(tables[source], kappas[width])
                best = int(np.argmin(top))
                for kind, values, look in (
                    ("residual", tables[source][:, -1] - top, {"label": rf"$\phi_{{{symbol}}}^{{-\kappa}}$"}),
                    ("rise", top, {"linewidth": 0.8, "linestyle": ":"}),
                ):
                    shifted = values - values[best]
                    rows += _curve(panel, kind + suffix, width, x, shifted, color=colour, star=False, **look)
                panel.axvline(x[best], color=colour, linewidth=0.6)
            panel.set_title(f"width {width}, limit by {widest}")
            panel.legend()
        _label(panels, x, hp_name, truncations)
        panels[0].set_ylabel(r"change from the top-$\kappa$ minimum")
    return figure, columns(NAMES, rows)


def _label(panels: Any, x: np.ndarray, hp_name: str, truncations: Mapping[int, ArrayLike | None]) -> None:
    """The axes of HPs, and which widths have no panel."""
    for panel in panels:
        panel.set_xlabel(hp_name)
        log_hp_axis(panel, x)
    failed = [f"{width:g}" for width in sorted(truncations) if truncations[width] is None]
    if failed:
        panels[0].set_title(f"no truncation at width {', '.join(failed)}\n{panels[0].get_title()}".strip())


def _curve(
    panel: Any,
    kind: str,
    width: int,
    x: np.ndarray,
    y: np.ndarray,
    label: str | None = None,
    star: bool = True,
    **look: Any,
) -> list[tuple[Any, ...]]:
    """Draw a curve, with a star at its minimum; its points."""
    panel.plot(x, y, label=label, **look)
    if star:
        best = int(np.argmin(y))
        panel.plot(
            [x[best]], [y[best]], color=look["color"], marker="*", markersize=10, mec="white", zorder=5
        )
    return [(kind, width, float(h), float(v)) for h, v in zip(x, y, strict=True)]
