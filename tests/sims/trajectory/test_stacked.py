"""A stacked model under the observers: each member's result is that of the same run alone."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sims.settings.schedules import EMAConfig
from sims.trajectory import (
    LinearisationWarning,
    ObservationWarning,
    ObserverError,
    TrajectoryObserver,
)
from tests.sims.trajectory.small import CADENCE, generator

STEPS = 12


class Net(nn.Module):
    """Two linear layers and a vector, with or without a member axis in front."""

    def __init__(self, first: Tensor, gain: Tensor, second: Tensor) -> None:
        super().__init__()
        self.hidden = nn.Linear(4, 6, bias=False)
        self.readout = nn.Linear(6, 3, bias=False)
        self.hidden.weight, self.readout.weight = nn.Parameter(first), nn.Parameter(second)
        self.gain = nn.Parameter(gain)

    def forward(self, x: Tensor) -> Tensor:
        if self.gain.ndim == 1:
            return self.readout(torch.tanh(self.hidden(x)) * self.gain)
        h = torch.tanh(x @ self.hidden.weight.mT) * self.gain[:, None]
        return h @ self.readout.weight.mT


def start(member: int) -> tuple[Tensor, Tensor, Tensor]:
    draw = generator(member)
    shapes = ((6, 4), (6,), (3, 6))
    return tuple(torch.randn(shape, generator=draw, dtype=torch.float64) for shape in shapes)


X = torch.randn(10, 4, generator=generator(9), dtype=torch.float64)
Y = torch.randn(10, 3, generator=generator(8), dtype=torch.float64)


def squares(model: nn.Module) -> Tensor:
    return (model(X) - Y).square().sum(-1)


def descend(model: nn.Module, rates: list[float], observer: TrajectoryObserver, steps: int = STEPS) -> None:
    """Gradient descent on the observed loss, each member at its own rate."""
    stacked = model.gain.ndim == 2
    for _ in range(steps):
        model.zero_grad()
        squares(model).mean(-1).sum().backward()
        with torch.no_grad():
            for weight in model.parameters():
                rate = torch.tensor(rates, dtype=torch.float64)
                rate = rate.view(-1, *[1] * (weight.ndim - 1)) if stacked else rate[0]
                weight -= rate * weight.grad
        observer.step()


def alone(kind: type, member: int, rate: float) -> dict[str, np.ndarray]:
    model, observer = Net(*start(member)), TrajectoryObserver(squares, cadence=CADENCE)
    observer.prepare(model)
    descend(model, [rate], observer)
    return observer.result().to_arrays()


def stack(members: int) -> Net:
    return Net(*(torch.stack(each) for each in zip(*map(start, range(members)), strict=True)))


@pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")
def test_a_member_is_the_same_run_alone():
    """float64: batched products may round otherwise, 1e-16 of values of order one."""
    rates = [0.01, 0.03, 0.002]
    model, observer = stack(3), TrajectoryObserver(squares, cadence=CADENCE, stacked=True)
    observer.prepare(model)
    descend(model, rates, observer)
    results = observer.results()
    for member, rate in enumerate(rates):
        expected = alone(TrajectoryObserver, member, rate)
        for name, values in results[member].to_arrays().items():
            if values.dtype != np.uint8:
                np.testing.assert_allclose(values, expected[name], rtol=1e-10, atol=1e-13)
    with pytest.raises(ObserverError, match=r"results\(\)"):
        observer.result()


@pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")
def test_a_member_that_is_not_finite_disturbs_nobody():
    calm = [0.01, 0.03]
    model, observer = stack(3), TrajectoryObserver(squares, cadence=CADENCE, stacked=True)
    observer.prepare(model)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ObservationWarning)
        descend(model, [*calm, 1e150], observer)
        results = observer.results()
    kinds = [each.category for each in said if each.category is ObservationWarning]
    assert len(kinds) == 1
    assert results[2].stopped is not None
    assert np.isfinite(results[2].phi).all()
    assert np.isinf(results[2].example_losses).all()
    for member, rate in enumerate(calm):
        expected = alone(TrajectoryObserver, member, rate)
        np.testing.assert_allclose(results[member].top_k, top_k_of(expected), rtol=1e-10)
        assert results[member].stopped is None


def top_k_of(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return sum(values for name, values in arrays.items() if name.startswith("layers/"))


@pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")
def test_members_can_be_dropped_on_the_way():
    """The stacked model forgets its middle member after five steps, as a pack does with a diverged one."""
    rates = [0.01, 0.03, 0.002]
    model, observer = stack(3), TrajectoryObserver(squares, cadence=CADENCE, stacked=True)
    observer.prepare(model)
    descend(model, rates, observer, steps=5)
    kept = torch.tensor([0, 2])
    with torch.no_grad():
        for weight in model.parameters():
            weight.set_(weight[kept].clone())
    observer.select(kept)
    descend(model, [rates[0], rates[2]], observer, steps=STEPS - 5)
    for result, member in zip(observer.results(), (0, 2), strict=True):
        expected = alone(TrajectoryObserver, member, rates[member])
        np.testing.assert_allclose(result.top_k, top_k_of(expected), rtol=1e-10)
        assert result.steps[-1] == STEPS


def test_infinite_losses_are_infinite_errors():
    """A run that diverges between the last two observations has a last loss that is not a number."""
    model, observer = (
        Net(*start(0)),
        TrajectoryObserver(squares, cadence=EMAConfig(tau_start=50.0, tau_end=50.0)),
    )
    observer.prepare(model)
    with torch.no_grad():
        model.gain.fill_(1e200)
    observer.step()
    with pytest.warns(LinearisationWarning, match="inf"):
        result = observer.result()
    assert result.relative_error == math.inf
