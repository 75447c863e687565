"""The runs of a pack: what tells them apart, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from sims.settings import HPs


@dataclass(frozen=True)
class Member:
    """One run of a pack: its peak learning rate, its seed, and further hyperparameters by name."""

    lr: float
    seed: int
    hps: HPs = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a run; a run that diverged has infinite losses and no accuracy.

    ``loss`` and ``accuracy`` are the validation set's after the last step, ``ema_loss`` and ``ema_accuracy``
    those of the averaged weights (None without an average), ``train_loss`` the mean loss of the batches
    since the last but one evaluation. Tasks that are no classification have no accuracy. The curves have one
    entry an evaluation: steps done, validation losses then, mean loss of the batches since the one before.
    ``last_step`` counts the steps taken; of a diverged run, up to the first whose loss was not finite.
    ``cost`` is 6 x parameters x predictions trained on (an example's, or every token's), the usual count of
    floating-point operations; tables are not counted, as their rows are looked up and multiply nothing.
    ``trajectory`` holds what was observed along a run that did not diverge, as the bytes of a file
    (``sims.trajectory.files``).
    """

    loss: float
    ema_loss: float | None
    train_loss: float
    accuracy: float | None
    ema_accuracy: float | None
    diverged: bool
    last_step: int
    cost: float
    curve_steps: tuple[int, ...]
    loss_curve: tuple[float, ...]
    ema_loss_curve: tuple[float, ...]
    train_loss_curve: tuple[float, ...]
    trajectory: bytes | None = None
