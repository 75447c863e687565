"""What one training step costs: its floating-point operations and its traffic with the memory, counted.

The step itself is run on torch's meta device, where tensors have shapes and no numbers, and every operation
that it calls is noted. So the count follows the program, whatever the network. With a machine's peak and
bandwidth it gives a time, by the roofline of each operation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, shape_wrapper

from sims.gradients import gradients_of
from sims.machine import Machine
from sims.members import Member
from sims.models import build_model
from sims.optim.build import build_optimizer, set_rates
from sims.optim.shampoo import FIRST_STEPS
from sims.settings import Training
from sims.tasks import Batch, Task
from sims.train import train_step
from sims.trajectory import WeightAverage

ALLOCATIONS = ("empty", "record_function")
"""Operations that touch no memory."""


def _eigenvectors(a: torch.Size, *rest: Any, **options: Any) -> int:
    """Of symmetric matrices, by reduction to tridiagonal form and QR steps that are accumulated.

    Source: Golub and Van Loan, Matrix Computations, 4th edition, Sec. 8.3.
    """
    return 9 * prod(a[:-2]) * a[-1] ** 3


def _qr(a: torch.Size, *rest: Any, **options: Any) -> int:
    """By Householder reflections, R and then the first columns of Q (ibid., Sec. 5.1.6 and 5.2.2)."""
    long, short = max(a[-2:]), min(a[-2:])
    return 4 * prod(a[:-2]) * (3 * long - short) * short**2 // 3


def _singular(a: torch.Size, *rest: Any, **options: Any) -> int:
    """Values and both sides' vectors, by QR first (ibid., Sec. 8.6)."""
    long, short = max(a[-2:]), min(a[-2:])
    return prod(a[:-2]) * (6 * long + 20 * short) * short**2


def _cholesky(a: torch.Size, *rest: Any, **options: Any) -> int:
    return prod(a[:-2]) * a[-1] ** 3 // 3


def _triangular(a: torch.Size, b: torch.Size, *rest: Any, **options: Any) -> int:
    """One square of the triangle's side for each right-hand side."""
    return prod(b) * a[-1]


FACTORIZATIONS: dict[Any, Callable[..., int]] = {
    torch.ops.aten._linalg_eigh: shape_wrapper(_eigenvectors),
    torch.ops.aten.linalg_qr: shape_wrapper(_qr),
    torch.ops.aten._linalg_svd: shape_wrapper(_singular),
    torch.ops.aten.linalg_cholesky_ex: shape_wrapper(_cholesky),
    torch.ops.aten.linalg_solve_triangular: shape_wrapper(_triangular),
}
"""The flops that torch's own counter does not know. They run far below a machine's peak."""


@dataclass(frozen=True)
class Operation:
    """One call: floating-point operations of matrix products and attention, and bytes read and written."""

    name: str
    flops: int
    bytes: int

    def seconds(self, machine: Machine) -> float:
        """The time by the roofline: arithmetic or traffic, whichever takes longer, and the call."""
        work = max(self.flops / machine.flops, self.bytes / machine.bandwidth)
        return max(machine.call, work) if machine.asynchronous else machine.call + work


@dataclass(frozen=True)
class StepCost:
    """The calls of a step of a pack, or of a few: a cycle of an optimizer that factorizes now and then."""

    members: int
    operations: tuple[Operation, ...]
    steps: int = 1

    @property
    def calls(self) -> float:
        """Calls a step."""
        return len(self.operations) / self.steps

    @property
    def flops(self) -> int:
        """Floating-point operations of all members, a step."""
        return sum(operation.flops for operation in self.operations) // self.steps

    @property
    def bytes(self) -> int:
        """Bytes that all members read and write in a step, if nothing stays in a cache from call to call."""
        return sum(operation.bytes for operation in self.operations) // self.steps

    @property
    def intensity(self) -> float:
        """Floating-point operations a byte."""
        return self.flops / self.bytes

    def seconds(self, machine: Machine) -> float:
        """The step's time on a machine: the sum over its calls."""
        return sum(operation.seconds(machine) for operation in self.operations) / self.steps


