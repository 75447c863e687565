"""Theorem 2 of 2512.22768 seen at work: loss against budget for a fast, a tied and a slow family.

Points are actual grid searches, the best allocation found by trying all (``hptheory.transfer.simulate``);
lines are the exact optimum of the explicit model (``grid_search``); dashes have the theorem's slopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hptheory.figures.style import CATEGORY_COLOURS, figure_style
from hptheory.transfer.crossover import direct_losses, transfer_losses
from hptheory.transfer.known_family import KnownFamily
from hptheory.transfer.rates import direct_tuning, transfer_tuning
from hptheory.transfer.search_model import SearchModel
from hptheory.transfer.simulate import Simulation, simulate_direct, simulate_transfer
from hptheory.transfer.zoo import quadratic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BUDGETS = tuple(float(f) for f in np.geomspace(1e2, 1e7, 11))
FAMILIES = ((1.0, 1.0, "fast"), (1.0, 0.5, "tied"), (1.0, 0.25, "slow"))


class Row(NamedTuple):
    """One plotted number: the loss of a strategy, by simulation or by the model, or its exponent."""

    family: str
    strategy: str
    kind: str
    budget: float | None
    value: float


def theorem_2(
    budgets: Sequence[float] = BUDGETS,
    how: Simulation | None = None,
    on_family: Callable[[str], None] | None = None,
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers, as columns `family, strategy, kind, budget, value`.

    ``kind`` is `simulated`, `model` or `exponent` (of the theorem). The families are parabolas with alpha = 1
    and beta = 1, 1/2, 1/4 on x in [-2, 2]. Give three budgets or more. ``on_family`` is called with each name
    before it is simulated.

    The model charges the mean squared offset of a grid placed at random, rho^2/3, and the drift to the limit.
    In the simulation the drift ends at the target's width, which makes slow transfer better than its line for
    a long time: (n/M)^beta falls like F^(-h beta^2/(r (h beta + r))) only, here F^-0.014.

    >>> figure, numbers = theorem_2(budgets=(1e2, 1e3, 1e4))
    >>> sorted(set(numbers["kind"]))
    ['exponent', 'model', 'simulated']
    """
    from matplotlib.figure import Figure

    rows: list[Row] = []
    with figure_style():
        figure = Figure(figsize=(10.0, 3.8))
        panels = figure.subplots(1, 3, sharey=True)
        for axes, (alpha, beta, name) in zip(panels, FAMILIES, strict=True):
            if on_family is not None:
                on_family(name)
            family = quadratic(alpha, beta, name=name)
            own = [*simulated_rows(family, budgets, how), *model_rows(family, budgets)]
            _draw(axes, family, own)
            rows += own
        panels[0].set_ylabel(r"loss above the limit's optimum $\phi^\star_\infty$")
        figure.supxlabel(_CAPTION, fontsize=8, color="0.35")
    return figure, {name: [getattr(row, name) for row in rows] for name in Row._fields}


_CAPTION = (
    "Points: actual grid searches, every allocation tried; the slope is that of their second half. "
    "Lines: exact optimum of the explicit model,\nwhich charges the drift to the limit. "
    "Dashes: Theorem 2's slopes. One hyperparameter; a run costs $n^2$."
)


def simulated_rows(family: KnownFamily, budgets: Sequence[float], how: Simulation | None = None) -> list[Row]:
    """The losses of the best simulated searches."""
    searches = {"direct": simulate_direct, "transfer": simulate_transfer}
    return [
        Row(family.name, strategy, "simulated", budget, search(family, budget, how).loss)
        for strategy, search in searches.items()
        for budget in budgets
    ]


def model_rows(family: KnownFamily, budgets: Sequence[float]) -> list[Row]:
    """The exact optimum of the model on a fine grid of budgets, and the theorem's exponents."""
    model = search_model(family)
    fine = np.geomspace(min(budgets), max(budgets), 61)
    losses = {"direct": direct_losses(model, fine), "transfer": transfer_losses(model, fine)}
    rates = {
        "direct": direct_tuning(family.alpha).loss_exponent,
        "transfer": transfer_tuning(family.alpha, family.beta).loss_exponent,
    }
    return [
        *(
            Row(family.name, strategy, "model", float(budget), float(loss))
            for strategy, column in losses.items()
            for budget, loss in zip(fine, column, strict=True)
        ),
        *(Row(family.name, strategy, "exponent", None, -float(rate)) for strategy, rate in rates.items()),
    ]


def search_model(family: KnownFamily) -> SearchModel:
    """The model of a zoo parabola with tau = 1; for a grid placed at random, L is divided by 3^(1/2)."""
    ((low, high),) = family.box
    one = family.gaps(1.0)
    return SearchModel(
        loss_amplitude=one.loss,
        loss_exponent=family.alpha,
        hp_amplitude=one.hyperparameter,
        hp_exponent=family.beta,
        hp_radius=(high - low) / 2 / math.sqrt(3),
    )


def _draw(axes: Axes, family: KnownFamily, rows: list[Row]) -> None:
    looks = {"direct": (CATEGORY_COLOURS[2], "o", 1.9), "transfer": (CATEGORY_COLOURS[1], "s", 0.5)}
    for strategy, (colour, marker, shift) in looks.items():
        points, line = (_column(rows, strategy, kind) for kind in ("simulated", "model"))
        exponent = next(row.value for row in rows if (row.strategy, row.kind) == (strategy, "exponent"))
        half = points[:, points.shape[1] // 2 :]
        measured = float(np.polyfit(np.log(half[0]), np.log(half[1]), 1)[0])
        label = f"{strategy}: slope {measured:.2f} (theorem {exponent:.2f})".replace("-", "−")
        axes.plot(*line, color=colour)
        axes.plot(*points, marker, color=colour, label=label)
        guide = shift * half[1, -1] * (half[0] / half[0, -1]) ** exponent
        axes.plot(half[0], guide, color=colour, linestyle=(0, (4, 2)), linewidth=1.1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-5)  # room for the legend
    axes.set_xlabel(r"budget $\mathcal{F}$ (runs at width 1)")
    axes.set_title(rf"{family.name}: $\alpha = {family.alpha:g}$, $\beta = {family.beta:g}$", loc="left")
    axes.legend(loc="lower left", fontsize=8)


def _column(rows: list[Row], strategy: str, kind: str) -> np.ndarray:
    """(budget, loss) of a strategy, ``[2, points]``."""
    own = [(row.budget, row.value) for row in rows if (row.strategy, row.kind) == (strategy, kind)]
    return np.array(own, dtype=float).T
