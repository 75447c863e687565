"""Easy and hard examples: the mean component index, its agreement between models, the images, and learning
rates on the easy and the hard ones (2512.22768, Fig. 14, 15, 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.figures.style import CATEGORY_COLOURS, MARKERS, WIDTH_COLOURS, figure_style, log_hp_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Overlaps = Mapping[tuple[int, int], float]
Columns = dict[str, list[Any]]
SUPERLATIVES = {"easy": "easiest", "hard": "hardest"}


def consistency_figure(
    index: ArrayLike, title: str, overlaps: Mapping[str, Overlaps], share: float
) -> tuple[Figure, Columns]:
    """The histogram of one model's mean component index, and the overlaps of each end for pairs of widths.

    ``overlaps`` maps an end ("easy", "hard") to ``hptheory.decomposition.extreme_overlap``. Numbers:
    `kind, end, n1, n2, value` (`kind`: bin, with its lower edge as n1 and its upper as n2, or overlap).

    Source: 2512.22768, Fig. 14. Two random sets overlap by ``share``.

    >>> figure, numbers = consistency_figure([1.0, 2.0, 9.0], "width 64", {"easy": {(64, 64): 0.5}}, 0.05)
    >>> numbers["kind"][-1], numbers["value"][-1]
    ('overlap', 0.5)
    """
    from matplotlib.figure import Figure

    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(9.6, 3.4))
        axes = figure.subplots(1, 1 + len(overlaps))
        histogram = axes[0]
        counts, edges = np.histogram(np.asarray(index), bins=40)
        histogram.stairs(counts, edges, fill=True, color=CATEGORY_COLOURS[1])
        histogram.set_xlabel(r"$\mathrm{MCI}_i$")
        histogram.set_ylabel("examples")
        histogram.set_title(title)
        rows += [("bin", None, *row) for row in zip(edges[:-1], edges[1:], counts, strict=True)]
        for axis, (end, pairs) in zip(axes[1:], overlaps.items(), strict=True):
            rows += [("overlap", end, *pair, value) for pair, value in pairs.items()]
            _heat_map(axis, pairs, f"{share:.0%} {SUPERLATIVES[end]}: share in common")
    return figure, _columns(("kind", "end", "n1", "n2", "value"), rows)


def gallery_figure(
    images: Mapping[str, Sequence[NDArray[Any]]],
    index: Mapping[str, Sequence[float]],
    psi: Mapping[str, NDArray[np.float64]],
    labels: Mapping[str, Sequence[str]],
) -> tuple[Figure, Columns]:
    """The easiest and the hardest images, each above its psi in the first components.

    All arguments map an end ("easy", "hard") to its examples; ``psi[end]`` is ``[example, component]``.
    Numbers: `end, rank, label, mci, component, psi`.

    Source: 2512.22768, Fig. 15.

    >>> image, psi = np.zeros((2, 2)), np.array([[-1.0, 0.2]])
    >>> figure, numbers = gallery_figure({"easy": [image]}, {"easy": [1.2]}, {"easy": psi}, {"easy": ["7"]})
    >>> numbers["component"], numbers["psi"]
    ([1, 2], [-1.0, 0.2])
    """
    from matplotlib.figure import Figure

    rows: list[tuple[Any, ...]] = []
    columns = sum(len(some) for some in images.values())
    with figure_style():
        figure = Figure(figsize=(1.15 * columns + 0.6, 3.0))
        axes = figure.subplots(2, columns, squeeze=False, height_ratios=(1.2, 1))
        place = 0
        for end, some in images.items():
            for rank, image in enumerate(some):
                picture, bars = axes[0, place], axes[1, place]
                picture.imshow(image, cmap="gray", interpolation="nearest")
                picture.set_axis_off()
                mci, label, values = index[end][rank], labels[end][rank], psi[end][rank]
                picture.set_title(f"{end}: {label}\nMCI {mci:.1f}", fontsize=7)
                components = np.arange(1, len(values) + 1)
                bars.vlines(components, 0, values, color=CATEGORY_COLOURS[1], linewidth=1)
                bars.axhline(0, color="black", linewidth=0.5)
                bars.tick_params(labelsize=6)
                bars.set_xlabel("$j$", fontsize=8)
                rows += [(end, rank, label, mci, j, v) for j, v in zip(components, values, strict=True)]
                place += 1
        axes[1, 0].set_ylabel(r"$\psi_{ij}$", fontsize=8)
    return figure, _columns(("end", "rank", "label", "mci", "component", "psi"), rows)


def subset_sweeps_figure(
    losses: Mapping[str, Mapping[int, NDArray[np.float64]]], hps: ArrayLike, hp_name: str = "lr"
) -> tuple[Figure, Columns]:
    """For each subset of examples: its loss against the HP by width, and what the narrowest width's best HP
    costs the wider ones.

    ``losses[subset][width]`` is ``[seed, hp]``, infinite where a run diverged. Points are means over seeds
    with the standard error; stars mark the best HP of each width. Numbers in the columns kind (curve, best,
    transferred), subset, width, hp, mean, error.

    Source: 2512.22768, Fig. 16.

    >>> table = {n: np.array([[2.0, 1.0, 3.0]]) + 1 / n for n in (4, 8)}
    >>> figure, numbers = subset_sweeps_figure({"all": table}, [0.1, 0.2, 0.4])
    >>> [row for row in zip(numbers["kind"], numbers["width"], numbers["hp"]) if row[0] != "curve"]
    [('best', 4, 0.2), ('transferred', 4, 0.2), ('best', 8, 0.2), ('transferred', 8, 0.2)]
    """
    from matplotlib.figure import Figure

    x = np.asarray(hps, dtype=np.float64)
    rows: list[tuple[Any, ...]] = []
    with figure_style():
        figure = Figure(figsize=(8.0, 2.9 * len(losses)))
        axes = figure.subplots(len(losses), 2, squeeze=False)
        for (curves, scaling), (subset, by_width) in zip(axes, losses.items(), strict=True):
            rows += _sweep(curves, subset, by_width, x)
            rows += _scaling(scaling, subset, by_width, x)
            log_hp_axis(curves, x)
            curves.set_xlabel(hp_name)
            curves.set_ylabel("loss")
            curves.set_title(f"{subset} examples")
        # Above the panels: no place inside is always free.
        for axis, title in zip(axes[0], ("width", None), strict=True):
            axis.legend(title=title, loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=4, fontsize=7)
    return figure, _columns(("kind", "subset", "width", "hp", "mean", "error"), rows)


def mean_and_error(losses: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard error over the first axis; the error of a single row or an infinite mean is 0.

    >>> [each.tolist() for each in mean_and_error(np.array([[1.0, np.inf], [3.0, 2.0]]))]
    [[2.0, inf], [1.0, 0.0]]
    """
    mean = losses.mean(0)
    if len(losses) == 1:
        return mean, np.zeros_like(mean)
    finite = np.where(np.isfinite(mean), losses, 0.0)
    return mean, finite.std(0, ddof=1) / np.sqrt(len(losses))


