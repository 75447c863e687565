"""Training of a pack: runs of one width as one program, to be read here from start to end.

A member is a learning rate, a seed, and further hyperparameters if need be. The members of a seed see the
same batches and start from the same weights; what a member computes depends on itself alone, not on the pack
that it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from hptheory.errors import DomainError
from sims.compiled import LossesOf, member_losses
from sims.curves import Curves
from sims.evaluation import evaluate
from sims.gradients import Gradients, gradients_of
from sims.members import Member, Outcome
from sims.memory import keep_freed_blocks
from sims.models import build_model, scaled_parameters
from sims.optim.build import build_optimizer, set_rates
from sims.precision import matmul_precision, without_autocast
from sims.schedules import schedule_factor
from sims.settings import Training
from sims.tasks import Batch, Task
from sims.trajectory import WeightAverage
from sims.trajectory.files import to_bytes
from sims.trajectory.packs import observer_of, results_by_run

__all__ = ["Member", "Observer", "Outcome", "Pack", "lone_has_twin", "steps_of", "train_pack", "train_step"]


@runtime_checkable
class Observer(Protocol):
    """What watches a pack: called at the start, after the steps that the EMA's cadence names, and after the
    last."""

    def prepare(self, model: nn.Module) -> None:
        """Look at the network before its first step; its parameters stay the same objects."""

    def detach(self) -> None:
        """Forget the run, before ``prepare`` on the network of a restored pack."""

    def step(self, weights: dict[str, Tensor], step: int) -> None:
        """Look at the averaged weights (the weights themselves without an average) after a step."""

    def select(self, kept: Tensor) -> None:
        """Forget all members but those at these positions: the others diverged."""

    def state(self) -> dict[str, Tensor]:
        """All that is needed to go on."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""


