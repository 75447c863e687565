"""The one style of every figure, and how a figure is saved: a PNG with the plotted numbers beside it.

Colours are told apart by colour-blind readers and in grey: Okabe-Ito for a few categories, viridis from
dark to light for an ordered scale such as width. matplotlib is imported inside the functions.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CATEGORY_COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe-Ito (Okabe & Ito 2008), the darkest first; yellow is left out, too pale on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""A second code beside colour, so that no reading depends on colour alone."""

_STYLE: Any = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 140,
    "font.size": 10,
    "mathtext.fontset": "cm",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """The house style, for the figures made inside the ``with`` block; settings outside it stay as they were.

    >>> with figure_style():
    ...     from matplotlib.figure import Figure
    ...     figure = Figure()
    >>> figure.get_constrained_layout()
    True
    """
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=CATEGORY_COLOURS)}):
        yield


def WIDTH_COLOURS(n: int) -> list[tuple[float, float, float, float]]:
    """n colours for an ordered scale, narrow (dark) to wide (light), as RGBA; strictly lighter with width.

    viridis up to 0.9: beyond, the yellow is too pale on white.

    >>> len(WIDTH_COLOURS(5))
    5
    """
    import matplotlib as mpl

    return [tuple(rgba) for rgba in mpl.colormaps["viridis"](np.linspace(0.0, 0.9, n))]


def save_figure(
    figure: Figure, rows: Mapping[str, Sequence[Any] | np.ndarray], out_dir: str | Path, name: str
) -> tuple[Path, Path]:
    """Write ``name.png`` and ``name.csv`` in ``out_dir`` (made if missing); the two paths come back.

    ``rows`` are the plotted numbers, a dict of columns of one length. Floats are written with ``repr``, so
    that reading them back gives the same numbers. Columns of several lengths raise ``DomainError``. Each
    file is written under a temporary name and renamed: a figure that is cut short leaves no half file.
    """
    columns = {key: np.asarray(column).tolist() for key, column in rows.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise DomainError("rows", {key: len(column) for key, column in columns.items()}, "of one length")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    picture, table = folder / f"{name}.png", folder / f"{name}.csv"

    draft = folder / f".{name}.csv.part"
    with draft.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    os.replace(draft, table)

    draft = folder / f".{name}.png.part"
    with figure_style():  # savefig reads its resolution from the settings of this moment
        figure.savefig(draft, format="png")
    os.replace(draft, picture)
    return picture, table
