"""Observed sweeps over another hyperparameter than the rate, such as Adam's betas."""

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


SCALES: dict[str, tuple[str, Callable[[float], float]]] = {
    "beta1": (r"window $1/(1-\beta_1)$", window),
    "beta2": (r"window $1/(1-\beta_2)$", window),
    "momentum": (r"window $1/(1-\beta)$", window),
    "mu": (r"window $1/(1-\mu)$", window),
    "weight_decay": (r"weight decay $\lambda$", float),
}
"""The label of a hyperparameter's axis, and where on it a value lies."""


def read_along(directory: Path) -> tuple[ObservedSweep, str]:
    """The observed runs along the one hyperparameter of which a sweep has several values, and its label.

    Of a sweep over the rate, that of ``read_observed``. Otherwise ``lrs`` of what comes back are the values
    on the hyperparameter's axis (``SCALES``), in rising order.

    Domain: a sweep with several values of two hyperparameters, or one whose runs were not observed at any
    value for all widths and seeds, raises ``RunDirectoryError``.
    """
    require("reading a run directory", "xarray", "h5netcdf", "h5py")
    store = Store(directory)
    setting = store.setting()
    several = [name for name, values in setting.hps if len(values) > 1]
    if not several and not setting.hps:
        return read_observed([directory]), "learning rate"
    if len(several) != 1 or len(setting.lrs) > 1:
        swept = ", ".join([*(["the rate"] if len(setting.lrs) > 1 else []), *several]) or "nothing"
        raise RunDirectoryError(f"{directory} is swept over {swept}; one hyperparameter is needed")
    name = several[0]
    label, place = SCALES[name]
    results = {}
    for run, record in store.records(setting).items():
        content = store.trajectory(setting.training, record)
        if content is not None:
            result = from_bytes(content, directory)
            if result.stopped is None:
                results[Run(run.width, place(dict(run.hps)[name]), run.seed)] = result
    values = sorted(place(value) for value in dict(setting.hps)[name])
    return _of(setting, results, values, directory), label


def _of(setting: Setting, results: dict, values: Sequence[float], directory: Path) -> ObservedSweep:
    widths, seeds = (tuple(sorted({getattr(run, axis) for run in results})) for axis in ("width", "seed"))
    whole = tuple(v for v in values if all(Run(w, v, s) in results for w in widths for s in seeds))
    if not results or not whole:
        raise RunDirectoryError(
            f"no run of {directory} was observed, or at no value all of them; train with `hptheory sweep "
            "--observe profiles`"
        )
    along = replace(setting, lrs=tuple(values), hps=())
    return ObservedSweep(along, results, widths, seeds, whole, tuple(v for v in values if v not in whole))
