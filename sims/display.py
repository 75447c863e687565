"""What is shown while a sweep goes on: a table of losses that fills, and a bar with the time left.

On a terminal the picture is redrawn in place; anywhere else (a log file, a pipe) a line is printed when
runs are stored, and now and then between.
"""

from __future__ import annotations

import math
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sims.progress import Progress
    from sims.settings import Setting
    from sims.store import Run

REDRAW = 0.2  # seconds between pictures, at least
QUIET = 60.0  # seconds between plain lines while nothing is stored
CELL = 10
BAR = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}"


@contextmanager
def watching(setting: Setting) -> Iterator[Callable[[Progress], None]]:
    """A callback for ``sims.sweep.run`` that shows the progress on stderr, warnings as plain sentences."""
    shown = Live(setting) if sys.stderr.isatty() else Plain(setting)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *where: shown.say(f"note: {message}")
        try:
            yield shown
        finally:
            shown.close()


class Plain:
    """A line when runs are stored or fail, and now and then between."""

    def __init__(self, setting: Setting) -> None:
        self.label = f"{setting.name} ({setting.preset})"
        self.counts, self.last, self.clock = (-1, 0), -math.inf, Clock()

    def __call__(self, progress: Progress) -> None:
        """Print a line if there is something new."""
        counts = (progress.finished, progress.failed)
        if counts != self.counts or time.monotonic() - self.last > QUIET:
            self.counts, self.last = counts, time.monotonic()
            meter = self.clock.meter(progress, "{percentage:.0f}%, {elapsed}<{remaining}")
            self.say(f"{self.label}: {in_words(progress)}; {meter}")

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class Live:
    """A picture that is redrawn in place: the losses by width and rate, what is being trained, a bar."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.label = setting, f"{setting.name} ({setting.preset})"
        self.lines, self.last, self.clock = 0, -math.inf, Clock()
        self.latest: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        """Draw the picture, unless that was just done."""
        self.latest = progress
        if time.monotonic() - self.last > REDRAW:
            self._draw(progress)

    def say(self, text: str) -> None:
        """Print a line above the picture."""
        self._erase()
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the last picture standing."""
        if self.latest is not None:
            self._draw(self.latest)

    def _draw(self, progress: Progress) -> None:
        columns, rows = shutil.get_terminal_size()
        text = loss_table(self.setting, progress, columns)
        if len(text) > rows - 4:  # what does not fit cannot be redrawn in place
            text = []
        text += [f"{self.label}: {in_words(progress)}", self.clock.meter(progress, BAR, columns - 1)]
        self._erase()
        print("\n".join(line[: columns - 1] for line in text), file=sys.stderr, flush=True)
        self.lines, self.last = len(text), time.monotonic()

    def _erase(self) -> None:
        if self.lines:
            print(f"\x1b[{self.lines}F\x1b[J", end="", file=sys.stderr)
        self.lines = 0


class Clock:
    """The time taken and the time left, from the share of the work done since the start."""

    def __init__(self) -> None:
        self.started, self.initial = time.monotonic(), -1.0

    def meter(self, progress: Progress, style: str, columns: int | None = None) -> str:
        """The meter of tqdm, e.g. "40%|####      | 00:10<00:15"."""
        from tqdm import tqdm

        if self.initial < 0:  # what an earlier call had done took no time of this one
            self.initial = progress.share
        elapsed = time.monotonic() - self.started
        share = min(progress.share, 1.0)
        return tqdm.format_meter(
            share, 1.0, elapsed, ncols=columns, bar_format=style, initial=min(self.initial, share)
        )


def in_words(progress: Progress) -> str:
    """How far a sweep is, e.g. "27/162 runs, width 64 step 310/740"."""
    parts = [f"{progress.finished}/{progress.total} runs"]
    parts += [f"{progress.failed} failed"] if progress.failed else []
    parts += [f"width {one.width} step {one.step}/{one.steps}" for one in progress.training]
    parts += [f"{progress.elsewhere} trained by other processes"] if progress.elsewhere else []
    return ", ".join(parts)


def loss_table(setting: Setting, progress: Progress, columns: int) -> list[str]:
    """The mean validation loss over seeds, a row a rate, a column a width; the best rate of a width starred.

    In brackets while seeds are missing; a percentage while a width is being trained and a dot before; with
    further hyperparameters, the best over them. Too little room drops the narrowest widths.
    """
    room = max(1, (columns - CELL - 1) // CELL)
    widths = setting.widths[-room:]
    shares = {one.width: one.share for one in progress.training}
    means = {
        (lr, width): cell_mean(setting, progress.losses, lr, width) for lr in setting.lrs for width in widths
    }
    lines = [f"{'lr / width':>{CELL}}" + "".join(f"{width:>{CELL}}" for width in widths)]
    for lr in setting.lrs:
        cells = []
        for width in widths:
            mean, whole = means[lr, width]
            least = min(means[other, width][0] for other in setting.lrs)
            if math.isnan(mean):
                cells.append(f"{shares[width]:.0%}" if width in shares else ".")
            elif not whole:
                cells.append(f"({mean:.4g})")
            else:
                cells.append(f"{mean:.4g}" + ("*" if mean == least < math.inf else " "))
        lines.append(f"{lr:>{CELL}.3g}" + "".join(f"{cell:>{CELL}}" for cell in cells))
    return lines


def cell_mean(setting: Setting, losses: Mapping[Run, float], lr: float, width: int) -> tuple[float, bool]:
    """The mean loss over the stored seeds at a rate and a width, best over further hyperparameters, and
    whether all seeds are stored; NaN if none is."""
    by_hps: dict[tuple[tuple[str, float], ...], list[float]] = {}
    for run, loss in losses.items():
        if run.lr == lr and run.width == width:
            by_hps.setdefault(run.hps, []).append(loss)
    if not by_hps:
        return math.nan, False
    best = min(by_hps.values(), key=fmean)
    return fmean(best), len(best) == len(setting.seeds)
