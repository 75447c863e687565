"""Averaged, linearised and last weights' loss along training (the picture of 2512.22768, Fig. 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.errors import ShapeMismatchError
from hptheory.errors import DomainError
from hptheory.figures.style import WIDTH_COLOURS, figure_style
from hptheory.figures.top_k_profile import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves = Mapping[int, tuple[ArrayLike, ArrayLike, ArrayLike]]
KINDS = (("averaged", "linearised"), ("averaged on validation", "last weights on validation"))
DASHED = ("--", ":")


def losses_along_training(observed: Curves, validated: Curves) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns ``kind, width, step, value``.

    Left, on the examples observed: the averaged weights' loss (solid), and the linearised one (dashed).
    Right, on the whole validation set: the averaged weights' loss (solid), and that of the weights themselves
    (dotted). Each entry is (steps, solid, other), three arrays of one length, by width.

    Domain: at least one width, else ``DomainError``; arrays of one length, else ``ShapeMismatchError``.

    >>> steps = [1, 2, 4]
    >>> figure, numbers = losses_along_training(
    ...     {8: (steps, [3.0, 2.0, 1.0], [3.0, 2.1, 1.1])}, {8: (steps, [3.0, 2.0, 1.0], [3.0, 1.5, 0.9])}
    ... )
    >>> [v for kind, v in zip(numbers["kind"], numbers["value"]) if kind == "linearised"]
    [3.0, 2.1, 1.1]
    """
    from matplotlib.figure import Figure

    if not observed:
        raise DomainError("widths", "()", "at least one")
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(9.0, 3.8))
        panels = figure.subplots(1, 2)
        for panel, curves, kinds, line in zip(panels, (observed, validated), KINDS, DASHED, strict=True):
            for width, colour in zip(sorted(curves), WIDTH_COLOURS(len(curves)), strict=True):
                steps, solid, other = (np.asarray(values, dtype=np.float64) for values in curves[width])
                if not steps.shape == solid.shape == other.shape:
                    name = f"the steps of width {width}"
                    raise ShapeMismatchError(name, steps.shape, "losses", solid.shape, "one loss a step")
                panel.plot(steps, solid, color=colour, label=f"{width:g}")
                panel.plot(steps, other, color=colour, linestyle=line, linewidth=1.2)
                for kind, values in zip(kinds, (solid, other), strict=True):
                    rows += [(kind, width, float(s), float(v)) for s, v in zip(steps, values, strict=True)]
            panel.set(xlabel="step", title=f"{kinds[0]} (solid), {kinds[1]}")
        panels[0].set_ylabel("loss")
        panels[1].legend(title="width")
    return figure, columns(("kind", "width", "step", "value"), rows)
