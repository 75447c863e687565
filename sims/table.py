"""The results of a sweep as one labelled table (xarray), and as the columns of a tidy one (CSV)."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.files import write_atomically
from sims.settings import Setting
from sims.store import Record, Run

if TYPE_CHECKING:
    import xarray

GRID = ("width", "seed", "lr")
SCALARS = {
    "loss": "validation loss after the last step; inf: diverged; NaN: not run yet",
    "ema_loss": "validation loss of the averaged weights after the last step; NaN without an average",
    "train_loss": "mean loss of the batches since the last but one evaluation",
    "accuracy": "share of validation examples classified correctly after the last step",
    "ema_accuracy": "share that the averaged weights classify correctly",
    "last_step": "steps taken; of a diverged run, the first step whose loss was not finite",
    "cost": "floating-point operations of the training: 6 x parameters x predictions, tables not counted",
}
CURVES = {
    "loss_curve": "validation loss after so many steps",
    "ema_loss_curve": "validation loss of the averaged weights after so many steps",
    "train_loss_curve": "mean loss of the batches since the step before",
}
COLUMNS = (
    "width", "lr", "seed", "loss", "ema_loss", "train_loss", "accuracy", "ema_accuracy", "diverged", "step",
    "cost",
)  # fmt: skip
RENAMED = {"step": "last_step"}  # in the dataset, `step` is the dimension of the curves


def assemble(setting: Setting, records: Mapping[Run, Record]) -> xarray.Dataset:
    """The table of a sweep; a run without a record is NaN, with ``finished`` false.

    On (width, seed, lr) and the setting's further axes: what ``SCALARS`` names, ``diverged`` and
    ``finished``; with a last axis ``step``: what ``CURVES`` names. Losses are the task's, e.g. in nats.
    """
    import xarray

    axes = {"width": setting.widths, "seed": setting.seeds, "lr": setting.lrs, **dict(setting.hps)}
    results = {run: record.result for run, record in records.items()}
    steps: list[int] = next((result["curve_steps"] for result in results.values()), [])
    shape = tuple(map(len, axes.values()))
    arrays = {name: np.full(shape, math.nan) for name in SCALARS}
    arrays |= {name: np.full((*shape, len(steps)), math.nan) for name in CURVES}
    flags = {name: np.zeros(shape, dtype=bool) for name in ("diverged", "finished")}
    for run, result in results.items():
        place = (run.width, run.seed, run.lr, *(value for _, value in run.hps))
        cell = tuple(axis.index(value) for axis, value in zip(axes.values(), place, strict=True))
        flags["finished"][cell] = True
        flags["diverged"][cell] = result["diverged"]
        for name, array in arrays.items():
            # What JSON cannot hold is a loss that was not finite; of a run that did not diverge, what was
            # not measured.
            infinite = result["diverged"] and "accuracy" not in name
            if result[name] != []:
                array[cell] = _numbers(result[name], missing=math.inf if infinite else math.nan)
    described = SCALARS | CURVES
    grid = tuple(axes)
    variables = {
        name: ((*grid, "step") if name in CURVES else grid, array, {"description": described[name]})
        for name, array in arrays.items()
    }
    return xarray.Dataset(
        variables | {name: (grid, flag) for name, flag in flags.items()},
        coords={name: list(axis) for name, axis in axes.items()} | {"step": np.array(steps, dtype=np.int64)},
        attrs={
            "setting": setting.name,
            "preset": setting.preset,
            "training": json.dumps(asdict(setting.training), sort_keys=True),
        },
    )


def columns(dataset: xarray.Dataset) -> dict[str, list[Any]]:
    """The tidy table of the finished runs, a row a run: ``COLUMNS``, further hyperparameters after ``lr``.

    A diverged run has infinite losses and an accuracy that is not a number; ``step`` is ``last_step``.
    """
    grid = ("width", "lr", *further_axes(dataset), "seed")
    # Without the curves, which have no length yet where no run is finished.
    cells = dataset.drop_dims("step").transpose(*grid).stack(row=grid, create_index=False)
    finished = cells.isel(row=cells.finished.values)
    names = ("width", "lr", *further_axes(dataset), *COLUMNS[2:])
    table = {name: finished[RENAMED.get(name, name)].values.tolist() for name in names}
    return {**table, "step": [int(step) for step in table["step"]]}


def further_axes(dataset: xarray.Dataset) -> tuple[str, ...]:
    """The hyperparameters that the sweep has beside the learning rate."""
    return tuple(str(name) for name in dataset.finished.dims if name not in GRID)


def swept(dataset: xarray.Dataset) -> list[str]:
    """The hyperparameters of which the sweep has several values; the learning rate if there is none."""
    return [name for name in ("lr", *further_axes(dataset)) if dataset.sizes[name] > 1] or ["lr"]


def write_results(dataset: xarray.Dataset, directory: Path) -> None:
    """Write ``results.nc`` (netCDF, everything) and ``results.csv`` (the finished runs, a row each)."""
    write_atomically(directory / "results.nc", bytes(dataset.to_netcdf(engine="h5netcdf")))
    table = columns(dataset)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    write_atomically(directory / "results.csv", stream.getvalue().encode())


def _numbers(value: Any, missing: float) -> Any:
    """A stored number or list of numbers, with what JSON cannot hold put back."""
    if isinstance(value, list):
        return [_numbers(item, missing) for item in value]
    return missing if value is None else value