def step_cost(training: Training, width: int, members: int, task: Task) -> StepCost:
    """The cost of a step of a pack of so many runs, each on a seed of its own: gradients, update, average.

    What draws the batch and evaluations are left out. Of an optimizer that factorizes every few steps it is
    the mean over these, past the first steps, in which it factorizes more often.

    Shapes: batches are those of ``task``, with ``training.batch_size`` examples.

    *Laws*: a two-layer network takes 6 x batch x width x (d_in + d_out) flops a member, less the gradient
    with respect to its inputs; flops grow in proportion to the members; bytes at most so.

    >>> from sims.settings import get_setting
    >>> from sims.tasks import load_task
    >>> training = get_setting("multi_index", "smoke").training
    >>> cost = step_cost(training, 32, 2, load_task(training.task))
    >>> cost.flops == 2 * 256 * 32 * (2 * 2 * 64 + 3 * 2 * 1)
    True
    """
    there = _elsewhere(task)
    runs = [Member(1e-3, seed) for seed in range(members)]
    model = build_model(training, width, [run.seed for run in runs], there)
    cycle = int(getattr(training.optimizer, "interval", 1))
    with _AllIsWell():
        step = _stepper(training, model, runs, there, _batch(training, members, task))
        for _ in range(FIRST_STEPS if cycle > 1 else 1):  # the first makes the optimizer's state
            step()
        with _Counter() as counter:
            for _ in range(cycle):
                step()
    return StepCost(members, tuple(counter.operations), cycle)


def held_bytes(training: Training, width: int, task: Task) -> tuple[int, int]:
    """The bytes of one run's weights, and of what its forward pass keeps for the backward pass.

    *Laws*: the weights of a two-layer network are width x (d_in + d_out) numbers, and its biases.

    >>> from sims.settings import get_setting
    >>> from sims.tasks import load_task
    >>> training = get_setting("multi_index", "smoke").training
    >>> held_bytes(training, 32, load_task(training.task))[0] == 4 * 32 * (64 + 1 + 1)
    True
    """
    there = _elsewhere(task)
    model = build_model(training, width, [0], there)
    own = {_storage(parameter) for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in own:
            kept[_storage(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    batch = _batch(training, 1, task)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        losses = there.losses(model(batch.x), batch.y)  # alive, so that no storage comes twice
        saved = sum(kept.values())
    del losses
    return sum(map(_size, model.parameters())), saved


def _stepper(
    training: Training, model: nn.Module, runs: Sequence[Member], task: Task, batch: Batch
) -> Callable[[], None]:
    """A step of the model, to be called again and again."""
    average = None if training.ema is None else WeightAverage(training.ema, model)
    optimizer = build_optimizer(training, model, runs)
    set_rates(optimizer, 1.0)

    gradients = gradients_of(model, task, range(len(runs)), batch)

    def step() -> None:
        train_step(gradients, optimizer, batch)
        if average is not None:
            average.update(0)

    return step


class _AllIsWell(TorchDispatchMode):
    """Answers for tensors without numbers: checks of constants pass, and nothing was counted."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default and args[0].device.type == "meta":
            return args[0].dtype == torch.bool
        return func(*args, **(kwargs or {}))


class _Counter(TorchDispatchMode):
    """Notes every operation but views, which move nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = str(func)
        if func.is_view or any(part in name for part in ALLOCATIONS):
            return out
        read = {id(leaf): leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        written = {id(leaf): leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)}
        count = FACTORIZATIONS.get(func.overloadpacket) or flop_registry.get(func.overloadpacket)
        flops = 0 if count is None else int(count(*args, **kwargs, out_val=out))
        moved = sum(map(_size, read.values())) + sum(map(_size, written.values()))
        self.operations.append(Operation(name, flops, moved))
        return out


def _size(tensor: Tensor) -> int:
    """The bytes behind a tensor; of one that repeats its numbers (expanded), each once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def _storage(tensor: Tensor) -> int:
    """What tells storages apart, as long as they live."""
    return tensor.untyped_storage()._cdata


def _elsewhere(task: Task) -> Task:
    """The task on the meta device: for a network there; its own data stay."""
    there = copy.copy(task)
    there.device = torch.device("meta")
    return there


def _batch(training: Training, members: int, task: Task) -> Batch:
    """A batch without numbers, of the shape of the task's."""
    x, y = (
        torch.empty(members, training.batch_size, *part.shape[2:], dtype=part.dtype, device="meta")
        for part in task.batch(0, [0], 1)
    )
    return Batch(x, y)
