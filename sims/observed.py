"""Observed sweeps, read from run directories: profiles, curves, losses and difficulties of their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float

from sims.errors import RunDirectoryError
from sims.requirements import require
from sims.settings import Setting, Training
from sims.store import Run, Store
from sims.trajectory.files import from_bytes
from sims.trajectory.result import TrajectoryResult

PREFERRED_WIDTH = 128  # the model whose examples the paper ranks (Fig. 14 to 16)


@dataclass(frozen=True)
class ObservedSweep:
    """The observed runs of a sweep. ``setting`` is that of the first directory; all have its ``training``.

    ``lrs`` are the rates at which every width and seed has a whole trajectory: rates at which one run has
    diverged, or is missing, are left out (``left_out``). They may be values of another hyperparameter
    (``sims.observed_axis``), which ``hp`` names in words and ``label`` on an axis.
    """

    setting: Setting
    results: dict[Run, TrajectoryResult]
    widths: tuple[int, ...]
    seeds: tuple[int, ...]
    lrs: tuple[float, ...]
    left_out: tuple[float, ...]
    hp: str = "learning rate"
    label: str = "learning rate"

    def result(self, width: int, lr: float, seed: int) -> TrajectoryResult:
        """The trajectory of one run."""
        return self.results[Run(width, lr, seed)]

    def profiles(self) -> dict[int, Float[np.ndarray, "lr n"]]:
        """phi_n^k of each width, the mean over seeds."""
        return {
            width: np.stack([self._mean("profile", width, lr) for lr in self.lrs]) for width in self.widths
        }

    def curves(self, lr: float) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """phi_n^k along the run at one rate, ``[step, n]`` of each width, and the steps.

        *Laws*: the last column is phi at these steps, the last row the profile at the end of the run.
        """
        curves = {width: self._mean("profile_curve", width, lr) for width in self.widths}
        return curves, {n: self.result(n, lr, self.seeds[0]).profile_curve_steps for n in self.widths}

    def best_lr(self, width: int) -> float:
        """The rate of the least mean loss of the averaged weights."""
        loss = [np.mean([self.result(width, lr, seed).loss[-1] for seed in self.seeds]) for lr in self.lrs]
        return self.lrs[int(np.argmin(loss))]

    def final_losses(self) -> dict[int, Float[np.ndarray, "seed lr"]]:
        """The loss of the averaged weights at the end, of each width, on what was observed."""
        return self._ends(lambda result: float(result.loss[-1]))

    def linearised_losses(self) -> dict[int, Float[np.ndarray, " lr"]]:
        """The loss at the start plus the linearised change, of each width, the mean over seeds."""
        ends = self._ends(lambda result: float(result.loss[0] + result.phi[-1]))
        return {width: values.mean(0) for width, values in ends.items()}

    def worst(self) -> TrajectoryResult:
        """The trajectory whose linearisation is the least faithful."""
        return max(self.results.values(), key=lambda result: result.relative_error)

    def ranked_model(self) -> tuple[int, float, int]:
        """The model whose examples are ranked: width 128 or the next narrower, its best rate, first seed."""
        narrower = [width for width in self.widths if width <= PREFERRED_WIDTH]
        width = narrower[-1] if narrower else self.widths[0]
        return width, self.best_lr(width), self.seeds[0]

    def difficulty(self, width: int, lr: float, seed: int) -> Float[np.ndarray, " example"]:
        """The mean component index of every example under one model.

        Domain: a sweep that did not follow single examples raises ``RunDirectoryError``.
        """
        index = self.result(width, lr, seed).extra.get("mci")
        if index is None:
            raise RunDirectoryError(
                "these runs did not follow single examples; train with `hptheory sweep --observe samples`"
            )
        return index

    def subset_losses(self, examples: np.ndarray) -> dict[int, Float[np.ndarray, "seed lr"]]:
        """The mean loss on some examples at the end, of each width."""
        return {
            width: np.array(
                [
                    [self.result(width, lr, seed).example_losses[examples].mean() for lr in self.lrs]
                    for seed in self.seeds
                ]
            )
            for width in self.widths
        }

    def _ends(self, value: Callable[[TrajectoryResult], float]) -> dict[int, Float[np.ndarray, "seed lr"]]:
        return {
            width: np.array([[value(self.result(width, lr, s)) for lr in self.lrs] for s in self.seeds])
            for width in self.widths
        }

    def _mean(self, name: str, width: int, lr: float) -> np.ndarray:
        values = [getattr(self.result(width, lr, seed), name) for seed in self.seeds]
        return np.asarray(np.mean(values, axis=0, dtype=np.float64))


def read_observed(directories: Sequence[Path]) -> ObservedSweep:
    """The observed runs in some run directories, which together are one sweep.

    Domain: directories trained in different ways, or a run in two of them, raise ``RunDirectoryError``: what
    they say together is of no sweep. A directory without an observed run, or no rate at which all runs came
    through, raises it as well; a damaged file, ``CorruptRecordError``.
    """
    require("reading a run directory", "xarray", "h5netcdf", "h5py")
    results: dict[Run, TrajectoryResult] = {}
    asked: set[float] = set()
    setting = None
    for directory in directories:
        store = Store(directory)
        setting_here = store.setting()
        setting = setting or setting_here
        if setting_here.training != setting.training:
            raise RunDirectoryError(
                f"{directory} is not trained or observed as {directories[0]} is "
                f"({', '.join(_differing(setting.training, setting_here.training))}); give each by itself"
            )
        asked |= set(setting_here.lrs)
        found = _observed_runs(store, setting_here)
        if not found:
            raise RunDirectoryError(_none_observed(store, setting_here))
        if twice := [run for run in found if run in results]:
            raise RunDirectoryError(
                f"{len(twice)} runs of {directory} are in another directory as well, such as width "
                f"{twice[0].width}, rate {twice[0].lr:.3g}, seed {twice[0].seed}; give each run once"
            )
        results |= found
    if setting is None:
        raise RunDirectoryError("no run directory was given; name one of an observed sweep")
    widths, seeds = _axis(run.width for run in results), _axis(run.seed for run in results)
    whole = [
        lr
        for lr in sorted(asked)
        if all(Run(width, lr, seed) in results for width in widths for seed in seeds)
    ]
    if not whole:
        raise RunDirectoryError(
            f"at no learning rate have all {len(widths)} widths and {len(seeds)} seeds come to their end"
        )
    left_out = tuple(sorted(asked - set(whole)))
    return ObservedSweep(setting, results, widths, seeds, tuple(whole), left_out)


def is_observed(directory: Path) -> bool:
    """Whether a run directory holds a run whose trajectory was followed to the end."""
    store = Store(directory)
    return bool(_observed_runs(store, store.setting()))


def _observed_runs(store: Store, setting: Setting) -> dict[Run, TrajectoryResult]:
    """The runs of a sweep whose trajectory was followed to the end."""
    found = {}
    for run, record in store.records(setting).items():
        content = store.trajectory(setting.training, record)
        if content is not None and not run.hps:
            result = from_bytes(content, store.directory)
            if result.stopped is None:
                found[run] = result
    return found


def _none_observed(store: Store, setting: Setting) -> str:
    """Why there is nothing to read: runs without an observer, or none that this sweep and version has."""
    others = store.strangers(setting)
    place = f"{store.directory}, beside {others}," if others else store.directory
    return f"no run of {place} was observed; train with `hptheory sweep --observe profiles`"


def _differing(one: Training, other: Training) -> list[str]:
    return [entry.name for entry in fields(one) if getattr(one, entry.name) != getattr(other, entry.name)]


def _axis(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(values)))
