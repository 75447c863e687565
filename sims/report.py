"""A run directory as the analysis wants it: the table of its finished runs, and what was run in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sims.requirements import require

if TYPE_CHECKING:
    from hptheory.transfer import SweepTable
    from sims.settings import Training


def read_runs(
    run_dir: Path, *, hp: Sequence[str] | None = None, loss: str = "loss", **names: Any
) -> SweepTable:
    """The finished runs of a directory that ``hptheory sweep`` wrote, as a sweep table.

    The columns are those of its ``results.csv``, the keyword arguments those of ``SweepTable.from_columns``;
    ``hp`` is by default what was swept, the learning rate if nothing was.

    Domain: a directory without a sweep, or without a finished run of it, raises ``RunDirectoryError``; so
    does a loss that its runs did not measure.
    """
    from sims.commands import STORE_PACKAGES

    require("reading a run directory", *STORE_PACKAGES)
    from hptheory.transfer import SweepTable
    from sims.errors import RunDirectoryError
    from sims.store import Store, load
    from sims.table import columns, swept

    dataset = load(run_dir)
    if not dataset.finished.any():
        store = Store(run_dir)
        if others := store.strangers(store.setting()):
            raise RunDirectoryError(
                f"no run of the sweep of {run_dir} is finished, beside {others}; train it with `hptheory "
                "sweep`, or give the results.csv that the earlier sweep left"
            )
        raise RunDirectoryError(f"no run of {run_dir} is finished; train it with `hptheory sweep`")
    table = columns(dataset)
    # Without this check every run would count as diverged: to a table, a loss that is nan is a run that did.
    if loss in table and all(map(math.isnan, table[loss])):
        raise RunDirectoryError(f"the runs of {run_dir} did not measure '{loss}'; name another loss (--loss)")
    return SweepTable.from_columns(
        table, hp=swept(dataset) if hp is None else hp, loss=loss, source=str(run_dir), **names
    )


def by_name(runs: Sequence[Path]) -> dict[str, Path]:
    """Run directories by the names of their settings and presets, and by their own where two have the same.

    Domain: the same directory twice, or one without a sweep, raises ``RunDirectoryError``.
    """
    from sims.errors import RunDirectoryError
    from sims.store import Store

    settings = [Store(run).setting() for run in runs]
    names = [f"{setting.name} ({setting.preset})" for setting in settings]
    many = {name for name, count in Counter(names).items() if count > 1}
    found = {f"{name} in {run}" if name in many else name: run for name, run in zip(names, runs, strict=True)}
    if len(found) < len(runs):
        raise RunDirectoryError(f"a run directory is given twice: {', '.join(map(str, runs))}")
    return found


def what_was_run(run_dir: Path) -> dict[str, str]:
    """The setting, the grid, the device, the time and the versions of a run directory, as labelled lines."""
    from sims.store import Store, provenance, runs_of

    store = Store(run_dir)
    setting = store.setting()
    records, trained = store.records(setting), provenance(run_dir)
    training = setting.training
    diverged = sum(record.result["diverged"] for record in records.values())
    return {
        "setting": f"{setting.name}, preset {setting.preset}",
        "training": f"{training.task.name}, {_length(training)}, batch size {training.batch_size}, "
        f"{training.optimizer.name}, schedule {training.schedule.name}, {training.parameterization}, "
        f"base width {training.base_width}, {training.precision}",
        "grid": f"widths {_words(setting.widths)}; learning rates {_words(setting.lrs)}; "
        f"seeds {_words(setting.seeds)}",
        "runs": f"{len(records)} of {len(runs_of(setting))} done, {diverged} diverged",
        "device": f"{_field(trained, 'device')} ({_field(trained, 'machine')}), "
        f"{_field(trained, 'threads')} threads, {_field(trained, 'dtype')}",
        "training time": f"{trained['seconds'][0]:.0f} s",
        "versions": f"hptheory {_field(trained, 'hptheory')}, torch {_field(trained, 'torch')}",
    }


def _length(training: Training) -> str:
    return f"{training.steps} steps" if training.epochs is None else f"{training.epochs} epochs"


def _words(values: Iterable[int | float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _field(trained: dict[str, list[Any]], name: str) -> str:
    return " and ".join(map(str, trained.get(name, []))) or "none"
