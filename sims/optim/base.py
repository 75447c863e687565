"""What all optimizers of this package share: a step that autocast does not reach."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from sims.optim.rule import check_not_negative, check_share
from sims.precision import without_autocast


@contextmanager
def dropped_if_refused(optimizer: Optimizer) -> Iterator[dict[str, Any]]:
    """The group that was added last; if a check within refuses it or fails, it is taken out again."""
    try:
        yield optimizer.param_groups[-1]
    except BaseException:
        optimizer.param_groups.pop()
        raise


class Stepping(Optimizer, ABC):
    """An optimizer whose step is a closure's, if one is given, then an update of its parameters.

    *Laws*: a step inside ``torch.autocast`` is the step outside of it, bit for bit; the closure's passes are
    rounded as its caller wants them.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with without_autocast(p for group in self.param_groups for p in group["params"]):
            self._update_all()
        return loss

    @abstractmethod
    def _update_all(self) -> None:
        """Change every parameter that has a gradient, in place."""


class PerParameter(Stepping):
    """An optimizer whose step updates each parameter from its own gradient and state, in place.

    Domain: rates, epsilons and decays finite and >= 0, betas and momentum in [0, 1), else ``DomainError``.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, whose constants are checked; one that does not pass is not added."""
        super().add_param_group(param_group)
        with dropped_if_refused(self) as group:
            for name in ("lr", "eps", "weight_decay"):
                check_not_negative(name, group.get(name, 0.0))
            for name in ("betas", "momentum"):
                values = group.get(name, ())
                for value in values if isinstance(values, tuple | list) else (values,):
                    check_share(name, value)

    def _update_all(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, p.grad, group)

    @abstractmethod
    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Change p in place, from its gradient, its state and the options of its group."""
