"""What a budget buys: the predicted loss of direct tuning and of transfer, and how narrow transfer's proxy is
(2512.22768, Theorem 2, with fitted laws in place of known ones)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import CATEGORY_COLOURS, figure_style
from hptheory.transfer import Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colour, marker and line each tell the two apart, so that the figure also reads in grey.
_STYLES: dict[str, dict[str, Any]] = {
    "direct": {"color": CATEGORY_COLOURS[2], "marker": "s", "linestyle": "--"},
    "transfer": {"color": CATEGORY_COLOURS[1], "marker": "o", "linestyle": "-"},
}


def plan_against_budget(
    plan_of: Callable[[float], Plan],
    budgets: Sequence[float],
    *,
    unit: str = "runs at width 1",
    scale: str = "width",
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers as columns `strategy, budget, loss, low, high, proxy_width, target_width,
    width_ratio, grid_points`: direct tuning first, then transfer, a row a budget.

    ``plan_of`` makes the plan for one budget (`Report.plan`, or `hptheory.transfer.plan` of a law). Left: the
    expected loss with its 90 % band. Right: proxy width / target width of transfer; a plan gives no
    interval for it. Axes are logarithmic, except that of the loss where a band reaches down to 0.
    ``unit`` is the budget's, ``scale`` the name of the model's size. Budgets that do not rise strictly, or
    fewer than two, raise ``DomainError``; so does, from ``plan_of``, a budget that pays for no plan.

    >>> from hptheory.transfer import TransferLaw, plan
    >>> law = TransferLaw(loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    ...                   hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0)
    >>> figure, numbers = plan_against_budget(lambda budget: plan(law, budget), [1e4, 1e6])
    >>> numbers["loss"][3] == plan(law, 1e6).transfer.loss
    True
    """
    from matplotlib.figure import Figure

    if len(budgets) < 2 or any(a >= b for a, b in itertools.pairwise(budgets)):
        raise DomainError("budgets", list(budgets), "at least two, strictly rising")
    numbers = _numbers([plan_of(float(budget)) for budget in budgets])
    with figure_style():
        figure = Figure(figsize=(8.4, 3.6))
        left, right = figure.subplots(1, 2)
        for name in _STYLES:
            _loss(left, numbers, name)
        left.set_yscale("log" if min(numbers["low"]) > 0 else "linear")
        left.set_ylabel("predicted final loss")
        left.legend()
        of = slice(len(budgets), None)
        right.plot(numbers["budget"][of], numbers["width_ratio"][of], **_STYLES["transfer"])
        right.set_yscale("log")
        right.set_ylabel(f"proxy {scale} / target {scale} of transfer")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xlabel(f"budget, {unit}")
    return figure, numbers


def _numbers(plans: Sequence[Plan]) -> dict[str, list[Any]]:
    """The plotted numbers, a row a strategy and budget."""
    names = ("loss", "low", "high", "proxy_width", "target_width", "grid_points")
    pairs = [(name, plan.budget, getattr(plan, name)) for name in _STYLES for plan in plans]
    numbers: dict[str, list[Any]] = {
        "strategy": [name for name, _, _ in pairs],
        "budget": [budget for _, budget, _ in pairs],
        **{name: [getattr(found, name) for *_, found in pairs] for name in names},
    }
    numbers["width_ratio"] = [found.proxy_width / found.target_width for *_, found in pairs]
    return numbers


def _loss(axes: Any, numbers: dict[str, list[Any]], name: str) -> None:
    """Draw one strategy's loss with its band."""
    rows = np.array(numbers["strategy"]) == name
    budget, loss, low, high = (np.array(numbers[key])[rows] for key in ("budget", "loss", "low", "high"))
    style = _STYLES[name]
    axes.plot(budget, loss, label={"direct": "direct tuning"}.get(name, name), **style)
    edge = {"edgecolor": style["color"], "linestyle": style["linestyle"], "linewidth": 0.6}
    axes.fill_between(budget, low, high, facecolor=(style["color"], 0.2), **edge)
