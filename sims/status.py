"""The state of a run directory, as read from its files: what is done, running, failed, damaged, left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sims.settings import Setting
from sims.store import FailedRun, Run, Store, run_key, runs_of
from sims.store.claims import Worker, holders
from sims.table import assemble, further_axes

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Status:
    """A sweep: its table so far, who trains which runs, which runs failed, which records are damaged.

    ``strangers`` tells of finished runs of other sweeps in the same directory, if there are any.
    """

    setting: Setting
    dataset: xarray.Dataset
    running: dict[Run, Worker]
    failed: dict[Run, FailedRun]
    damaged: dict[Run, Path]
    strangers: str = ""

    def __str__(self) -> str:
        lines = [describe(self.dataset, running=len(self.running), failed=len(self.failed))]
        lines += _running_lines(self.setting, self.running)
        lines += failures_in_words(self.failed)
        lines += [f"damaged: {run_in_words(run)}: {path}" for run, path in self.damaged.items()]
        if self.failed or self.damaged:
            lines.append("failed and damaged runs are trained by the next `hptheory sweep` with this --out")
        if self.strangers:
            lines.append(f"beside them: {self.strangers}")
        return "\n".join(lines)


def read_status(directory: Path) -> Status:
    """The state of the sweep that was asked for last in a run directory.

    Domain: a directory without a sweep raises ``RunDirectoryError``.
    """
    store = Store(directory)
    setting = store.setting()
    records, damaged = store.readable(setting)
    names = {run_key(setting.training, run): run for run in runs_of(setting)}
    held = {names[key]: worker for key, worker in holders(directory).items() if key in names}
    running = {run: worker for run, worker in held.items() if run not in records}
    failed = {
        run: why for run, why in store.failures(setting).items() if run not in records and run not in running
    }
    return Status(setting, assemble(setting, records), running, failed, damaged, store.strangers(setting))


def describe(dataset: xarray.Dataset, *, running: int = 0, failed: int = 0) -> str:
    """A line on the whole sweep, and for each width what is done and the best learning rate so far.

    The best hyperparameters minimise the mean loss over seeds, among those at which all seeds are finished.
    """
    lines = [f"{dataset.attrs['setting']} ({dataset.attrs['preset']}): {_counts(dataset, running, failed)}"]
    for width in dataset.width.values.tolist():
        row = dataset.sel(width=width)
        lines.append(f"  width {width:>5}: {_counts(row)}{_best(row)}")
    return "\n".join(lines)


def failures_in_words(failed: dict[Run, FailedRun]) -> list[str]:
    """A line for the runs of a width that failed for one reason: a unit fails with all its runs. It names the
    record of the first, where that holds a traceback.

    >>> one, other = Run(32, 0.25, 0), Run(32, 0.5, 0)
    >>> why = FailedRun(one, "out of memory", "RuntimeError", "2026-01-01T00:00:00Z", "here")
    >>> failures_in_words({one: why}), failures_in_words({one: why, other: why})
    (['failed: width 32, lr 0.25, seed 0: out of memory (here, 2026-01-01T00:00:00Z)'],
     ['failed: width 32, 2 runs: out of memory (here, 2026-01-01T00:00:00Z)'])
    """
    together: dict[tuple[int, str, str, str], list[Run]] = {}
    for run, why in failed.items():
        together.setdefault((run.width, why.error, why.host, why.when), []).append(run)
    lines = []
    for (width, error, host, when), runs in together.items():
        why = failed[runs[0]]
        traceback = f"; traceback in {why.file}" if why.traceback else ""
        which = run_in_words(runs[0]) if len(runs) == 1 else f"width {width}, {len(runs)} runs"
        lines.append(f"failed: {which}: {error} ({host}, {when}{traceback})")
    return lines


def run_in_words(run: Run) -> str:
    """A run as a person names it.

    >>> run_in_words(Run(32, 0.25, 1, (("beta1", 0.9),)))
    'width 32, lr 0.25, seed 1, beta1 0.9'
    """
    further = "".join(f", {name} {value:.4g}" for name, value in run.hps)
    return f"width {run.width}, lr {run.lr:.4g}, seed {run.seed}{further}"


def _best(row: xarray.Dataset) -> str:
    """The best hyperparameters of a width, and whether they lie at the edge of the grid."""
    mean = row.loss.mean("seed", skipna=False).where(row.finished.all("seed"), math.inf)
    least = float(mean.min())
    if not math.isfinite(least):
        return ""
    names = ("lr", *further_axes(row))
    place = {str(name): int(index) for name, index in mean.argmin(names).items()}
    values = {name: float(row[name][place[name]]) for name in names}
    told = ", ".join(f"{name} {value:.3g}" for name, value in values.items())
    at_edge = [name for name in names if row.sizes[name] > 1 and place[name] in (0, row.sizes[name] - 1)]
    edge = ", at the edge of the grid" if at_edge else ""
    if at_edge and len(names) > 1:
        edge += f" of {' and '.join(at_edge)}"
    return f"; best {told}, mean loss {least:.4f}{edge}"


def _counts(dataset: xarray.Dataset, running: int = 0, failed: int = 0) -> str:
    """How many runs are done, diverged, running, failed and left, in words."""
    total, done, diverged = dataset.finished.size, int(dataset.finished.sum()), int(dataset.diverged.sum())
    left = total - done - running - failed
    parts = [f"{done} of {total} runs done"]
    parts += [f"{diverged} diverged"] if diverged else []
    parts += [f"{running} running"] if running else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{left} left"] if left else []
    return ", ".join(parts)


def _running_lines(setting: Setting, running: dict[Run, Worker]) -> list[str]:
    """A line a unit that is being trained: where, by whom, since when, at which step."""
    units: dict[tuple[str, int], list[Run]] = {}  # by worker and place in what it does; -1: not told yet
    for run, worker in running.items():
        key = run_key(setting.training, run)
        place = next((place for place, unit in enumerate(worker.doing) if key in unit["keys"]), -1)
        units.setdefault((worker.name, place), []).append(run)
    lines = []
    for (_, place), runs in units.items():
        worker = running[runs[0]]
        since = time.strftime("%H:%M:%S", time.localtime(worker.since))
        step = "starting" if place < 0 else "step {step} of {steps}".format(**worker.doing[place])
        widths = ", ".join(map(str, sorted({run.width for run in runs})))
        lines.append(
            f"running: width {widths}, {len(runs)} runs, {step}, by process {worker.pid} on {worker.host}, "
            f"which began at {since}"
        )
    return lines
