"""The comparisons of arXiv 2512.05620 between optimizers and scaling rules, drawn from run directories.

``loss`` is one of ``sims.figure_table.LOSSES``: of the last weights, the averaged ones, or the batches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.transfer import analyse
from sims.errors import RunDirectoryError
from sims.report import by_name, read_runs
from sims.settings import Setting
from sims.settings.transformers import TransformerConfig

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Drawn = tuple["Figure", dict[str, Any]]
NAMES = {"lr": "learning rate"}


def drift(runs: Sequence[Path], loss: str = "loss") -> Drawn:
    """How the optimum of whatever was swept moves with width, and what that costs, a curve a sweep."""
    from hptheory.figures.optimum_drift import optima_of, optimum_drift, transfer_costs

    reports = {name: analyse(read_runs(run, loss=loss)) for name, run in by_name(runs).items()}
    swept = {report.table.hp_names for report in reports.values()}
    if len(swept) > 1 or len(next(iter(swept))) > 1:
        raise RunDirectoryError(f"these sweeps are not over one and the same hyperparameter: {sorted(swept)}")
    costs = {name: transfer_costs(_by_width(_loss_table(run, loss))) for name, run in by_name(runs).items()}
    optima = {name: optima_of(report) for name, report in reports.items()}
    name = swept.pop()[0]
    return optimum_drift(optima, costs, NAMES.get(name, name.replace("_", " ")))


def batches(runs: Sequence[Path], loss: str = "loss") -> Drawn:
    """How the optimal rate moves with the batch size, a curve a width; a run directory a batch size.

    Dotted: proportional to the root of the batch size, the rule for Adam where the gradient's noise outweighs
    it (arXiv 2205.10287).

    Domain: as for ``depths``, with batch sizes for depths.
    """
    guide = (0.5, "root of the batch size")
    return _along(runs, loss, lambda setting: setting.training.batch_size, "batch size", guide)


def depths(runs: Sequence[Path], loss: str = "loss") -> Drawn:
    """How the optimal rate moves with the number of layers, a curve a width; a run directory a depth.

    Under muP, with residual branches of 1/L, it should stand still (arXiv 2512.05620).

    Domain: costs are taken at the values of the hyperparameter that all directories have; where they have
    none, or are swept over several hyperparameters, and where depths repeat or a network has no blocks,
    ``RunDirectoryError``.
    """

    def layers(setting: Setting) -> int:
        model = setting.training.model
        if not isinstance(model, TransformerConfig):
            raise RunDirectoryError(f"{setting.name} has no layers to count; give sweeps of transformers")
        return model.layers

    return _along(runs, loss, layers, "number of layers")


def _along(
    runs: Sequence[Path],
    loss: str,
    scale_of: Callable[[Setting], int],
    name: str,
    guide: tuple[float, str] | None = None,
) -> Drawn:
    """How the optimum moves with another scale than width, of which every directory has its own."""
    from hptheory.figures.optimum_drift import Optimum, optima_of, optimum_drift, transfer_costs
    from sims.store import Store

    scales = {run: scale_of(Store(run).setting()) for run in runs}
    if len(set(scales.values())) < max(2, len(runs)):  # a directory given twice has one entry
        given = ", ".join(map(str, scales.values()))
        raise RunDirectoryError(f"two directories or more are needed, each of another {name}, not {given}")
    ordered = sorted(runs, key=lambda run: scales[run])
    losses = dict(zip(sorted(scales.values()), _on_common_grid(ordered, loss), strict=True))
    widths = sorted(set.intersection(*(set(table) for table in losses.values())))
    optima: dict[str, list[Optimum]] = {f"width {n}": [] for n in widths}
    for run in ordered:
        for found in optima_of(analyse(read_runs(run, loss=loss))):
            if found.scale in widths:
                optima[f"width {found.scale:g}"].append(
                    Optimum(scales[run], found.hp, found.low, found.high, found.inside)
                )
    costs = {f"width {n}": transfer_costs({at: table[n] for at, table in losses.items()}) for n in widths}
    return optimum_drift(optima, costs, scale_name=name, guide=guide)


def multipliers(runs: Sequence[Path], loss: str = "loss") -> Drawn:
    """Loss against compute, and how much of it each optimizer saves over the first (AdamW, say)."""
    from hptheory.figures.compute_multipliers import compute_multipliers

    reports = {name: analyse(read_runs(run, loss=loss)) for name, run in by_name(runs).items()}
    return compute_multipliers(reports)


def ranks(runs: Sequence[Path], data_dir: Path | None = None) -> Drawn:
    """Stable rank of the updates against width; the first steps are trained again to see them.

    At the best rate of each width, the first seed. Of ``STEPS``, those that the run has.
    """
    from hptheory.figures.stable_ranks import stable_ranks
    from sims.members import Member
    from sims.stable_rank import STEPS, update_ranks
    from sims.store import Store, load
    from sims.tasks import load_task
    from sims.train import steps_of

    found: dict[str, dict[int, dict[int, list[float]]]] = {}
    for name, run in by_name(runs).items():
        setting: Setting = Store(run).setting()
        training = replace(setting.training, observe=None)
        task = load_task(training.task, data_dir=data_dir)
        steps = [step for step in STEPS if step <= steps_of(training, task)]
        best = best_rates(load(run))
        members = {width: Member(lr, setting.seeds[0]) for width, lr in best.items()}
        found[name] = {n: update_ranks(training, n, member, task, steps) for n, member in members.items()}
    return stable_ranks(found)


def best_rates(data: xarray.Dataset) -> dict[int, float]:
    """The rate of the least mean loss at every width that is finished.

    Domain: no such width raises ``RunDirectoryError``.
    """
    means = data.loss.mean(("seed", *(set(data.loss.dims) - {"width", "seed", "lr"})))
    best = {
        int(n): float(data.lr.values[int(np.nanargmin(means.sel(width=n).values))])
        for n in data.width.values
        if data.finished.sel(width=n).all()
    }
    if not best:
        raise RunDirectoryError("no width is finished; run the sweep on")
    return best


def _on_common_grid(runs: Sequence[Path], loss: str) -> list[dict[int, Any]]:
    """[seed, HP] of every finished width in each directory, at the values that all have.

    Domain: directories over different hyperparameters, or without a common value, raise
    ``RunDirectoryError``.
    """
    tables = [_loss_table(run, loss) for run in runs]
    names = {str(table.dims[-1]) for table in tables}
    grids = [set(table[table.dims[-1]].values.tolist()) for table in tables]
    common = sorted(set.intersection(*grids))
    if len(names) > 1 or not common:
        raise RunDirectoryError(
            f"{', '.join(map(str, runs))} have no value of one and the same hyperparameter in common; sweep "
            "them over the same values"
        )
    return [_by_width(table.sel({table.dims[-1]: common})) for table in tables]


def _loss_table(run: Path, loss: str) -> xarray.DataArray:
    """[width, seed, HP] of the finished widths, HPs being whatever was swept."""
    from sims.store import load
    from sims.table import further_axes, swept

    data = load(run)
    name = swept(data)[0]
    fixed = {axis: 0 for axis in ("lr", *further_axes(data)) if axis != name}
    whole = data.finished.all([axis for axis in data.finished.dims if axis != "width"])
    return data[loss].isel(fixed).sel(width=whole).transpose("width", "seed", name)


def _by_width(table: xarray.DataArray) -> dict[int, Any]:
    """[seed, HP] of every width."""
    return {int(n): table.sel(width=n).values for n in table.width.values}
