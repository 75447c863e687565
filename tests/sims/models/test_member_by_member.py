"""The two-layer pass for one member after another: equal to the layers' own calls, which hooks still see."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from hptheory.parameterization import get_rule
from sims.models import TwoLayerMLP
from sims.settings.models import MLPConfig

MEMBERS, INPUTS, OUTPUTS, BATCH = 3, 64, 5, 7


def network(width: int = 256, *, bias: bool = True, rule: str = "ntk") -> TwoLayerMLP:
    """NTK, so that both multipliers differ from 1; biases that are not 0."""
    config = MLPConfig(bias=bias, bias_std=0.5)
    chosen = partial(get_rule(rule), "adam")
    model = TwoLayerMLP(
        INPUTS, width, OUTPUTS, base_width=32, rule=chosen, seeds=range(MEMBERS), config=config
    )
    return model.double()


def inputs(members: int = MEMBERS) -> torch.Tensor:
    stream = torch.Generator().manual_seed(1)
    return torch.randn(members, BATCH, INPUTS, generator=stream, dtype=torch.float64)


def layer_by_layer(model: TwoLayerMLP, x: torch.Tensor) -> torch.Tensor:
    return model.readout(torch.relu(model.hidden(x)))


def gradients(model: TwoLayerMLP, outputs: torch.Tensor) -> list[torch.Tensor]:
    weight = torch.linspace(-1, 2, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    return list(torch.autograd.grad((outputs.sin() * weight).sum(), list(model.parameters())))


@pytest.mark.parametrize("x", [inputs(), inputs(1)], ids=["own batches", "a shared batch"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rule", ["mup", "ntk"])
def test_outputs_and_gradients_are_those_of_the_layers(x, bias, rule):
    """Sums of 256 products in float64, in another order."""
    model = network(bias=bias, rule=rule)
    assert model.stands_alone
    ours, theirs = model(x), layer_by_layer(model, x)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)
    for one, other in zip(gradients(model, ours), gradients(model, theirs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_small_networks_take_one_call_for_all():
    assert not network(width=100).stands_alone


def test_hooks_see_the_layers_calls():
    model, seen = network(), []
    handle = model.hidden.register_forward_hook(lambda module, args, output: seen.append(output.clone()))
    outputs = model(inputs())
    handle.remove()
    torch.testing.assert_close(seen[0], model.hidden(inputs()), rtol=0, atol=0)
    torch.testing.assert_close(outputs, model(inputs()), rtol=1e-13, atol=1e-13)


def test_inputs_have_gradients_where_they_are_wanted():
    x = inputs().requires_grad_()
    network()(x).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).any()


def test_autocast_is_heeded():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network().float()(inputs().float()).dtype == torch.bfloat16