def _sweep(
    axis: Any, subset: str, by_width: Mapping[int, NDArray[np.float64]], x: NDArray[np.float64]
) -> list[tuple[Any, ...]]:
    """Draw loss against HP, one curve a width; its rows."""
    rows: list[tuple[Any, ...]] = []
    for place, (width, colour) in enumerate(zip(by_width, WIDTH_COLOURS(len(by_width)), strict=True)):
        mean, error = mean_and_error(by_width[width])
        kept = np.isfinite(mean)
        axis.errorbar(
            x[kept], mean[kept], error[kept], color=colour, marker=MARKERS[place % len(MARKERS)],
            label=f"{width}", capsize=2,
        )  # fmt: skip
        if kept.any():
            best = int(np.argmin(np.where(kept, mean, np.inf)))
            axis.plot(x[best], mean[best], "*", color=colour, markersize=11, mec="black", zorder=5)
        rows += [("curve", subset, width, *row) for row in zip(x, mean, error, strict=True)]
    return rows


def _scaling(
    axis: Any, subset: str, by_width: Mapping[int, NDArray[np.float64]], x: NDArray[np.float64]
) -> list[tuple[Any, ...]]:
    """Draw the loss at each width's own best HP and at the narrowest one's; its rows."""
    rows: list[tuple[Any, ...]] = []
    means = {width: mean_and_error(losses) for width, losses in by_width.items()}
    narrowest = min(means)
    start = int(np.argmin(means[narrowest][0]))
    for width, (mean, error) in sorted(means.items()):
        best = int(np.argmin(mean))
        rows += [("best", subset, width, x[best], mean[best], error[best])]
        rows += [("transferred", subset, width, x[start], mean[start], error[start])]
    for place, (kind, text) in enumerate(
        (("best", "own best HP"), ("transferred", f"best HP of width {narrowest}"))
    ):
        chosen = [row for row in rows if row[0] == kind and np.isfinite(row[4])]
        axis.errorbar(
            [row[2] for row in chosen], [row[4] for row in chosen], [row[5] for row in chosen],
            color=CATEGORY_COLOURS[1 + place], marker=MARKERS[place], label=text, capsize=2,
        )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_xlabel("width $n$")
    axis.set_ylabel("loss")
    return rows


def _heat_map(axis: Any, pairs: Overlaps, title: str) -> None:
    widths = sorted({width for pair in pairs for width in pair})
    table = np.full((len(widths), len(widths)), np.nan)
    for (one, other), value in pairs.items():
        for row, column in ((one, other), (other, one)):
            table[widths.index(row), widths.index(column)] = value
            axis.text(
                widths.index(column), widths.index(row), f"{value:.2f}", ha="center", va="center",
                fontsize=7, color="white" if value < 0.6 else "black",
            )  # fmt: skip
    axis.imshow(np.ma.masked_invalid(table), vmin=0, vmax=1, cmap="viridis")
    axis.set_xticks(range(len(widths)), widths, fontsize=7)
    axis.set_yticks(range(len(widths)), widths, fontsize=7)
    axis.grid(False)
    axis.set_xlabel("width")
    axis.set_title(title)


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    plain = [[value.item() if isinstance(value, np.generic) else value for value in row] for row in rows]
    return {name: [row[place] for row in plain] for place, name in enumerate(names)}
