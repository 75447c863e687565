"""The losses of a pack's members on a batch; on demand by ``torch.compile``, forward and backward.

Compiled code sums in another order. So its results agree with the usual ones within rounding only, which
training amplifies: the losses of the smoke presets (64 steps) to 1e-4, and longer runs the less the longer
they are. What a member computes may then depend on the size of its pack, too.
"""

from __future__ import annotations

import copy
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
        if self._function is None:
            self._function = self._prepared(model, task, batch)
        return self._function(model, task, batch)

    def _prepared(self, model: nn.Module, task: Task, batch: Batch) -> LossesOf:
        """The compiled function, once it has gone forward and backward; else the plain one."""
        # A second to import.
        from torch._dynamo.exc import BackendCompilerFailed, TorchDynamoException

        torch.compiler.reset()  # what earlier packs left counts against a limit of recompilations
        compiled: LossesOf = torch.compile(member_losses, dynamic=False)
        # On a copy: what is left of a failure may keep the graph of its parameters alive, whose shapes change
        # when members are dropped.
        trial = copy.deepcopy(model)
        try:
            torch.autograd.grad(compiled(trial, task, batch).sum(), list(trial.parameters()))
        except TorchDynamoException as error:
            cause = error.inner_exception if isinstance(error, BackendCompilerFailed) else error
            why = (str(cause).strip() or type(cause).__name__).splitlines()[0]
            self.note = f"torch.compile failed ({why}); training goes on without it"
            return member_losses
        return compiled
