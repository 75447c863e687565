"""The figures of the paper's transformers that only they need: run directories in, figure and numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sims.decompose import DEFAULTS, truncations_of
from sims.errors import RunDirectoryError
from sims.observed import ObservedSweep, read_observed
from sims.observed_axis import read_along
from sims.report import by_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = tuple["Figure", dict[str, Any]]


def through_training(runs: Sequence[Path]) -> Drawn:
    """Figure 7: along training, the averaged weights' loss with the linearised one, and the last weights'.

    At every width's own best rate; means over seeds. Domain: one observed run directory.
    """
    from hptheory.figures.losses_along_training import losses_along_training
    from sims.store import load

    run = _only(runs)
    sweep, data = read_observed([run]), load(run)
    observed, validated = {}, {}
    for width in sweep.widths:
        lr = sweep.best_lr(width)
        results = [sweep.result(width, lr, seed) for seed in sweep.seeds]
        loss = np.mean([result.loss for result in results], axis=0)
        phi = np.mean([result.loss[0] + result.phi for result in results], axis=0)
        observed[width] = (results[0].steps, loss, phi)
        curves = data.sel(width=width, lr=lr, seed=list(sweep.seeds)).mean("seed")
        validated[width] = (data.step.values, curves.ema_loss_curve.values, curves.loss_curve.values)
    return losses_along_training(observed, validated)


def truncation_and_profile(runs: Sequence[Path], rate: float) -> Drawn:
    """Figures 10 and 28: truncations, and top-k losses at the printed rate, or the widest's best one."""
    from hptheory.figures.top_k_profile import top_k_profile

    sweep = read_observed(runs)
    lr = _printed_or_best(sweep, rate)
    return top_k_profile(sweep.profiles(), sweep.lrs, lr, truncations_of(sweep, DEFAULTS))


def profiles(runs: Sequence[Path]) -> Drawn:
    """Figures 12 and 26: top-k losses at the widest's best rate, a panel a run directory."""
    from hptheory.figures.top_k_panels import top_k_panels

    sweeps = {name: read_observed([run]) for name, run in by_name(runs).items()}
    return top_k_panels(
        dict(_panel(name, sweep, sweep.best_lr(sweep.widths[-1])) for name, sweep in sweeps.items())
    )


def lowest_and_best_profiles(runs: Sequence[Path]) -> Drawn:
    """Figure 32: top-k losses at the lowest rate, and at the widest's best one.

    The paper has 0.001 and 0.012; the former is not in the grid that it prints, whose lowest is 0.003.
    """
    from hptheory.figures.top_k_panels import top_k_panels

    [(name, run)] = by_name([_only(runs)]).items()
    sweep = read_observed([run])
    rates = sweep.lrs[0], sweep.best_lr(sweep.widths[-1])
    return top_k_panels(dict(_panel(name, sweep, lr) for lr in rates))


def losses_along(runs: Sequence[Path]) -> Drawn:
    """Figure 18: averaged and linearised loss against a hyperparameter, a panel a run directory."""
    from hptheory.figures.side_by_side import side_by_side

    sweeps = {name: read_along(run) for name, run in by_name(runs).items()}
    return side_by_side(
        {name: sweep.final_losses() for name, (sweep, _) in sweeps.items()},
        {name: sweep.lrs for name, (sweep, _) in sweeps.items()},
        {name: label for name, (_, label) in sweeps.items()},
        linearised={name: sweep.linearised_losses() for name, (sweep, _) in sweeps.items()},
    )


def truncated_along(runs: Sequence[Path]) -> Drawn:
    """Figures 19 and 21: Figure 8 along the one hyperparameter that was swept."""
    from hptheory.figures.truncated_losses import truncated_losses

    sweep, label = read_along(_only(runs))
    return truncated_losses(sweep.profiles(), sweep.lrs, truncations_of(sweep, DEFAULTS), label)


def residuals_along(runs: Sequence[Path]) -> Drawn:
    """Figures 20 and 22: Figure 9 along the one hyperparameter that was swept."""
    from hptheory.figures.truncated_losses import residual_losses

    sweep, label = read_along(_only(runs))
    return residual_losses(sweep.profiles(), sweep.lrs, truncations_of(sweep, DEFAULTS), label)


def truncations_along(runs: Sequence[Path]) -> Drawn:
    """Figure 23: the truncation of each width against whatever was swept, a panel a run directory."""
    from hptheory.figures.truncations import truncations

    sweeps = {name: read_along(run) for name, run in by_name(runs).items()}
    return truncations(
        {name: (sweep.lrs, truncations_of(sweep, DEFAULTS), label) for name, (sweep, label) in sweeps.items()}
    )


def _panel(name: str, sweep: ObservedSweep, lr: float) -> tuple[str, dict[int, np.ndarray]]:
    """A panel's title, and the profile of every width at one rate."""
    row = sweep.lrs.index(lr)
    return f"{name}, rate {lr:.3g}", {n: phi[row] for n, phi in sweep.profiles().items()}


def _printed_or_best(sweep: ObservedSweep, rate: float) -> float:
    printed = [lr for lr in sweep.lrs if np.isclose(lr, rate, rtol=1e-9)]
    return printed[0] if printed else sweep.best_lr(sweep.widths[-1])


def _only(runs: Sequence[Path]) -> Path:
    if len(runs) != 1:
        raise RunDirectoryError(f"this figure is drawn from one run directory, not {len(runs)}")
    return runs[0]
