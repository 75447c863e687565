"""The figures of observed sweeps: run directories in, figure and numbers out (see ``sims.figures``)."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hptheory.decomposition.overlap import End, extreme_examples, extreme_overlap
from hptheory.figures.loss_over_time import loss_over_time
from hptheory.figures.sample_difficulty import consistency_figure, gallery_figure, subset_sweeps_figure
from hptheory.figures.top_k_profile import top_k_profile
from hptheory.figures.truncated_losses import residual_losses, truncated_losses
from sims.decompose import DEFAULTS, truncations_of
from sims.errors import RunDirectoryError
from sims.observed import ObservedSweep
from sims.observed_axis import read_swept

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = tuple["Figure", dict[str, Any]]
Truncations = dict[int, np.ndarray | None]
SHARE = 0.05  # of the examples, easiest or hardest (Fig. 14)
ENDS: tuple[End, ...] = ("easy", "hard")


def over_time(runs: Sequence[Path]) -> Drawn:
    """Figure 1: top-k and residual loss along training, at the widest model's best rate.

    k is half the narrowest width: in the paper 60 of 128.
    """
    return draw_over_time(read_swept(runs))


def draw_over_time(sweep: ObservedSweep) -> Drawn:
    """Figure 1 of a sweep."""
    curves, steps = sweep.curves(sweep.best_lr(sweep.widths[-1]))
    return loss_over_time(curves, steps, k=max(1, sweep.widths[0] // 2))


def truncated(runs: Sequence[Path]) -> Drawn:
    """Figures 8 and 34: whole losses, and top-kappa losses beside those of the widest model."""
    sweep = read_swept(runs)
    return draw_truncated(sweep, truncations_of(sweep, DEFAULTS))


def draw_truncated(sweep: ObservedSweep, truncations: Truncations) -> Drawn:
    """Figure 8 of a sweep and its truncations."""
    return truncated_losses(sweep.profiles(), sweep.lrs, truncations, sweep.label)


def residuals(runs: Sequence[Path]) -> Drawn:
    """Figures 9 and 35: residual losses around the top-kappa minimisers."""
    sweep = read_swept(runs)
    return draw_residuals(sweep, truncations_of(sweep, DEFAULTS))


def draw_residuals(sweep: ObservedSweep, truncations: Truncations) -> Drawn:
    """Figure 9 of a sweep and its truncations."""
    return residual_losses(sweep.profiles(), sweep.lrs, truncations, sweep.label)


def profile(runs: Sequence[Path]) -> Drawn:
    """Figures 10 and 33: kappa-hat of each width, and top-k losses at the widest model's best rate."""
    sweep = read_swept(runs)
    return draw_profile(sweep, truncations_of(sweep, DEFAULTS))


def draw_profile(sweep: ObservedSweep, truncations: Truncations) -> Drawn:
    """Figure 10 of a sweep and its truncations."""
    lr = sweep.best_lr(sweep.widths[-1])
    return top_k_profile(sweep.profiles(), sweep.lrs, lr, truncations, sweep.label)


def consistency(runs: Sequence[Path]) -> Drawn:
    """Figure 14: the mean component index of one model, and how far models agree on both its ends."""
    return draw_consistency(read_swept(runs))


def draw_consistency(sweep: ObservedSweep) -> Drawn:
    """Figure 14 of a sweep; all models at the ranked model's rate."""
    width, lr, seed = sweep.ranked_model()
    overlaps = overlaps_of(sweep, lr)
    title = f"width {width}, {sweep.label} {lr:.3g}"
    return consistency_figure(sweep.difficulty(width, lr, seed), title, overlaps, SHARE)


def overlaps_of(sweep: ObservedSweep, lr: float) -> dict[str, dict[tuple[int, int], float]]:
    """The agreement of all models at a rate on the easiest and on the hardest examples."""
    indices = {(w, s): sweep.difficulty(w, lr, s) for w in sweep.widths for s in sweep.seeds}
    return {end: extreme_overlap(indices, SHARE, end) for end in ENDS}


def gallery(runs: Sequence[Path], data_dir: Path | None = None) -> Drawn:
    """Figure 15: the easiest and the hardest images of one model, with their psi."""
    return draw_gallery(read_swept(runs), data_dir)


def draw_gallery(sweep: ObservedSweep, data_dir: Path | None = None) -> Drawn:
    """Figure 15 of a sweep; the images are read again from the data set."""
    from sims.tasks import load_task
    from sims.trajectory.packs import observed_batches

    model = sweep.ranked_model()
    index, extra = sweep.difficulty(*model), sweep.result(*model).extra
    assert sweep.setting.training.observe is not None
    task = load_task(sweep.setting.training.task, data_dir=data_dir)
    batches, _ = observed_batches(sweep.setting.training.observe, task)
    x = np.concatenate([batch.x[0].numpy() for batch in batches])
    y = np.concatenate([batch.y[0].numpy() for batch in batches])
    half = len(extra["extreme"]) // 2
    places = {"easy": slice(None, half), "hard": slice(half, None)}
    chosen = {end: extra["extreme"][place] for end, place in places.items()}
    return gallery_figure(
        {end: [as_image(x[i]) for i in some] for end, some in chosen.items()},
        {end: index[some].tolist() for end, some in chosen.items()},
        {end: extra["extreme_psi"][place] for end, place in places.items()},
        {end: [str(y[i]) for i in some] for end, some in chosen.items()},
    )


def easy_and_hard(runs: Sequence[Path]) -> Drawn:
    """Figure 16: sweeps on the 25 % easiest and the 5 % hardest examples, and on all."""
    return draw_easy_and_hard(read_swept(runs))


def draw_easy_and_hard(sweep: ObservedSweep) -> Drawn:
    """Figure 16 of a sweep."""
    losses = {name: sweep.subset_losses(some) for name, some in subsets_of(sweep).items()}
    return subset_sweeps_figure(losses, sweep.lrs, sweep.label)


def subsets_of(sweep: ObservedSweep) -> dict[str, np.ndarray]:
    """All examples, the 25 % easiest and the 5 % hardest of the ranked model."""
    index = sweep.difficulty(*sweep.ranked_model())
    return {
        "all": np.arange(len(index)),
        "easy": extreme_examples(index, 0.25, "easy"),
        "hard": extreme_examples(index, 0.05, "hard"),
    }


def as_image(x: np.ndarray) -> np.ndarray:
    """The features of an example as an image in [0, 1]: square and grey, or three channels of squares.

    Domain: features of another number, or not flat, raise ``RunDirectoryError``.

    >>> as_image(np.arange(9.0)).shape, as_image(np.arange(3 * 1024.0)).shape
    ((3, 3), (32, 32, 3))
    """
    size, grey = x.size, isqrt(x.size)
    side = isqrt(size // 3)
    scaled = (x - x.min()) / (np.ptp(x) or 1.0)
    if grey * grey == size:
        return scaled.reshape(grey, grey)
    if 3 * side * side == size:
        return scaled.reshape(3, side, side).transpose(1, 2, 0)
    raise RunDirectoryError(f"the examples of this task are no images: {size} features")
