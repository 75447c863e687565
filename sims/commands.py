"""The commands ``hptheory sweep`` and ``hptheory status``: torch is imported when they are called."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from hptheory.errors import DomainError
from hptheory.files import output_folder
from sims.requirements import require
from sims.settings import ObserveConfig, Setting, get_setting

if TYPE_CHECKING:
    import xarray

    from sims.sweep import Progress

STORE_PACKAGES = ("xarray", "h5netcdf", "h5py")
TRAINER_PACKAGES = ("torch", "sklearn", "jaxtyping", "tqdm", *STORE_PACKAGES)
INTERRUPTED = 130  # the exit code that shells give to Ctrl-C


def sweep(
    setting: tyro.conf.Positional[str] = "digits",
    *,
    preset: str = "cpu",
    out: Path | None = None,
    widths: tuple[int, ...] | None = None,
    lrs: tuple[float, ...] | None = None,
    seeds: tuple[int, ...] | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    observe: Literal["no", "profiles", "samples"] = "no",
    subset: int | None = None,
    pack_members: int | None = None,
) -> None:
    """Train a setting on its grid of widths, learning rates and seeds; finished runs are not trained again.

    Args:
        setting: What is trained: digits, multi_index, ball_indicator, ...
        preset: How much: smoke (seconds), cpu (a minute on two cores), paper (for a GPU).
        out: The run directory; by default runs/SETTING-PRESET.
        widths: Other widths than the preset's.
        lrs: Other peak learning rates than the preset's.
        seeds: Other seeds than the preset's.
        epochs: Another length of the runs than the preset's, in passes over the training set.
        steps: Another length of the runs than the preset's, in optimizer steps.
        observe: What is watched along the runs, for `hptheory decompose`: top-k profiles, or single
            examples as well.
        subset: On how many validation examples, drawn once; by default 1,024.
        pack_members: How many runs are trained together at most; by default all of a width.
    """
    chosen = changed(
        get_setting(setting, preset), widths=widths, lrs=lrs, seeds=seeds, epochs=epochs, steps=steps
    )
    chosen = watched(chosen, observe, subset)
    require("`hptheory sweep`", *TRAINER_PACKAGES)
    let_threads_sleep()
    from sims.sweep import run

    directory = output_folder(out or Path("runs") / f"{setting}-{preset}")
    try:
        with progress_bar(f"{setting} ({preset})") as report:
            dataset = run(chosen, directory, report, pack_members=pack_members)
    except KeyboardInterrupt:
        print(
            f"stopped; the finished runs are in {directory}, and the same command goes on from there",
            file=sys.stderr,
        )
        raise SystemExit(INTERRUPTED) from None
    print(describe(dataset))
    print(f"table: {directory / 'results.csv'} and {directory / 'results.nc'}")


def status(runs: tyro.conf.Positional[Path]) -> None:
    """Print what is done, diverged and left in a run directory.

    Args:
        runs: A directory that ``hptheory sweep`` wrote.
    """
    require("`hptheory status`", *STORE_PACKAGES)
    from sims.store import load

    print(describe(load(runs)))


def changed(
    setting: Setting,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    **grid: tuple[Any, ...] | None,
) -> Setting:
    """The setting with another grid or length where one is given, checked like the old."""
    given: dict[str, Any] = {axis: tuple(values) for axis, values in grid.items() if values is not None}
    training = setting.training
    if epochs is not None or steps is not None:
        training = replace(training, epochs=epochs, steps=steps)
    return replace(setting, training=training, **given)


def watched(setting: Setting, observe: str, subset: int | None) -> Setting:
    """The setting with its trajectories observed, if they are to be.

    Domain: a subset of nothing raises ``DomainError``.
    """
    if observe == "no":
        if subset is not None:
            raise DomainError(
                "subset", subset, "left out where nothing is observed", "add --observe profiles"
            )
        return setting
    size = {} if subset is None else {"subset": subset}
    config = ObserveConfig(samples=observe == "samples", **size)
    return replace(setting, training=replace(setting.training, observe=config))


def describe(dataset: xarray.Dataset) -> str:
    """A line on the whole sweep, and for each width what is done and the best learning rate so far.

    The best rate minimises the mean loss over seeds, among rates at which all seeds are finished.
    """
    lines = [f"{dataset.attrs['setting']} ({dataset.attrs['preset']}): {_counts(dataset)}"]
    for width in dataset.width.values.tolist():
        row = dataset.sel(width=width)
        complete = row.isel(lr=row.finished.all("seed").values)
        best = ""
        if complete.lr.size > 0:
            mean_loss = complete.loss.mean("seed", skipna=False)
            lr, least = float(complete.lr[mean_loss.argmin("lr")]), float(mean_loss.min())
            edge = ", at the edge of the grid" if lr in (row.lr.min(), row.lr.max()) else ""
            best = f"; best lr {lr:.3g}, mean loss {least:.4f}{edge}" if math.isfinite(least) else ""
        lines.append(f"  width {width:>5}: {_counts(row)}{best}")
    return "\n".join(lines)


def let_threads_sleep() -> None:
    """Ask OpenMP, before torch is loaded, to let idle threads sleep instead of spin; the user's choice wins.

    On two cores shared with other programs a sweep then takes a fifth of the time (85 s against 440 s).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[Progress], None]]:
    """A callback for ``sims.sweep.run`` that draws a bar with the time left; the bar goes to stderr."""
    from tqdm import tqdm

    style = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=label, bar_format=style) as bar:

        def report(progress: Progress) -> None:
            done = f"{progress.finished}/{progress.total} runs"
            where = f"width {progress.width}, step {progress.step}/{progress.steps}"
            bar.set_description_str(f"{label}: {done}, {where}", refresh=False)
            bar.update(progress.share - bar.n)

        yield report


def _counts(dataset: xarray.Dataset) -> str:
    """How many runs are done, diverged and left, in words."""
    total, done, diverged = dataset.finished.size, int(dataset.finished.sum()), int(dataset.diverged.sum())
    parts = [f"{done} of {total} runs done"]
    parts += [f"{diverged} diverged"] if diverged else []
    parts += [f"{total - done} left"] if total > done else []
    return ", ".join(parts)
