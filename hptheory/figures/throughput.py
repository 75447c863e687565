"""How fast a width is trained: member-steps a second against the size of the pack, and the roofline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.style import MARKERS, WIDTH_COLOURS, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = ("-", "--", ":", "-.")
COLUMNS = ("engine", "width", "pack", "member_steps", "flops", "bytes")


def throughput(
    table: Mapping[str, Sequence[Any]], peak: float, bandwidth: float
) -> tuple[Figure, dict[str, list[Any]]]:
    """The figure and its numbers: ``table`` with intensity, Gflop/s, and the share of the roof reached.

    A row of ``table`` is a measured pack: ``engine`` (a label: line style and marker), ``width``, ``pack``
    (its size), ``member_steps`` a second of the whole engine, and the ``flops`` and ``bytes`` of one
    member-step. The roof at an intensity I (flops a byte) is min(peak, I x bandwidth): flop/s that no program
    exceeds whose operands come from memory. What the caches keep may lie above it.

    Source: Williams, Waterman and Patterson, Communications of the ACM 52(4), 65 (2009).

    Domain: positive numbers, else ``DomainError``.

    *Laws*: a pack that moves its bytes at the full bandwidth, at an intensity left of the ridge, reaches a
    share of 1.

    >>> row = {"engine": ["one"], "width": [64], "pack": [3], "member_steps": [1e3]}
    >>> throughput({**row, "flops": [1e6], "bytes": [1e6]}, peak=1e11, bandwidth=1e9)[1]["share"]
    [1.0]
    """
    from matplotlib.figure import Figure

    columns = {name: np.asarray(table[name]) for name in COLUMNS}
    for name, values in [
        *list(columns.items())[1:],
        ("peak", np.array(peak)),
        ("bandwidth", np.array(bandwidth)),
    ]:
        if not (values > 0).all():
            raise DomainError(name, values.tolist(), "positive")
    intensity = columns["flops"] / columns["bytes"]
    speed = columns["member_steps"] * columns["flops"]
    roof = np.minimum(peak, intensity * bandwidth)
    engines, widths = list(dict.fromkeys(table["engine"])), np.unique(columns["width"])
    with figure_style():
        figure = Figure(figsize=(10.0, 4.2))
        left, right = figure.subplots(1, 2)
        for width, colour in zip(widths, WIDTH_COLOURS(len(widths)), strict=True):
            for number, engine in enumerate(engines):
                chosen = (columns["width"] == width) & (columns["engine"] == engine)
                order = np.flatnonzero(chosen)[np.argsort(columns["pack"][chosen])]
                look = {"color": colour, "marker": MARKERS[number % len(MARKERS)]}
                label = f"{width:g}" if number == 0 else None
                left.loglog(
                    columns["pack"][order], columns["member_steps"][order],
                    linestyle=LINES[number % len(LINES)], label=label, **look,
                )  # fmt: skip
                right.loglog(intensity[order], speed[order] / 1e9, linestyle="", **look)
        ends = float(intensity.min() / 4), float(max(4 * intensity.max(), 4 * peak / bandwidth))
        line = np.geomspace(ends[0], ends[1], 100)
        right.loglog(line, np.minimum(peak, line * bandwidth) / 1e9, color="black", label="roof")
        left.set(xlabel="runs in a pack", ylabel="member-steps a second", title=_legend_of(engines))
        right.set(xlabel="flops a byte", ylabel="Gflop/s", title="roofline: measured peak and bandwidth")
        sizes = np.unique(columns["pack"])
        left.set_xticks(sizes, labels=[f"{size:g}" for size in sizes])
        left.set_xticks([], minor=True)
        handles = [*left.get_legend_handles_labels()[0], right.lines[-1]]
        right.legend(handles=handles, title="width", loc="lower right")
    numbers = {name: np.asarray(values).tolist() for name, values in table.items()}
    numbers |= {
        "intensity": intensity.tolist(),
        "gflops": (speed / 1e9).tolist(),
        "share": (speed / roof).tolist(),
        "peak_gflops": [peak / 1e9] * len(speed),
        "bandwidth_gbs": [bandwidth / 1e9] * len(speed),
    }
    return figure, numbers


def _legend_of(engines: Sequence[str]) -> str:
    """Which line and marker is which engine."""
    names = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dash-dotted"}
    shapes = {"o": "circles", "s": "squares", "^": "triangles", "D": "diamonds"}
    return "\n".join(
        f"{names[LINES[number % len(LINES)]]}, {shapes.get(MARKERS[number % len(MARKERS)], '')}: {engine}"
        for number, engine in enumerate(engines)
    )
