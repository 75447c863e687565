"""The figures of sweeps: run directories in, figure and numbers out (see ``sims.figures``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sims.errors import RunDirectoryError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = tuple["Figure", dict[str, Any]]


def rate_curves(runs: Sequence[Path]) -> Drawn:
    """Figures 2 and 5: validation loss against the rate, a curve a width, with the fitted optima.

    Domain: one run directory, else ``RunDirectoryError``.
    """
    from hptheory.figures.sweep_curves import sweep_curves
    from hptheory.transfer import analyse
    from sims.report import read_runs

    return sweep_curves(analyse(read_runs(_only(runs))))


def rate_curves_side_by_side(runs: Sequence[Path]) -> Drawn:
    """Figure 17: the same for several sweeps, a panel each, on axes of their own.

    The numbers have a first column ``setting``.
    """
    from hptheory.figures.side_by_side import side_by_side
    from sims.report import by_name
    from sims.store import load

    sweeps = {name: load(run) for name, run in by_name(runs).items()}
    tables = {
        name: {int(n): data.loss.sel(width=n).transpose("seed", "lr").values for n in data.width.values}
        for name, data in sweeps.items()
    }
    return side_by_side(tables, {name: data.lr.values for name, data in sweeps.items()})


def transfer(runs: Sequence[Path]) -> Drawn:
    """Figures 6, 11, 13, 24, 25, 27, 31: the averaged weights' loss, and what the narrowest's rate costs.

    Where the runs were observed, it is the loss on what was observed, and the linearised one is dashed.

    Domain: one run directory whose runs are all finished at two widths or more, else ``RunDirectoryError``.
    """
    from hptheory.figures.transferred_loss import transferred_loss
    from sims.observed import is_observed, read_observed
    from sims.store import load

    run = _only(runs)
    if is_observed(run):
        sweep = read_observed([run])
        return transferred_loss(sweep.final_losses(), sweep.lrs, linearised=sweep.linearised_losses())
    data = load(run)
    loss = data.ema_loss if data.ema_loss.notnull().any() else data.loss
    whole = [int(n) for n in data.width.values if data.finished.sel(width=n).all()]
    if len(whole) < 2:
        raise RunDirectoryError(f"{run} has fewer than two widths that are finished; run the sweep on")
    losses = {n: loss.sel(width=n).transpose("seed", "lr").values for n in whole}
    return transferred_loss(losses, data.lr.values)


def _only(runs: Sequence[Path]) -> Path:
    if len(runs) != 1:
        raise RunDirectoryError(f"this figure is drawn from one run directory, not {len(runs)}")
    return runs[0]
