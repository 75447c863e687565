"""Observed sweeps over the rate or another hyperparameter, such as Adam's betas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sims.errors import RunDirectoryError
from sims.observed import ObservedSweep, read_observed
from sims.requirements import require
from sims.settings import Setting
from sims.store import Run, Store
from sims.trajectory.files import from_bytes


def window(beta: float) -> float:
    """How many steps an average with decay beta remembers: 1 / (1 - beta).

    Source: arXiv 2512.22768, App. D.2.2, which spaces its grids of beta1 and beta2 evenly in its logarithm.

    >>> round(window(0.95))
    20
    """
    return 1 / (1 - beta)


SCALES: dict[str, tuple[str, str, Callable[[float], float]]] = {
    "beta1": ("window 1/(1 - beta1)", r"window $1/(1-\beta_1)$", window),
    "beta2": ("window 1/(1 - beta2)", r"window $1/(1-\beta_2)$", window),
    "momentum": ("window 1/(1 - momentum)", r"window $1/(1-\beta)$", window),
    "mu": ("window 1/(1 - mu)", r"window $1/(1-\mu)$", window),
    "weight_decay": ("weight decay", r"weight decay $\lambda$", float),
}
"""A hyperparameter's axis in words, its label in figures, and where on it a value lies."""


def read_swept(directories: Sequence[Path]) -> ObservedSweep:
    """The observed runs of directories swept over the rate, or of one swept over another hyperparameter.

    Domain: a directory swept over another hyperparameter beside others raises ``RunDirectoryError``; so does
    what ``read_observed`` and ``read_along`` refuse.
    """
    require("reading a run directory", "xarray", "h5netcdf", "h5py")
    if len(directories) == 1:
        return read_along(directories[0])[0]
    for directory in directories:
        if Store(directory).setting().hps:
            raise RunDirectoryError(
                f"{directory} is swept over another hyperparameter than the rate; give it alone"
            )
    return read_observed(directories)


def read_along(directory: Path) -> tuple[ObservedSweep, str]:
    """The observed runs along the one hyperparameter of which a sweep has several values, and its label.

    Of a sweep over the rate alone, that of ``read_observed``. Otherwise ``lrs`` of what comes back are the
    values on the hyperparameter's axis (``SCALES``), in rising order.

    Domain: a sweep with several values of two hyperparameters, or one whose runs were not observed at any
    value for all widths and seeds, raises ``RunDirectoryError``.
    """
    require("reading a run directory", "xarray", "h5netcdf", "h5py")
    store = Store(directory)
    setting = store.setting()
    if not setting.hps:
        return read_observed([directory]), "learning rate"
    several = [name for name, values in setting.hps if len(values) > 1]
    swept = ["the rate"] * (len(setting.lrs) > 1) + several
    if len(swept) != 1:
        raise RunDirectoryError(
            f"{directory} is swept over {', '.join(swept) or 'nothing'}; one hyperparameter is needed"
        )
    hp, label, place = SCALES[several[0]] if several else ("learning rate", "learning rate", float)
    results = {}
    for run, record in store.records(setting).items():
        content = store.trajectory(setting.training, record)
        if content is not None:
            result = from_bytes(content, directory)
            if result.stopped is None:
                value = place(dict(run.hps)[several[0]]) if several else run.lr
                results[Run(run.width, value, run.seed)] = result
    values = sorted(map(place, dict(setting.hps)[several[0]])) if several else sorted(setting.lrs)
    return replace(_of(setting, results, values, directory), hp=hp, label=label), label


def _of(setting: Setting, results: dict, values: Sequence[float], directory: Path) -> ObservedSweep:
    widths, seeds = (tuple(sorted({getattr(run, axis) for run in results})) for axis in ("width", "seed"))
    whole = tuple(v for v in values if all(Run(w, v, s) in results for w in widths for s in seeds))
    if not results or not whole:
        raise RunDirectoryError(
            f"no run of {directory} was observed, or at no value all of them; train with `hptheory sweep "
            "--observe profiles`"
        )
    return ObservedSweep(setting, results, widths, seeds, whole, tuple(v for v in values if v not in whole))
