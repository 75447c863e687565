"""The losses of a pack's members on a batch; on demand by ``torch.compile``, forward and backward.

Compiled code sums in another order. So its results agree with the usual ones within rounding only, which
training amplifies: the losses of the smoke presets (64 steps) to 1e-4, and longer runs the less the longer
they are. What a member computes may then depend on the size of its pack, too.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sims.tasks import Batch, Task

LossesOf = Callable[[nn.Module, Task, Batch], Tensor]
"""The mean losses of the members of a network on their batches, [member]."""


def member_losses(model: nn.Module, task: Task, batch: Batch) -> Float[Tensor, " member"]:
    """The mean loss of each member on its own batch."""
    return task.losses(model(batch.x), batch.y).mean(1)


class CompiledLosses:
    """``member_losses`` compiled at its first call, for the networks and batches of one pack.

    Where that fails (no C++ compiler, a network that the compiler does not take), it is called as it is, and
    ``note`` says so in a sentence. Members that are dropped cost another compilation.
    """

    def __init__(self) -> None:
        self.note: str | None = None
        self._function: LossesOf | None = None

    def __call__(self, model: nn.Module, task: Task, batch: Batch) -> Tensor:
        """The losses."""
        self.succeeds(model, task, batch)
        assert self._function is not None
        return self._function(model, task, batch)

    def succeeds(self, model: nn.Module, task: Task, batch: Batch) -> bool:
        """Whether the losses of this network and batch are compiled; they are then, if they weren't."""
        if self._function is None:
            self._function = self._prepared(model, task, batch)
        return self.note is None

    def _prepared(self, model: nn.Module, task: Task, batch: Batch) -> LossesOf:
        """The compiled function, once it has gone forward and backward; else the plain one."""
        # A second to import.
        from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException

        torch.compiler.reset()  # what earlier packs left counts against a limit of recompilations
        compiled: LossesOf = torch.compile(member_losses, dynamic=False)
        trial = copy.deepcopy(model)
        try:
            torch.autograd.grad(compiled(trial, task, batch).sum(), list(trial.parameters()))
        except TorchDynamoException as error:
            self.note = _sentence(
                error.inner_exception if isinstance(error, BackendCompilerFailed) else error
            )
        if self.note is None:
            return compiled
        # The error's frames are a cycle that keeps the graph of this step alive, and with it the parameters'
        # shapes, which change when members are dropped.
        gc.collect()
        return member_losses


def _sentence(error: Exception) -> str:
    """What became of a compilation that ended with this error."""
    why = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"torch.compile failed ({why}); training goes on without it"
