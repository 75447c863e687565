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
    "train_loss": "training loss after the last step",
    "accuracy": "share of validation examples classified correctly after the last step",
    "last_step": "steps taken; of a diverged run, the first step whose loss was not finite",
    "cost": "floating-point operations of the training: 6 x parameters x examples seen",
}
CURVES = {
    "loss_curve": "validation loss after so many steps",
    "train_loss_curve": "mean loss of the batches since the step before",
}
COLUMNS = ("width", "lr", "seed", "loss", "train_loss", "accuracy", "diverged", "step", "cost")
RENAMED = {"step": "last_step"}  # in the dataset, `step` is the dimension of the curves


def assemble(setting: Setting, records: Mapping[Run, Record]) -> xarray.Dataset:
    """The table of a sweep; a run without a record is NaN, with ``finished`` false.

    On (width, seed, lr): ``loss``, ``train_loss``, ``accuracy``, ``last_step``, ``cost``, ``diverged``,
    ``finished``. On (width, seed, lr, step): ``loss_curve``, ``train_loss_curve``. Losses are in nats.
    """
    import xarray

    grid = (setting.widths, setting.seeds, setting.lrs)
    results = {run: record.result for run, record in records.items()}
    steps: list[int] = next((result["curve_steps"] for result in results.values()), [])
    shape = tuple(map(len, grid))
    arrays = {name: np.full(shape, math.nan) for name in SCALARS}
    arrays |= {name: np.full((*shape, len(steps)), math.nan) for name in CURVES}
    flags = {name: np.zeros(shape, dtype=bool) for name in ("diverged", "finished")}
    for run, result in results.items():
        cell = tuple(
            axis.index(value) for axis, value in zip(grid, (run.width, run.seed, run.lr), strict=True)
        )
        flags["finished"][cell] = True
        flags["diverged"][cell] = result["diverged"]
        for name, array in arrays.items():
            array[cell] = _numbers(result[name], missing=math.nan if name == "accuracy" else math.inf)
    described = SCALARS | CURVES
    variables = {
        name: ((*GRID, "step") if name in CURVES else GRID, array, {"description": described[name]})
        for name, array in arrays.items()
    }
    return xarray.Dataset(
        variables | {name: (GRID, flag) for name, flag in flags.items()},
        coords=dict(zip(GRID, map(list, grid), strict=True)) | {"step": np.array(steps, dtype=np.int64)},
        attrs={
            "setting": setting.name,
            "preset": setting.preset,
            "training": json.dumps(asdict(setting.training), sort_keys=True),
        },
    )


def columns(dataset: xarray.Dataset) -> dict[str, list[Any]]:
    """The tidy table of the finished runs, a row a run, with the columns ``COLUMNS``.

    A diverged run has infinite losses and an accuracy that is not a number; ``step`` is ``last_step``.
    """
    cells = dataset.transpose("width", "lr", "seed", ...).stack(
        row=("width", "lr", "seed"), create_index=False
    )
    finished = cells.isel(row=cells.finished.values)
    table = {name: finished[RENAMED.get(name, name)].values.tolist() for name in COLUMNS}
    return {**table, "step": [int(step) for step in table["step"]]}


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
