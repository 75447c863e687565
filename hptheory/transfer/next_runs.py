"""Which runs would settle an undetermined verdict, and at what cost.

The draws of the fitted laws are possible truths. For each, the runs at a new width would give an optimal loss
and an optimal hyperparameter, with the errors that such runs have. Seeing them reweights the draws (Bayes'
rule); the verdict is settled if then beta > alpha/2 has a probability beyond the level. The share of outcomes
for which that happens is what the runs are worth. Source: 2512.22768, Definition 2; preposterior analysis
(Raiffa and Schlaifer 1961).

That is a rough guide. `analyse` judges by more than this posterior: that both optima move, that the laws
without the narrowest width bear the verdict out, and exact scores under no prior. Over many open sweeps the
two agree on the whole; where the guide says 0.5 or more fewer are settled, below it more are
(`python -m benchmarks.next_runs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError
from hptheory.transfer.laws import TransferLaw

Floats = NDArray[np.float64]
_OUTCOMES = 200  # standard error of a probability below 0.036


@dataclass(frozen=True)
class NextRuns:
    """A sweep at one new width: its cost, and the probability that it settles the verdict, either way."""

    width: float
    runs: int
    cost: float
    probability_settled: float


def next_runs(
    law: TransferLaw,
    widths: Sequence[float],
    loss_error: float,
    hp_error: float,
    runs: int,
    *,
    level: float = 0.95,
    cost_exponent: float = 2.0,
    run_cost: float = 1.0,
    seed: int = 0,
) -> tuple[NextRuns, ...]:
    """For each width that could be swept next, what it costs and how likely it settles the verdict.

    ``loss_error`` and ``hp_error`` are the standard errors that a sweep of ``runs`` runs gives its optimal
    loss and (logarithmic) optimal HP, those of the widths already measured, say. An outcome that few draws
    could have produced counts as one more, undecided, draw would leave it: more draws, sharper answers.

    Domain: at least 100 draws; errors, widths, runs > 0; 0.5 < level < 1; else ``DomainError``.

    *Laws*: a verdict that is settled stays so for exact laws; smaller errors settle more.

    >>> rng = np.random.default_rng(0)
    >>> beta = rng.uniform(0.2, 1.2, 400)                         # alpha = 1: undetermined
    >>> law = TransferLaw(2.0, 1.0, 1.0, 0.0, 0.5 * 64**beta, beta, 1.0, 1.5)         # all agree at width 64
    >>> near, far = next_runs(law, [128.0, 1024.0], loss_error=1e-4, hp_error=0.02, runs=9)
    >>> near.probability_settled < far.probability_settled, far.cost / near.cost
    (True, 64.0)
    """
    _check(law, widths, loss_error, hp_error, runs, level)
    rng = np.random.default_rng(seed)
    truths = rng.choice(law.draws, size=min(_OUTCOMES, law.draws), replace=False)
    noise = rng.standard_normal((2, truths.size))  # the same for every width: they are compared
    fast = np.broadcast_to(2 * law.hp_exponent > law.loss_exponent, law.draws).astype(np.float64)
    found = []
    for width in widths:
        loss, place = (np.broadcast_to(values, law.draws) for values in _seen(law, width))
        log_weight = (
            -(
                ((loss - loss[truths, None] - loss_error * noise[0, :, None]) / loss_error) ** 2
                + ((place - place[truths, None] - hp_error * noise[1, :, None]) / hp_error) ** 2
            )
            / 2
        )  # [outcomes, draws]
        best = log_weight.max(axis=1, keepdims=True)
        log_weight[np.arange(truths.size), truths] = -np.inf  # the truth itself is not among the guesses
        weight = np.exp(log_weight - best)
        probability = (weight @ fast + fast.mean()) / (weight.sum(axis=1) + 1)
        settled = float(np.mean((probability >= level) | (probability <= 1 - level)))
        found.append(NextRuns(width, runs, runs * run_cost * width**cost_exponent, settled))
    return tuple(found)


def cheapest(choices: Sequence[NextRuns], probability: float = 0.5) -> NextRuns | None:
    """The cheapest sweep that settles the verdict with at least this probability; None if none does."""
    good = [choice for choice in choices if choice.probability_settled >= probability]
    return min(good, key=lambda choice: choice.cost, default=None)


def _seen(law: TransferLaw, width: float) -> tuple[Floats, Floats]:
    """The optimal loss and the optimal hyperparameter at a width, ``[draws]``."""
    return law.optimal_loss(width), law.hp_limit + law.hp_gap(width)


def _check(
    law: TransferLaw, widths: Sequence[float], loss_error: float, hp_error: float, runs: int, level: float
) -> None:
    if law.draws < 100:
        raise DomainError("number of draws", law.draws, ">= 100")
    named = {"loss_error": loss_error, "hp_error": hp_error, "runs": runs, "width": min(widths, default=0.0)}
    for name, value in named.items():
        if not value > 0:
            raise DomainError(name, value, "> 0")
    if not 0.5 < level < 1:
        raise DomainError("level", level, "> 0.5 and < 1")
