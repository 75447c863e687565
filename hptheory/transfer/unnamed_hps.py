"""Columns of a sweep table that may be hyperparameters nobody named: their effect would count as noise.

What a run was given is told from what it produced by the column's name. Numbers cannot tell them apart: in a
search that follows the loss, both depend on it. A wrong guess costs one needless question.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hptheory.transfer.table import SweepTable

Floats = NDArray[np.float64]

# What a model is worth, what a run took, how and when it ended.
OUTCOMES = {
    "loss", "losses", "nll", "perplexity", "ppl", "bpb", "bpc", "accuracy", "acc", "error", "err", "mse",
    "mae", "rmse", "score", "f1", "auc", "bleu", "metric", "reward",
    "cost", "flop", "flops", "flos", "compute", "step", "epoch", "time", "second", "seconds", "sec",
    "minutes", "hours", "duration", "runtime", "walltime", "speed", "throughput", "memory", "mem",
    "diverged", "finished", "status", "state", "timestamp", "date", "created", "started",
}  # fmt: skip
"""Last words of the names of what a run produced."""
LABELS = {"id", "index", "unnamed", "run", "trial", "row", "job", "pid", "gpu", "device"}
"""Last words of the names of what a run is called, and of where it ran."""
QUALIFIERS = {
    "train", "training", "val", "valid", "validation", "eval", "test", "final", "last", "best", "mean", "avg",
    "std", "min", "max", "top", "ema", "smooth",
}  # fmt: skip
"""Words that may stand behind those: loss_val, accuracy_top_1."""


def is_outcome(name: str) -> bool:
    """Whether a column is named like an outcome: the last word that is no qualifier is an outcome's.

    The last word of a compound says what it is: `z_loss_weight` is a weight, `warmup_steps` are steps.

    >>> [is_outcome(n) for n in ("train_loss", "loss/val", "lastStep", "Top-1 acc", "z_loss_weight")]
    [True, True, True, True, False]
    """
    return _last_word(name) in OUTCOMES


def _last_word(name: str) -> str:
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    words = ["f1" if word == "f1" else word.rstrip("0123456789") for word in re.split(r"[^a-z0-9]+", split)]
    return next((word for word in reversed(words) if word and word not in QUALIFIERS), "")


def unnamed_hps(table: SweepTable) -> list[str]:
    """The columns that no one has named and that vary between runs of one width and (nearly) one HP.

    Of the runs that did not diverge; with one HP, a column that rises or falls with it throughout (its
    logarithm, a multiple) is not among them, nor one that is one number a seed, nor one named like an outcome
    or a label. With several HPs only runs of exactly the same ones count.

    >>> from hptheory.transfer import SweepTable
    >>> columns = {"width": [8] * 4, "lr": [1, 2, 3, 4], "wd": [2, 1, 2, 1], "log_lr": [0, 1, 1.6, 2]}
    >>> unnamed_hps(SweepTable.from_columns({**columns, "loss": [4, 1, 3, 1], "accuracy": [0, 1, 0.2, 1]}))
    ['wd']
    """
    given = [name for name in table.further if _last_word(name) not in OUTCOMES | LABELS]
    return [name for name in given if _varies(table, table.further[name])]


def _varies(table: SweepTable, values: Floats) -> bool:
    one = table.hp.shape[1] == 1
    keys = [table.scale] if one else [table.scale, *table.hp.T]
    # Seeds that runs of a width share are labels of repeats, and so is what is one number a seed.
    if len(np.unique(np.column_stack([table.scale, table.seed]), axis=0)) < len(table):
        keys.append(table.seed.astype(np.float64))
    good = ~table.diverged & np.isfinite(values)
    _, group = np.unique(np.column_stack(keys)[good], axis=0, return_inverse=True)
    hp = table.hp[good, 0] if one else np.zeros(int(good.sum()))
    order = np.lexsort([values[good], hp, group.ravel()])
    ends = np.cumsum(np.bincount(group.ravel()))[:-1]
    parts = zip(np.split(hp[order], ends), np.split(values[good][order], ends), strict=True)
    return any(_unlike(x, column) for x, column in parts)


def _unlike(x: Floats, column: Floats) -> bool:
    """Whether a column differs at one x, or rises here and falls there; both ordered by x, then column."""
    moves = np.diff(column)
    return bool((moves[np.diff(x) == 0] > 0).any() or ((moves > 0).any() and (moves < 0).any()))
