"""Top-k and residual loss along training, a curve a width (the picture of 2512.22768, Fig. 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import to_numpy
from hptheory.decomposition.errors import NonFiniteError, ShapeMismatchError
from hptheory.errors import DomainError
from hptheory.figures.style import WIDTH_COLOURS, figure_style
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_over_time(
    profiles: Mapping[int, Any], steps: Mapping[int, ArrayLike] | ArrayLike, k: int
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, width, step, value`` (`kind`: whole, top, residual).

    ``profiles[n]`` is ``[step, n]`` at one HP: phi^k up to each step, all k. ``steps`` is one axis for all
    widths, or one a width. Three panels: phi_n, its top-k part, and the rest.

    Domain: 1 <= k <= n for every width, else ``DomainError``; one step a row, else ``ShapeMismatchError``;
    finite, else ``NonFiniteError``.

    >>> phi = -np.outer([1.0, 2.0], [0.5, 0.75, 1.0])
    >>> figure, numbers = loss_over_time({3: phi}, steps=[10, 20], k=1)
    >>> [v for kind, v in zip(numbers["kind"], numbers["value"]) if kind == "residual"]
    [-0.5, -1.0]
    """
    from matplotlib.figure import Figure

    rows: list[tuple[Any, ...]] = []
    titles = {"whole": r"$\phi_n$", "top": rf"top-$k$, $k = {k}$", "residual": "residual"}
    with figure_style():
        figure = Figure(figsize=(10.0, 3.6))
        panels = dict(zip(titles, figure.subplots(1, 3), strict=True))
        for width, colour in zip(sorted(profiles), WIDTH_COLOURS(len(profiles)), strict=True):
            t, phi = _checked(width, profiles[width], steps, k)
            parts = {"whole": phi[:, -1], "top": phi[:, k - 1], "residual": phi[:, -1] - phi[:, k - 1]}
            for kind, values in parts.items():
                panels[kind].plot(t, values, color=colour, label=f"{width:g}")
                rows += [(kind, width, float(s), float(v)) for s, v in zip(t, values, strict=True)]
        for kind, panel in panels.items():
            panel.set(xlabel="step", title=titles[kind])
        panels["whole"].set_ylabel("linearised loss change")
        panels["residual"].legend(title="width")
    return figure, columns(("kind", "width", "step", "value"), rows)


def _checked(
    width: int, profile: Any, steps: Mapping[int, ArrayLike] | ArrayLike, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The steps and the profile ``[step, n]`` of one width."""
    phi = np.asarray(to_numpy(profile), dtype=np.float64)
    t = np.asarray(steps[width] if isinstance(steps, Mapping) else steps, dtype=np.float64)
    if phi.ndim != 2 or t.shape != phi.shape[:1]:
        name = f"the profile of width {width}"
        raise ShapeMismatchError(name, phi.shape, "steps", t.shape, "a profile is [step, component]")
    if not 1 <= k <= phi.shape[1]:
        raise DomainError("k", k, f">= 1 and <= {phi.shape[1]}, the components of width {width}")
    if not np.all(np.isfinite(phi)):
        bad = np.argwhere(~np.isfinite(phi))
        advice = "choose an HP at which no width diverged"
        raise NonFiniteError(f"the profile of width {width}", len(bad), tuple(map(int, bad[0])), advice)
    return t, phi
