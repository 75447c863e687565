"""The one style of every figure, and how a figure is saved: a PNG with the plotted numbers beside it.

Colours are told apart by colour-blind readers and in grey: Okabe-Ito for a few categories, viridis from
dark to light for an ordered scale such as width. matplotlib is imported inside the functions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.errors import DomainError
from hptheory.files import output_folder, write_atomically

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


def log_hp_axis(axes: Any, hps: np.ndarray | Sequence[float]) -> None:
    """Make the horizontal axis of HPs logarithmic; over less than two decades 1, 2 and 5 are labelled.

    matplotlib labels every minor tick of a short logarithmic axis, one over the other.

    Domain: HPs of which one is not positive leave the axis linear.

    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> log_hp_axis(axes, [0.001, 0.01])
    >>> axes.get_xscale()
    'log'
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    x = np.asarray(hps, dtype=np.float64)
    if x.size == 0 or x.min() <= 0:
        return
    axes.set_xscale("log")
    if x.max() < 100 * x.min():
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def figure_png(figure: Figure) -> bytes:
    """The figure as a PNG, at the resolution of the house style.

    >>> from matplotlib.figure import Figure
    >>> figure_png(Figure())[1:4]
    b'PNG'
    """
    stream = io.BytesIO()
    with figure_style():  # savefig reads its resolution from the settings of this moment
        figure.savefig(stream, format="png")
    return stream.getvalue()


def numbers_csv(rows: Mapping[str, Sequence[Any] | np.ndarray]) -> str:
    """The plotted numbers as CSV: floats as `repr` writes them, so that reading gives the same numbers.

    ``rows`` is a dict of columns; columns of several lengths raise ``DomainError``. None becomes empty.

    >>> numbers_csv({"x": [1.0, 0.1], "kind": ["fit", None]})
    'x,kind\\n1.0,fit\\n0.1,\\n'
    """
    columns = {key: np.asarray(column).tolist() for key, column in rows.items()}
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1:
        raise DomainError("rows", {key: len(column) for key, column in columns.items()}, "of one length")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue()


def save_figure(
    figure: Figure, rows: Mapping[str, Sequence[Any] | np.ndarray], out_dir: str | Path, name: str
) -> tuple[Path, Path]:
    """Write ``name.png`` and ``name.csv`` (see `numbers_csv`) in ``out_dir``; the two paths come back.

    The folder is made if missing. Each file is written under a temporary name and renamed: a figure that is
    cut short leaves no half file. A folder that cannot be written raises ``OutputError``.
    """
    numbers, picture = numbers_csv(rows).encode(), figure_png(figure)
    folder = output_folder(out_dir)
    paths = folder / f"{name}.png", folder / f"{name}.csv"
    for path, content in zip(paths, (picture, numbers), strict=True):
        write_atomically(path, content)
    return paths
