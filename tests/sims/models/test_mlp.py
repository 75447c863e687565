"""The stacked two-layer network: its muP scales at every width, its function, and a coordinate check."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hptheory.parameterization import LayerScaling, scaling_rule
from sims.members import Member
from sims.models import TwoLayerMLP
from sims.optim.build import build_optimizer
from tests.sims.small import ADAM, MOMENTUM, training

WIDTHS = (32, 64, 256, 1024)
BASE = 32


def network(
    width: int, optimizer: str = "adam", seeds: tuple[int, ...] = (0, 1, 2), **options: object
) -> TwoLayerMLP:
    rule = partial(options.pop("rule", scaling_rule), optimizer)
    return TwoLayerMLP(64, width, 10, base_width=BASE, rule=rule, seeds=seeds, **options)


def optimizer_of(model: TwoLayerMLP, optimizer: str, rates: list[float]) -> torch.optim.Optimizer:
    config = {"adam": ADAM, "sgd": MOMENTUM}[optimizer]
    return build_optimizer(training(config), model, [Member(rate, 0) for rate in rates])


@pytest.mark.parametrize("width", WIDTHS)
def test_initial_scales(width):
    """Standard deviations sqrt(2/64) and (1/sqrt(32)) * 32/width, by z-scores of the mean square.

    The mean of N squares has relative standard deviation sqrt(2/N); with 8 comparisons at 4.5 sigma, 1 in
    18,000 draws of the seeds (which are fixed) would fail by chance.
    """
    model = network(width)
    for weight, std in (
        (model.hidden.weight, math.sqrt(2 / 64)),
        (model.readout.weight, math.sqrt(BASE) / width),
    ):
        ratio = weight.square().mean().item() / std**2
        assert abs(ratio - 1) / math.sqrt(2 / weight.numel()) < 4.5


@pytest.mark.parametrize("width", WIDTHS)
def test_rates_of_each_layer(width):
    r = width / BASE
    expected = {"adam": [1, 1 / r], "sgd": [r, 1 / r]}
    peak = torch.tensor([0.5, 1.0, 2.0])
    for optimizer, factors in expected.items():
        groups = optimizer_of(network(width, optimizer), optimizer, peak.tolist()).param_groups
        assert [group["lr"].flatten().tolist() for group in groups] == [(peak * f).tolist() for f in factors]
        assert all(group["lr"].shape == (3, 1, 1) for group in groups)
    groups = optimizer_of(network(width), "adam", peak.tolist()).param_groups
    assert [group["eps"] for group in groups] == [1e-8 / r, 1e-8]


def test_the_function_is_that_of_each_member():
    model, x = network(64), torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(0))
    for member, y in enumerate(model(x)):
        hidden, readout = model.hidden.weight[member], model.readout.weight[member]
        # float32 sums of 64 terms of order one.
        torch.testing.assert_close(
            y, F.linear(F.relu(F.linear(x[member], hidden)), readout), rtol=1e-4, atol=1e-5
        )


def test_weights_of_a_width_do_not_repeat_those_of_another():
    small, large = network(32).hidden.weight, network(64).hidden.weight
    assert not (small == large[:, :32]).any()


def trained(width: int, optimizer: str, rule: object, steps: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """RMS changes of hidden preactivations and of logits, over seeds, after some steps on one batch."""
    seeds = tuple(range(4))
    model = network(width, optimizer, seeds, rule=rule)
    stream = torch.Generator().manual_seed(0)
    x = torch.randn(16, 64, generator=stream).expand(len(seeds), -1, -1)
    labels = torch.randint(10, (16,), generator=stream).repeat(len(seeds))
    rate = {"adam": 0.005, "sgd": 0.05}[optimizer]
    train = optimizer_of(model, optimizer, [rate] * len(seeds))
    before = model.hidden(x), model(x)
    for _ in range(steps):
        train.zero_grad()
        F.cross_entropy(model(x).flatten(0, 1), labels, reduction="sum").div(16).backward()
        train.step()
    after = model.hidden(x), model(x)
    hidden, logits = ((b - a).detach().square().mean().sqrt() for a, b in zip(before, after, strict=True))
    return hidden, logits


def exponents(optimizer: str, rule: object) -> np.ndarray:
    widths = (128, 256, 512, 1024)
    changes = np.array([trained(width, optimizer, rule) for width in widths])
    return np.polyfit(np.log(widths), np.log(changes), 1)[0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_coordinate_check(optimizer):
    """Updates of hidden preactivations and logits keep their order at every width.

    Finite-width corrections n^(-1/2) tilt the line by about 0.03 between 128 and 1024, and the spread over
    four seeds by as much; a wrong rule is off by 1/2 at least.
    """
    assert np.abs(exponents(optimizer, scaling_rule)).max() < 0.1


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_coordinate_check_objects_to_one_rate_for_all(optimizer):
    def one_rate(*arguments: object, **bases: int) -> LayerScaling:
        return replace(scaling_rule(*arguments, **bases), lr=1.0)

    assert np.abs(exponents(optimizer, one_rate)).max() > 0.4


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_multiplier_and_weights_trade_places(optimizer):
    """A rescaled rule trains the same function; powers of two keep every product exact in float32."""

    def rescaled(*arguments: object, **bases: int) -> LayerScaling:
        return scaling_rule(*arguments, **bases).rescaled(0.25)

    for a, b in zip(trained(64, optimizer, scaling_rule), trained(64, optimizer, rescaled), strict=True):
        # Adam's epsilon (not scaled here) is 1e-8 of gradients of order 1e-3 and more: 1e-5.
        torch.testing.assert_close(a, b, rtol=1e-4, atol=0)
