"""Training of a pack: runs of one width as one program, to be read here from start to end.

A member is a learning rate and a seed. The members of a seed see the same batches and start from the same
weights; what a member computes depends on itself alone, not on the pack that it is in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hptheory.errors import DomainError
from sims.data import Classification, epoch_batches
from sims.models import TwoLayerMLP, param_groups
from sims.optim import SGD, Adam
from sims.schedules import schedule_factor
from sims.settings import AdamConfig, Training

EVALUATION_BATCH = 512  # examples at once, for memory's sake


@dataclass(frozen=True)
class Member:
    """One run of a pack: its peak learning rate and its seed."""

    lr: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What became of a run; a run that diverged has infinite losses and no accuracy.

    ``loss`` and ``accuracy`` are the validation set's and ``train_loss`` the training set's, after the last
    step. The curves have one entry an epoch: steps done, validation loss then, mean loss of the epoch's
    batches. ``last_step`` counts the steps taken; of a diverged run, up to the first whose loss was not
    finite. ``cost`` is 6 x parameters x examples seen, the usual count of floating-point operations.
    """

    loss: float
    train_loss: float
    accuracy: float | None
    diverged: bool
    last_step: int
    cost: float
    curve_steps: tuple[int, ...]
    loss_curve: tuple[float, ...]
    train_loss_curve: tuple[float, ...]


def train_pack(
    training: Training,
    width: int,
    members: Sequence[Member],
    data: Classification,
    *,
    on_epoch: Callable[[int], None] | None = None,
) -> list[Outcome]:
    """The outcome of every member, all trained together, on the device and in the precision of ``data``.

    ``on_epoch`` is called with the number of epochs done. Nothing inside a step waits for the device.

    Domain: at least one member, else ``DomainError``; ``Training`` has checked its own fields.

    *Laws*: an outcome does not depend on the other members of the pack; members of a seed share batches and
    initial weights; divergence is an outcome, not an error.
    """
    if not members:
        raise DomainError("members", "()", "at least one run")
    if len(members) == 1:
        # A batched product of a single matrix takes another route, with other rounding: it is given a twin.
        return train_pack(training, width, [*members, *members], data, on_epoch=on_epoch)[:1]

    model, optimizer = build(training, width, members, data)
    device = data.train_x.device
    seeds = sorted({member.seed for member in members})
    seed_of_member = torch.tensor([seeds.index(member.seed) for member in members], device=device)
    batch_losses, evaluations = [], []
    for epoch in range(training.epochs):
        batches = epoch_batches(seeds, epoch, len(data.train_y), training.batch_size).to(device)
        for step, batch in enumerate(batches, start=epoch * len(batches)):
            set_rates(optimizer, training, step, total=len(batches) * training.epochs)
            examples = batch[seed_of_member]
            batch_losses.append(train_step(model, optimizer, data.train_x[examples], data.train_y[examples]))
        evaluations.append(evaluate(model, data.validation_x, data.validation_y))
        if on_epoch is not None:
            on_epoch(epoch + 1)
    train_loss, _ = evaluate(model, data.train_x, data.train_y)
    losses, accuracies = (torch.stack(values) for values in zip(*evaluations, strict=True))
    parameters = sum(weight[0].numel() for weight in model.parameters())
    cost = 6.0 * parameters * training.batch_size * len(batch_losses)
    return _outcomes(torch.stack(batch_losses), losses, accuracies[-1], train_loss, cost)


def build(
    training: Training, width: int, members: Sequence[Member], data: Classification
) -> tuple[TwoLayerMLP, torch.optim.Optimizer]:
    """A stacked network at its initial weights, and its optimizer with each member's own peak rate."""
    config = training.optimizer
    model = TwoLayerMLP(
        data.features,
        width,
        data.classes,
        base_width=training.base_width,
        optimizer=config.name,
        seeds=[member.seed for member in members],
    ).to(data.train_x.device, data.train_x.dtype)
    rates = [member.lr for member in members]
    peak_lr = torch.tensor(rates, dtype=data.train_x.dtype, device=data.train_x.device)
    if isinstance(config, AdamConfig):
        groups = param_groups(model, peak_lr, config.epsilon)
        return model, Adam(groups, betas=(config.beta1, config.beta2))
    return model, SGD(param_groups(model, peak_lr), momentum=config.momentum)


