"""The stable rank of an optimizer's updates along the first steps of a run.

Source: arXiv 2512.05620, App. E: scaling rules take the stable rank of updates to be of order one; optimizers
that whiten push it up to the order of the width, unless they work in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from hptheory.errors import DomainError
from sims.members import Member
from sims.models.linear import scaled_parameters
from sims.settings import Training
from sims.tasks import Task
from sims.train import Pack

STEPS = (4, 16, 64)  # behind a readout that starts at zero, the first gradients of hidden matrices are zero


def stable_rank(matrix: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch"]:
    """The sum of the squared singular values over the largest one, from 1 to the rank; of zero, not a number.

    >>> round(float(stable_rank(torch.diag(torch.tensor([2.0, 1.0, 1.0])))), 6)
    1.5
    """
    values = torch.linalg.svdvals(matrix.double())
    return values.square().sum(-1) / values[..., 0].square()


def update_ranks(
    training: Training, width: int, member: Member, task: Task, steps: Sequence[int] = STEPS
) -> dict[int, list[float]]:
    """The stable ranks of what the steps of these numbers (counted from 1) add to the hidden matrices.

    A step's change of the weights, weight decay included. Matrices that stand still are left out.

    Domain: steps >= 1, rising, and not more than the run has; else ``DomainError``.

    *Laws*: with exact orthogonalisation of a momentum of full rank, the smaller side of each matrix.
    """
    pack = Pack(training, width, [member], task)
    if not steps or list(steps) != sorted(set(steps)) or not 1 <= steps[0] <= steps[-1] <= pack.steps_total:
        raise DomainError("steps", tuple(steps), f"rising numbers from 1 to {pack.steps_total}")
    found = {}
    for step in steps:
        pack.advance(step - 1 - pack.steps_done)
        before = hidden_matrices(pack)
        pack.advance(1)
        changes = [after - start for after, start in zip(hidden_matrices(pack), before, strict=True)]
        found[step] = [float(stable_rank(change)) for change in changes if bool(change.any())]
    return found


def hidden_matrices(pack: Pack) -> list[Tensor]:
    """Copies of the hidden matrices of the first member."""
    return [
        scaled.parameter[0].detach().clone()
        for scaled in scaled_parameters(pack.model)
        if scaled.role == "hidden" and scaled.parameter.ndim == 3
    ]
