"""Theory against trainer: loss against compute of direct tuning and transfer, replayed from stored sweeps,
with the slopes of Theorem 2 of 2512.22768 for the fitted exponents."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hptheory.figures.style import CATEGORY_COLOURS, figure_style
from hptheory.transfer.exponents import Interval
from hptheory.transfer.replay import Replay, ReplayedStrategy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOOKS = {"direct": (CATEGORY_COLOURS[2], "o"), "transfer": (CATEGORY_COLOURS[1], "s")}
_CAPTION = (
    "Points: the best search of every cost among those that the sweep holds, judged by the seeds that did "
    "not search. Lines: their slope; dashes: Theorem 2's for the fitted exponents, through the same middle. "
    "90 % intervals in brackets."
)
_CAPTION_LETTERS = 92  # that fit under a panel


class Row(NamedTuple):
    """One plotted number: a point of a frontier, or a slope with its interval (`cost` is then empty)."""

    setting: str
    strategy: str
    kind: str
    cost: float | None
    value: float
    low: float | None
    high: float | None


def replay(replays: Mapping[str, Replay]) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure, a panel a setting, and its numbers as columns.

    They are `setting, strategy, kind, cost, value, low, high`; ``kind`` is `loss` (above the fitted limit),
    `measured slope` or `predicted slope`. Slow transfer is steeper than the theorem's slope in any sweep
    (`hptheory.transfer.replay.replayed`).

    >>> from hptheory.transfer import SweepTable, analyse
    >>> from hptheory.transfer.replay import replayed
    >>> n, x = np.meshgrid(2.0 ** np.arange(5), np.linspace(-2, 2, 17), indexing="ij")
    >>> columns = {"width": n, "lr": np.exp(x), "loss": 1 / n + (x - 1 / n) ** 2}
    >>> report = analyse(SweepTable.from_columns({name: c.ravel() for name, c in columns.items()}))
    >>> figure, numbers = replay({"a parabola": replayed(report)})
    >>> sorted(set(numbers["kind"]))
    ['loss', 'measured slope', 'predicted slope']
    """
    from matplotlib.figure import Figure

    rows: list[Row] = []
    with figure_style():
        figure = Figure(figsize=(1.0 + 4.4 * len(replays), 4.2))
        panels = figure.subplots(1, len(replays), squeeze=False)[0]
        for axes, (setting, found) in zip(panels, replays.items(), strict=True):
            for one in (found.direct, found.transfer):
                _draw(axes, one, found.limit)
                rows += _rows(setting, one, found.limit)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel(rf"compute $\mathcal{{F}}$ (a run costs $n^{{{found.cost_exponent:.2f}}}$)")
            axes.set_title(setting, loc="left")
            axes.legend(loc="lower left", fontsize=8)
        panels[0].set_ylabel(r"loss above the fitted limit $\phi^\star_\infty$")
        caption = textwrap.fill(_CAPTION, _CAPTION_LETTERS * len(replays))
        figure.supxlabel(caption, fontsize=7, color="0.35")
    return figure, {name: [getattr(row, name) for row in rows] for name in Row._fields}


def _draw(axes: Axes, one: ReplayedStrategy, limit: float) -> None:
    colour, marker = _LOOKS[one.strategy]
    cost, gap = _above(one, limit)
    label = f"{one.strategy}: slope {_text(one.measured)}\ntheorem {_text(one.predicted)}"
    axes.plot(cost, gap, marker, color=colour, label=label)
    middle = np.exp(np.mean(np.log(cost))), np.exp(np.mean(np.log(gap)))
    for slope, style in ((one.measured.estimate, "-"), (one.predicted.estimate, "--")):
        axes.plot(cost, middle[1] * (cost / middle[0]) ** (slope or 0.0), style, color=colour, linewidth=1.2)


def _above(one: ReplayedStrategy, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """The points above the limit: their cost, and how far."""
    keep = one.points[1] > limit
    return one.points[0, keep], one.points[1, keep] - limit


def _rows(setting: str, one: ReplayedStrategy, limit: float) -> list[Row]:
    points = zip(*(column.tolist() for column in _above(one, limit)), strict=True)
    slopes = (("measured slope", one.measured), ("predicted slope", one.predicted))
    return [
        *(Row(setting, one.strategy, "loss", cost, gap, None, None) for cost, gap in points),
        *(Row(setting, one.strategy, kind, None, s.estimate or 0.0, s.low, s.high) for kind, s in slopes),
    ]


def _text(slope: Interval) -> str:
    text = f"{slope.estimate:.2f} [{slope.low:.2f}, {slope.high:.2f}]"
    return text.replace("-", "−")
