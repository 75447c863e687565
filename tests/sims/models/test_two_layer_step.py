"""The two-layer network's written-out pass: losses and gradients are autograd's, whatever the parts."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from hptheory.parameterization import get_rule
from sims.compiled import member_losses
from sims.gradients import ByAutograd, gradients_of
from sims.models import TwoLayerMLP, mlp, two_layer_step
from sims.models.two_layer_step import TwoLayerStep
from sims.settings.models import MLPConfig
from sims.settings.tasks import BallIndicatorConfig, MultiIndexConfig
from sims.tasks import BallIndicator, Batch, MultiIndex, Task
from tests.sims.small import digits

BATCH = 7
ROWS = (0, 0, 1, 1, 1, 0)
TASKS = {
    "squared loss": MultiIndex(MultiIndexConfig(validation_size=2), dtype=torch.float64),
    "logistic loss": BallIndicator(BallIndicatorConfig(validation_size=2), dtype=torch.float64),
    "classes": digits(torch.float64),
}


def network(task: Task, width: int, *, bias: bool = True, rule: str = "ntk") -> TwoLayerMLP:
    """NTK, so that both multipliers differ from 1; biases that are not 0."""
    model = TwoLayerMLP(
        task.inputs,
        width,
        task.outputs,
        base_width=32,
        rule=partial(get_rule(rule), "adam"),
        seeds=range(len(ROWS)),
        config=MLPConfig(bias=bias, bias_std=0.5),
        batch_size=BATCH,
    )
    return model.double()


def found(model: TwoLayerMLP, way: object, batch: Batch) -> list[torch.Tensor]:
    losses = way(batch)
    return [losses, *(parameter.grad.clone() for parameter in model.parameters())]


@pytest.mark.parametrize("cached", [2**17, 7 * 20 * 3], ids=["all at once", "in parts"])
@pytest.mark.parametrize("width", [20, 300], ids=["stacked", "one by one"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rule", ["mup", "ntk"])
@pytest.mark.parametrize("name", TASKS)
def test_losses_and_gradients_are_those_of_autograd(monkeypatch, name, rule, bias, width, cached):
    """Of one mean after another over members; float64, in another order of sums of up to 300 terms."""
    monkeypatch.setattr(two_layer_step, "CACHED_NUMBERS", cached)
    monkeypatch.setattr(mlp, "LARGE", BATCH * 300)
    task = TASKS[name]
    model, batch = network(task, width, bias=bias, rule=rule), task.batch(3, (0, 5), BATCH)
    assert model.stands_alone is (width == 300)
    ours = gradients_of(model, task, ROWS, batch)
    assert isinstance(ours, TwoLayerStep)
    assert len(ours.parts) == (6 if width == 300 else 1 if cached == 2**17 else 2)
    theirs = ByAutograd(model, task, ROWS, member_losses)
    for _ in range(2):  # buffers are used again
        for one, other in zip(found(model, ours, batch), found(model, theirs, batch), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("width", [20, 300])
def test_the_forward_is_the_layers(monkeypatch, width):
    monkeypatch.setattr(mlp, "LARGE", BATCH * 300)
    task = TASKS["classes"]
    model, x = network(task, width), task.batch(0, range(len(ROWS)), BATCH).x
    expected = model.readout(torch.relu(model.hidden(x)))
    torch.testing.assert_close(model(x), expected, rtol=1e-12, atol=1e-13)
    weight = torch.linspace(-1, 2, expected.numel(), dtype=expected.dtype).view_as(expected)
    grads = [torch.autograd.grad((y.sin() * weight).sum(), list(model.parameters()))
             for y in (model(x), expected)]  # fmt: skip
    torch.testing.assert_close(*grads, rtol=1e-11, atol=1e-12)
    shared = x[:1]
    torch.testing.assert_close(model(shared), model(shared.expand_as(x)), rtol=1e-12, atol=1e-13)


def test_hooks_see_the_layers_calls(monkeypatch):
    monkeypatch.setattr(mlp, "LARGE", BATCH * 300)
    task, seen = TASKS["classes"], []
    model, batch = network(task, 300), task.batch(0, (0, 5), BATCH)
    handle = model.hidden.register_forward_hook(lambda module, args, output: seen.append(output.clone()))
    assert isinstance(gradients_of(model, task, ROWS, batch), ByAutograd)
    x = batch.x[list(ROWS)]
    outputs = model(x)
    handle.remove()
    torch.testing.assert_close(seen[0], model.hidden(x), rtol=0, atol=0)
    torch.testing.assert_close(outputs, model(x), rtol=1e-12, atol=1e-13)


def test_autocast_is_heeded():
    task = digits()
    model, batch = network(TASKS["classes"], 300).float(), task.batch(0, (0, 5), BATCH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(batch.x[:1]).dtype == torch.bfloat16
        assert isinstance(gradients_of(model, task, ROWS, batch), ByAutograd)


def test_inputs_have_gradients_where_they_are_wanted():
    task = TASKS["classes"]
    x = task.batch(0, (0,), BATCH).x.clone().requires_grad_()
    network(task, 300)(x).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).any()
