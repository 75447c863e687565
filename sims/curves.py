"""The measurements of a pack along its runs, kept on the device until they are asked for."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sims.evaluation import Evaluation
from sims.members import Outcome
from sims.tasks.base import Task

COLUMNS = ("loss", "ema_loss", "train_loss", "accuracy", "ema_accuracy")
PENDING = 512  # steps whose losses are taken in at once: a step then costs no calls


class Curves:
    """Losses of all members at every evaluation, and when the first that was not finite occurred.

    A member that has diverged keeps its place; what it lacks is NaN. ``points`` are the numbers of steps
    after which to evaluate: ``evaluations`` of them, evenly spread, the last step among them.
    """

    def __init__(self, members: int, steps: int, evaluations: int, task: Task) -> None:
        count = min(evaluations, steps)
        self.points = [steps * (number + 1) // count for number in range(count)]
        self.steps = steps
        self.columns: dict[str, list[Float[Tensor, " member"]]] = {name: [] for name in COLUMNS}
        self.has_ema = False
        # In float64 (where there is one): sums of float32 losses are the same bits however they are cut.
        exact = torch.float32 if task.device.type == "mps" else torch.float64
        self.batch_sum = torch.zeros(members, dtype=exact, device=task.device)
        self.batches = 0
        self.dtype = task.dtype
        self.pending: list[Float[Tensor, " running"]] = []
        self.positions = torch.arange(members, device=task.device)
        self.finite = torch.ones(members, dtype=torch.bool, device=task.device)
        self.finite_steps = torch.zeros(members, dtype=torch.int64, device=task.device)

    def add_batch(self, losses: Float[Tensor, " running"], positions: Int[Tensor, " running"]) -> None:
        """The batch losses of one step, of the members at ``positions``."""
        self.pending.append(losses)
        self.positions = positions
        self.batches += 1
        if len(self.pending) == PENDING:
            self._take_in()

    def _take_in(self) -> None:
        """The losses of the steps since the last time."""
        if not self.pending:
            return
        at, losses = self.positions, torch.stack(self.pending)
        self.pending = []
        # Running sums, so that no rounding depends on how many members there are.
        sums = torch.cat([self.batch_sum[at].unsqueeze(0), losses.to(self.batch_sum.dtype)]).cumsum(0)
        self.batch_sum.index_copy_(0, at, sums[-1])
        finite = (losses.isfinite() & self.finite[at]).cumprod(0)
        self.finite_steps.index_copy_(0, at, self.finite_steps[at] + finite.sum(0))
        self.finite.index_copy_(0, at, finite[-1].bool())

    def add_point(
        self,
        last: Evaluation,
        average: Evaluation | None,
        positions: Int[Tensor, " running"],
        *,
        steps_done: int,
    ) -> None:
        """An evaluation; at the last step, a loss that is not finite counts as divergence in that step."""
        self._take_in()
        self.has_ema = average is not None
        values = {
            "loss": last.loss,
            "accuracy": last.accuracy,
            "train_loss": self.batch_sum[positions] / max(1, self.batches),
        }
        if average is not None:
            values |= {"ema_loss": average.loss, "ema_accuracy": average.accuracy}
        for name in COLUMNS:
            point = torch.full_like(self.batch_sum, math.nan, dtype=self.dtype)
            if name in values:
                point[positions] = values[name].to(point.dtype)
            self.columns[name].append(point)
        self.batch_sum.zero_()
        self.batches = 0
        if steps_done == self.steps:
            self._see(last.loss if average is None else last.loss + average.loss, positions)

    def add_nothing(self) -> None:
        """A point at which no member is left."""
        for column in self.columns.values():
            column.append(torch.full_like(self.batch_sum, math.nan, dtype=self.dtype))

    def _see(self, losses: Float[Tensor, " running"], positions: Int[Tensor, " running"]) -> None:
        self.finite.index_copy_(0, positions, self.finite[positions] & losses.isfinite())

    def state(self) -> dict[str, Tensor]:
        """All that is needed to go on."""
        self._take_in()
        curves = {name: torch.stack(column) for name, column in self.columns.items() if column}
        return {
            **curves,
            "batch_sum": self.batch_sum,
            "batches": torch.tensor(self.batches),
            "finite": self.finite,
            "finite_steps": self.finite_steps,
            "has_ema": torch.tensor(self.has_ema),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        self.pending = []
        device = self.finite.device
        self.columns = {name: list(state[name].to(device)) if name in state else [] for name in COLUMNS}
        self.batch_sum.copy_(state["batch_sum"])
        self.batches, self.has_ema = int(state["batches"]), bool(state["has_ema"])
        self.finite.copy_(state["finite"])
        self.finite_steps.copy_(state["finite_steps"])

    def outcomes(self, cost: float) -> list[Outcome]:
        """The measurements told apart by member; brought to the host here."""
        curves = {name: torch.stack(column).T.tolist() for name, column in self.columns.items()}
        told = zip(self.finite.tolist(), self.finite_steps.tolist(), strict=True)
        return [
            self._outcome({name: curve[index] for name, curve in curves.items()}, finite, steps, cost)
            for index, (finite, steps) in enumerate(told)
        ]

    def _outcome(
        self, curve: dict[str, list[float]], finite: bool, finite_steps: int, cost: float
    ) -> Outcome:
        def last(name: str) -> float:
            return curve[name][-1] if finite else math.inf

        def share(name: str) -> float | None:
            return curve[name][-1] if finite and math.isfinite(curve[name][-1]) else None

        def whole(name: str) -> tuple[float, ...]:
            return tuple(value if math.isfinite(value) else math.inf for value in curve[name])

        return Outcome(
            loss=last("loss"),
            ema_loss=last("ema_loss") if self.has_ema else None,
            train_loss=last("train_loss"),
            accuracy=share("accuracy"),
            ema_accuracy=share("ema_accuracy"),
            diverged=not finite,
            last_step=min(finite_steps + (not finite), self.steps),
            cost=cost,
            curve_steps=tuple(self.points),
            loss_curve=whole("loss"),
            ema_loss_curve=whole("ema_loss") if self.has_ema else (),
            train_loss_curve=whole("train_loss"),
        )