class Pack:
    """The runs of one width, trained as one program on the task's device.

    ``steps_done`` of ``steps_total``; ``model`` holds the members that have not diverged, ``running`` their
    positions among ``members``; ``ema`` is their average or None. Nothing inside a step waits for the
    device; members that diverged are found, and cost nothing more, at the checks between steps: at every
    evaluation. ``losses_of`` may be compiled (``sims.compiled``), at the price of bits.

    Domain: at least one member, else ``DomainError``; ``Training`` has checked its own fields.

    *Laws*: an outcome does not depend on the other members of the pack; members of a seed share batches and
    initial weights; divergence is an outcome, not an error; restored from its state, a pack goes on as if
    it had never stopped (on the CPU, both bit for bit).
    """

    def __init__(
        self,
        training: Training,
        width: int,
        members: Sequence[Member],
        task: Task,
        *,
        observers: Sequence[Observer] = (),
        losses_of: LossesOf = member_losses,
    ) -> None:
        if not members:
            raise DomainError("members", "()", "at least one run")
        if task.device.type == "cpu":
            keep_freed_blocks()
        self.training, self.width, self.task = training, width, task
        self.members, self.observers, self.losses_of = list(members), list(observers), losses_of
        self.own_observer = observer_of(training, width, task)
        if self.own_observer is not None:
            self.observers.append(self.own_observer)
        self.running = list(range(len(members)))
        self.steps_done, self.steps_total = 0, steps_of(training, task)
        self.curves = Curves(len(members), self.steps_total, training.evaluations, task)
        self._build()
        for observer in self.observers:
            observer.prepare(self.model)

    def _build(self) -> None:
        """Network, optimizer and average of the running members, at their start."""
        self.model = self._network()
        if len(self.running) == 1 and self._has_twin():
            self.running *= 2
            self.model = self._network()
        running = [self.members[index] for index in self.running]
        self.optimizer = build_optimizer(self.training, self.model, running)
        self.ema = None if self.training.ema is None else WeightAverage(self.training.ema, self.model)
        self.multiplied = sum(  # rows of a table are looked up
            p.parameter[0].numel() for p in scaled_parameters(self.model) if p.role != "embedding"
        )
        self._map_seeds()

    def _network(self) -> nn.Module:
        seeds = [self.members[index].seed for index in self.running]
        return build_model(self.training, self.width, seeds, self.task)

    def _has_twin(self) -> bool:
        return lone_has_twin(self.model, self.task.device, observed=bool(self.observers))

    def _map_seeds(self) -> None:
        """Which row of a batch each running member takes."""
        self.seeds = sorted({self.members[index].seed for index in self.running})
        self.rows = [self.seeds.index(self.members[index].seed) for index in self.running]
        self.positions = torch.tensor(self.running, device=self.task.device)
        self.gradients: Gradients | None = None  # made at the next step, for its batch

    def advance(self, steps: int) -> None:
        """Take so many further optimizer steps, or fewer at the end of the run, evaluations included."""
        with matmul_precision(self.training.precision, self.task.device):
            for step in range(self.steps_done, min(self.steps_done + steps, self.steps_total)):
                if self.running:
                    self._step(step)
                self.steps_done = step + 1
                if self.steps_done in self.curves.points:
                    self._evaluate()

    def _step(self, step: int) -> None:
        schedule, config = self.training.schedule, self.training.ema
        factor = schedule_factor(
            schedule.name, step, self.steps_total, warmup=schedule.warmup, cooldown=schedule.cooldown
        )
        set_rates(self.optimizer, factor)
        batch = self.task.batch(step, self.seeds, self.training.batch_size)
        if self.gradients is None:
            self.gradients = gradients_of(self.model, self.task, self.rows, batch, self.losses_of)
        losses = train_step(self.gradients, self.optimizer, batch)
        self.curves.add_batch(losses, self.positions)
        if self.ema is not None:
            self.ema.update(step)
        last = step + 1 == self.steps_total
        if self.observers and (last or config is None or config.is_snapshot(step)):
            weights: dict[str, Tensor] = dict(self.model.named_parameters())
            if self.ema is not None:
                weights = self.ema.weights
            with without_autocast(weights.values()):
                for observer in self.observers:
                    observer.step(weights, step)

    def _evaluate(self) -> None:
        """A point of the curves; then the members whose losses were not finite are dropped."""
        if self.running:
            last = evaluate(self.model, self.task)
            average = None if self.ema is None else evaluate(self.model, self.task, self.ema.weights)
            self.curves.add_point(last, average, self.positions, steps_done=self.steps_done)
        else:
            self.curves.add_nothing()
        alive = self.curves.finite.tolist()
        if not all(alive[index] for index in self.running):
            self._keep([row for row, index in enumerate(self.running) if alive[index]])

    def _keep(self, rows: list[int]) -> None:
        """Go on with these rows of the stack alone."""
        if len(rows) == 1 and self._has_twin():
            rows = rows * 2
        kept = torch.tensor(rows, dtype=torch.int64, device=self.task.device)
        self.running = [self.running[row] for row in rows]
        for group in self.optimizer.param_groups:
            for name, value in group.items():
                group[name] = _rows(value, kept)
        for parameter in self.model.parameters():
            parameter.grad, parameter.data = None, parameter.data[kept]
            entries = self.optimizer.state[parameter]
            for name, value in entries.items():
                entries[name] = _rows(value, kept)
        if self.ema is not None:
            self.ema.weights = {name: weight[kept] for name, weight in self.ema.weights.items()}
        for observer in self.observers:
            observer.select(kept)
        self._map_seeds()

    def state(self) -> dict[str, Tensor]:
        """All that is needed to go on, as tensors under flat names; none is shared with the pack."""
        state = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            for name, value in entries.items():
                state[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
        if self.ema is not None:
            state |= {f"ema.{name}": tensor for name, tensor in self.ema.state().items()}
        state |= {f"curves.{name}": tensor for name, tensor in self.curves.state().items()}
        for number, observer in enumerate(self.observers):
            state |= {f"observer.{number}.{name}": tensor for name, tensor in observer.state().items()}
        state["running"] = torch.tensor(self.running, dtype=torch.int64)
        state["steps_done"] = torch.tensor(self.steps_done)
        return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave, in a pack of the same training, width and members.

        Domain: the state of another pack raises ``DomainError``.
        """
        running = state["running"].tolist()
        if not set(running) <= set(range(len(self.members))):
            raise DomainError("running", running, f"positions among the pack's {len(self.members)} members")
        self.running, self.steps_done = running, int(state["steps_done"])
        self._build()
        self.model.load_state_dict(_below(state, "model"))
        entries: dict[int, dict[str, Any]] = {}
        for name, value in _below(state, "optimizer").items():
            index, entry = name.split(".", 1)
            # A whole number is a count of steps; load_state_dict would turn a tensor of it into a float.
            entries.setdefault(int(index), {})[entry] = value if value.is_floating_point() else int(value)
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        if self.ema is not None:
            self.ema.restore(_below(state, "ema"))
        self.curves.restore(_below(state, "curves"))
        for number, observer in enumerate(self.observers):
            observer.detach()
            observer.prepare(self.model)
            observer.restore(_below(state, f"observer.{number}"))

    def outcomes(self) -> list[Outcome]:
        """What became of every member, in the order of ``members``; of a pack that has come to its end."""
        if self.steps_done < self.steps_total:
            raise DomainError(
                "steps_done", self.steps_done, f"all {self.steps_total}; advance the pack first"
            )
        predictions = self.training.batch_size * self.task.positions * self.steps_total
        cost = 6.0 * self.multiplied * predictions
        outcomes = self.curves.outcomes(cost)
        if self.own_observer is not None:
            for index, result in results_by_run(self.own_observer, self.running).items():
                outcomes[index] = replace(outcomes[index], trajectory=to_bytes(result))
        return outcomes


def train_pack(
    training: Training,
    width: int,
    members: Sequence[Member],
    task: Task,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    observers: Sequence[Observer] = (),
) -> list[Outcome]:
    """The outcome of every member, all trained together, on the device and in the type of the task.

    ``on_progress`` is called at every evaluation with the steps done and their total number.

    Domain and *Laws*: those of ``Pack``.
    """
    pack = Pack(training, width, members, task, observers=observers)
    for point in pack.curves.points:
        pack.advance(point - pack.steps_done)
        if on_progress is not None:
            on_progress(pack.steps_done, pack.steps_total)
    return pack.outcomes()


def lone_has_twin(model: nn.Module, device: torch.device, *, observed: bool) -> bool:
    """Whether a pack of one is trained as two equal members, at the price of two.

    On the CPU a batched product of a single matrix takes another route than one of several, with other
    rounding. Networks that pass members one by one have none; what observers compute has.
    """
    return device.type == "cpu" and (observed or not getattr(model, "stands_alone", False))


def steps_of(training: Training, task: Task) -> int:
    """The number of optimizer steps of a run."""
    if training.steps is not None:
        return training.steps
    assert training.epochs is not None
    return training.epochs * task.steps_per_epoch(training.batch_size)


def train_step(
    gradients: Gradients, optimizer: torch.optim.Optimizer, batch: Batch
) -> Float[Tensor, " member"]:
    """One update of every member on its own row of the batch; the losses before it."""
    losses = gradients(batch)
    optimizer.step()
    return losses


def _rows(value: Any, kept: Tensor) -> Any:
    """The kept members of an entry with a member axis; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_rows(item, kept) for item in value)
    return value[kept] if isinstance(value, Tensor) and value.ndim > 0 else value


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries under ``prefix``, their names without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
