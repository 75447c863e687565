"""What an observer holds: three copies of the weights (the average among them), the sums, a few n x n."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sims.settings.schedules import EMAConfig
from sims.trajectory import TrajectoryObserver, WeightAverage

WORKSPACES = 5
"""The product, its transpose's sum, LAPACK's copy of it and what it needs: n x n each, of one layer."""


class Bytes(TorchDispatchMode):
    """Counts the bytes of all tensor storages that were made inside and are still alive, and their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self.known: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {id(each.untyped_storage()) for each in tree_leaves(args) if isinstance(each, torch.Tensor)}
        for each in tree_leaves(result):
            if isinstance(each, torch.Tensor):
                storage = each.untyped_storage()
                if id(storage) not in self.known and id(storage) not in given:
                    self._add(id(storage), storage)
        return result

    def _add(self, key: int, storage: torch.UntypedStorage) -> None:
        size = storage.nbytes()

        def freed(_: Any) -> None:
            self.held -= size
            del self.known[key]

        self.known[key] = weakref.ref(storage, freed)
        self.held += size
        self.peak = max(self.peak, self.held)


def test_the_counter_counts():
    with Bytes() as seen:
        a = torch.ones(1000)
        b = a[:10]
        assert seen.held == 4000
        c = a + 1
        del a
        assert seen.held == 8000
        del b, c
        assert seen.held == 0
    assert seen.peak == 8000


@pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")
@pytest.mark.parametrize(("d_in", "width"), [(900, 100), (64, 256)])
def test_three_copies_of_the_weights(d_in, width):
    """Two observations with one example, so that the loss itself needs next to nothing."""
    model = nn.Sequential(nn.Linear(d_in, width, bias=False), nn.ReLU(), nn.Linear(width, 10, bias=False))
    copy = 4 * sum(weight.numel() for weight in model.parameters())
    x = torch.ones(1, d_in)
    config = EMAConfig(0.5, 0.5, tau_start=2.0, tau_end=2.0)
    with Bytes() as seen:
        average = WeightAverage(config, model)
        observer = TrajectoryObserver(lambda model: model(x).square().mean(), cadence=config)
        observer.prepare(model)
        seen.peak = 0
        for step in range(4):
            with torch.no_grad():
                for weight in model.parameters():
                    weight.mul_(0.99)
            average.update(step)
            observer.step(average.weights)
        held = seen.held
    sums = 8 * width * (len(observer.parts.matrices) + len(observer._account.curve))
    small = 20_000  # losses, flags, one example's activations
    assert held <= 3 * copy + sums + small
    assert seen.peak <= 3 * copy + sums + small + WORKSPACES * 4 * width**2
    assert held > 2.9 * copy  # the counter has seen the copies