def set_rates(optimizer: torch.optim.Optimizer, training: Training, step: int, total: int) -> None:
    """Every group's rates at this step: peak times schedule."""
    schedule = training.schedule
    factor = schedule_factor(schedule.name, step, total, warmup=schedule.warmup, cooldown=schedule.cooldown)
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor


def train_step(
    model: TwoLayerMLP,
    optimizer: torch.optim.Optimizer,
    x: Float[Tensor, "member batch features"],
    y: Int[Tensor, "member batch"],
) -> Float[Tensor, " member"]:
    """One update of every member on its own batch; the losses before it.

    The sum over members has each member's own gradient, since no weight is shared.
    """
    losses = cross_entropy(model(x), y).mean(1)
    optimizer.zero_grad(set_to_none=True)
    losses.sum().backward()
    optimizer.step()
    return losses.detach()


@torch.no_grad()
def evaluate(
    model: TwoLayerMLP, x: Float[Tensor, "examples features"], y: Int[Tensor, " examples"]
) -> tuple[Float[Tensor, " member"], Float[Tensor, " member"]]:
    """Mean cross-entropy and accuracy of every member on the same examples."""
    members = model.hidden.weight.shape[0]
    loss = hits = torch.zeros(members, dtype=x.dtype, device=x.device)
    for some_x, some_y in zip(x.split(EVALUATION_BATCH), y.split(EVALUATION_BATCH), strict=True):
        labels = some_y.expand(members, -1)
        logits = model(some_x.expand(members, -1, -1))
        loss = loss + cross_entropy(logits, labels).sum(1)
        hits = hits + (logits.argmax(-1) == labels).sum(1)
    return loss / len(y), hits / len(y)


def cross_entropy(
    logits: Float[Tensor, "member batch classes"], labels: Int[Tensor, "member batch"]
) -> Float[Tensor, "member batch"]:
    """The cross-entropy of each example, in nats."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _outcomes(
    batch_losses: Float[Tensor, "step member"],
    losses: Float[Tensor, "epoch member"],
    accuracy: Float[Tensor, " member"],
    train_loss: Float[Tensor, " member"],
    cost: float,
) -> list[Outcome]:
    """The measurements of a pack, brought to the host once and told apart by member."""
    steps, epochs = len(batch_losses), len(losses)
    stretch = steps // epochs
    # Member by member and contiguous: the order of a sum must not depend on how many members there are.
    epoch_means = batch_losses.T.contiguous().view(-1, epochs, stretch).mean(-1)
    # How many steps went by until the first loss that was not finite; the final losses count as a last step.
    finite = torch.vstack([batch_losses, losses[-1] + train_loss]).isfinite().cumprod(0).sum(0)
    columns = (losses[-1], train_loss, accuracy, finite, losses.T, epoch_means)
    outcomes = []
    for loss, final_train_loss, share, finite_steps, curve, train_curve in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        diverged = finite_steps <= steps
        outcomes.append(
            Outcome(
                loss=math.inf if diverged else loss,
                train_loss=math.inf if diverged else final_train_loss,
                accuracy=None if diverged else share,
                diverged=diverged,
                last_step=min(finite_steps + 1, steps),
                cost=cost,
                curve_steps=tuple(range(stretch, steps + 1, stretch)),
                loss_curve=tuple(map(_or_infinite, curve)),
                train_loss_curve=tuple(map(_or_infinite, train_curve)),
            )
        )
    return outcomes


def _or_infinite(loss: float) -> float:
    """The loss itself, or infinity for one that is not a number."""
    return loss if math.isfinite(loss) else math.inf
