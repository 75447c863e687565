"""Several optimizers as one: each trains its own parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.optim.optimizer import Optimizer

from hptheory.errors import DomainError
from sims.optim.base import Stepping


class Together(Stepping):
    """One optimizer whose groups and state are those of its parts, in their order; a step is a step of each.

    >>> import torch
    >>> from sims.optim import Adam, Muon
    >>> hidden, readout = (torch.nn.Parameter(torch.zeros(3, 3)) for _ in range(2))
    >>> optimizer = Together([Muon([hidden], lr=0.02), Adam([readout], lr=1e-3)])
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.02, 0.001]
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = list(parts)
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        """Let the parts work on this optimizer's groups and state."""
        start = 0
        for part in self.parts:
            end = start + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[start:end], self.state
            start = end

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take over a group of a part.

        Domain: a further group belongs to one of the parts, and is a ``DomainError`` here.
        """
        if len(self.param_groups) == sum(len(part.param_groups) for part in self.parts):
            raise DomainError("param_group", "a further one", "added to a part, before they are put together")
        super().add_param_group(param_group)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle needs; torch's own keeps the groups and the state alone."""
        return {**super().__getstate__(), "parts": self.parts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave."""
        super().load_state_dict(state_dict)
        self._share()

    def _update_all(self) -> None:
        for part in self.parts:
            part.step()
