"""psi and the mean component index against per-example gradients formed one by one (torch.func)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from hptheory.decomposition import mean_component_index
from hptheory.errors import DomainError
from hptheory.parameterization import scaling_rule
from sims.models import LayerShape, StackedLinear
from sims.trajectory import ObservationWarning, SampleObserver, TrajectoryObserver
from tests.sims.trajectory.small import CADENCE, examples, losses, net, sgd, weights_along
from tests.sims.trajectory.test_observer import ROWS, snapshots

STEPS = 15

pytestmark = pytest.mark.filterwarnings("ignore::sims.trajectory.LinearisationWarning")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def brute_force(trajectory: list[dict[str, Tensor]], model: nn.Module, rows: tuple[str, ...]) -> Tensor:
    """psi by vmap(grad) and one quadratic form an example, component and layer."""
    x, y = examples()
    width = 12
    psi = torch.zeros(len(x), width, dtype=torch.float64)

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(model, weights, (x[None],)), y[None])

    for here, there in pairwise(trajectory):
        each = vmap(grad(loss), in_dims=(None, 0, 0))(here, x, y)
        for name, g in each.items():
            if g.ndim != 3:
                continue
            d = there[name] - here[name]
            g, d = (g.mT, d.T) if name in rows else (g, d)
            product = g.mean(0).T @ d
            values, vectors = torch.linalg.eigh((product + product.T) / 2)
            u = vectors[:, values.abs().argsort(descending=True)]
            psi += torch.einsum("nj,imn,mp,pj->ij", u, g, d, u)
    return psi


def observe(model: nn.Module, **options: object) -> SampleObserver:
    observer = SampleObserver(losses, **{"cadence": CADENCE, **options})
    observer.prepare(model)
    sgd(model, STEPS, after=lambda step: observer.step())
    observer.result()
    return observer


def test_psi_is_that_of_gradients_formed_one_by_one():
    """The eigenvalues are distinct with probability one, so that psi is unique; float64, rounding only.

    The layer of 3 outputs goes through the factored route, whose eigenvectors of the eigenvalue 0 add
    nothing: G u = dW u = 0 for them.
    """
    trajectory = list(weights_along(net(), STEPS))
    expected = brute_force([trajectory[step] for step in snapshots(STEPS)], net(), ROWS)
    observer = observe(net())
    torch.testing.assert_close(observer.psi[0], expected, rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(
        observer.mean_component_index(), mean_component_index(expected), rtol=1e-7, atol=0
    )
    assert set(observer.uncovered) == {"0.bias", "2.bias", "4.bias"}


def test_the_profiles_are_those_of_the_plain_observer():
    """Two ways to the gradient (flows, backward) and to the eigenvalues (with, without vectors)."""
    plain = TrajectoryObserver(losses, cadence=CADENCE)
    model = net()
    plain.prepare(model)
    sgd(model, STEPS, after=lambda step: plain.step())
    expected, result = plain.result(), observe(net()).result()
    for name, top_k in expected.layers.items():
        np.testing.assert_allclose(result.layers[name], top_k, rtol=1e-9, atol=1e-12)
    assert result.rest == pytest.approx(expected.rest, rel=1e-9)
    np.testing.assert_allclose(result.loss, expected.loss, rtol=1e-12)


def test_the_mean_over_examples_is_the_profile():
    observer = observe(net())
    profile = observer.psi[0].mean(0).cumsum(0).numpy()
    np.testing.assert_allclose(profile, observer.result().top_k, rtol=1e-9, atol=1e-12)


def test_batches_of_examples_are_in_order():
    x, y = examples()
    whole, cut = observe(net()), observe(net(), batches=[(x[:5], y[:5]), (x[5:], y[5:])])
    torch.testing.assert_close(cut.psi, whole.psi, rtol=1e-9, atol=1e-12)


def test_a_layer_used_twice_and_positions():
    """A layer applied at two positions of a sequence, and once more to its own output."""
    model = net(bias=False)
    x = torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y = torch.arange(6) % 3

    def twice(model: nn.Sequential) -> Tensor:
        h = torch.tanh(model[2](torch.tanh(model[2](torch.tanh(model[0](x))))))
        return F.cross_entropy(model[4](h).mean(1), y, reduction="none")

    def one(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        h = torch.tanh(torch.tanh(torch.tanh(x @ weights["0.weight"].T) @ weights["2.weight"].T)
                       @ weights["2.weight"].T)  # fmt: skip
        return F.cross_entropy((h @ weights["4.weight"].T).mean(0)[None], y[None])

    here = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    each = vmap(grad(one), in_dims=(None, 0, 0))(here, x, y)
    observer = SampleObserver(twice, cadence=CADENCE)
    observer.prepare(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight -= 0.1 * weight.sin()
    observer.step()
    observer.result()
    expected = sum((each[name] * (model.get_parameter(name) - here[name])).sum((1, 2)) for name in here)
    torch.testing.assert_close(observer.psi[0].sum(1), expected.detach(), rtol=1e-10, atol=1e-14)


def test_a_stacked_layer_with_a_multiplier():
    """y = c x W^T on shared examples: each member's psi sums to <G_i, dW>, the factor c included."""
    half = replace(scaling_rule("sgd", 1, 1, base_d_in=1, base_d_out=1), multiplier=0.5)
    shapes = LayerShape("hidden", 5, 8, 5, 8), LayerShape("readout", 8, 3, 8, 3)
    layers = [StackedLinear(shape, lambda *_, **__: half, seeds=[0, 1]) for shape in shapes]
    model = nn.Sequential(layers[0], nn.Tanh(), layers[1]).double()
    x, y = examples()

    def stacked(model: nn.Module) -> Tensor:
        return F.cross_entropy(model(x[None]).flatten(0, 1), y.repeat(2), reduction="none").view(2, -1)

    observer = SampleObserver(stacked, cadence=CADENCE, stacked=True)
    observer.prepare(model)
    before = stacked(model).detach()
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 1 + 1e-6
    observer.step()
    observer.results()
    change = (stacked(model) - before).detach()  # of first order in 1e-6: the next is 1e-6 of it
    torch.testing.assert_close(observer.psi.sum(2), change, rtol=1e-4, atol=1e-10)
    assert observer.uncovered == ()


def test_interrupted_equals_uninterrupted():
    whole = observe(net())
    model, first = net(), SampleObserver(losses, cadence=CADENCE)
    first.prepare(model)
    kept = [first]

    def after(step: int) -> None:
        kept[0].step()
        if step == 7:
            state = kept[0].state()
            kept[0] = SampleObserver(losses, cadence=CADENCE)
            kept[0].prepare(model)
            kept[0].restore(state)

    sgd(model, STEPS, after=after)
    result = kept[0].result()
    assert (kept[0].psi == whole.psi).all()
    np.testing.assert_array_equal(result.top_k, whole.result().top_k)


def test_the_summary_names_the_easiest_and_the_hardest():
    observer = observe(net())
    summary, index = observer.result().extra, observer.mean_component_index().numpy()
    np.testing.assert_array_equal(summary["mci"], index)
    assert summary["mci"][summary["extreme"]].tolist() == [*sorted(index)[:5], *sorted(index)[-5:]]
    np.testing.assert_array_equal(summary["extreme_psi"], observer.psi[0][summary["extreme"], :50].numpy())


class Sneaky(nn.Module):
    """A layer whose weight is used behind its back as well."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.readout = nn.Linear(5, 12).double(), nn.Linear(12, 3).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(torch.tanh(self.hidden(x))) + x @ self.hidden.weight[:3].T


def test_a_weight_used_behind_its_layer_is_found_out():
    observer = SampleObserver(losses, cadence=CADENCE)
    with pytest.warns(ObservationWarning, match=r"hidden\.weight"):
        observer.prepare(Sneaky())
    assert "hidden.weight" in observer.uncovered


class Heads(nn.Module):
    """Two readouts, of which each batch uses one; called by the argument's name."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(5, 12, bias=False)
        self.heads = nn.ModuleList(nn.Linear(12, 3, bias=False) for _ in range(2))

    def forward(self, x: Tensor, task: int) -> Tensor:
        return self.heads[task](input=torch.tanh(self.hidden(input=x)))


def test_a_layer_that_not_every_batch_uses():
    """psi sums to <G_i, dW> of the example itself: an update of first order in 1e-6."""
    model, (x, y) = Heads().double(), examples()
    batches = [(x[:5], y[:5], 0), (x[5:], y[5:], 1)]

    def each(model: nn.Module, x: Tensor, y: Tensor, task: int) -> Tensor:
        return F.cross_entropy(model(x, task), y, reduction="none")

    observer = SampleObserver(each, batches=batches, cadence=CADENCE, width=12)
    observer.prepare(model)
    assert observer.uncovered == ()
    before = torch.cat([each(model, *batch) for batch in batches]).detach()
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 1 + 1e-6
    observer.step()
    observer.result()
    change = torch.cat([each(model, *batch) for batch in batches]).detach() - before
    torch.testing.assert_close(observer.psi[0].sum(1), change, rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize("autocast", [False, True])
def test_examples_of_a_model_in_half_precision(autocast):
    """Against the same in double precision; bf16 has 2^-9 in each of the factors."""
    x, y = examples(dtype=torch.float32)
    psi = []
    for half in (False, True):
        model = net(dtype=torch.bfloat16, bias=False).to(torch.float32 if half else torch.float64)
        model = model.bfloat16() if half and not autocast else model
        kind = next(model.parameters()).dtype

        def each(model: nn.Module, kind: torch.dtype = kind) -> Tensor:
            return F.cross_entropy(model(x.to(kind)).float(), y, reduction="none")

        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half and autocast):
            observer = SampleObserver(each, cadence=CADENCE, on_problem="record")
            observer.prepare(model)
            assert observer.uncovered == ()
            moved = {name: 1.001 * weight.detach().double() for name, weight in model.named_parameters()}
            observer.step(moved, 0)
            observer.result()
        psi.append(observer.psi[0].sum(1).double())
    torch.testing.assert_close(psi[1], psi[0], rtol=0, atol=0.02 * float(psi[0].abs().max()))


def test_several_losses_make_an_example():
    """Eight rows an example: their psi is the mean of the eight single ones."""
    single = observe(net())
    pairs = SampleObserver(lambda model: losses(model).view(2, 8), cadence=CADENCE)
    model = net()
    pairs.prepare(model)
    sgd(model, STEPS, after=lambda step: pairs.step())
    pairs.result()
    expected = single.psi[0].unflatten(0, (2, 8)).mean(1)
    torch.testing.assert_close(pairs.psi[0], expected, rtol=1e-9, atol=1e-12)


def in_another_order(model: nn.Module) -> Tensor:
    """The rows of an example are eight apart."""
    return losses(model).view(2, 8).T


def all_at_once(model: nn.Module) -> Tensor:
    """Each loss depends on all examples."""
    values: Tensor = losses(model)
    return values / values.detach().mean() * values.mean()


@pytest.mark.parametrize("wrong", [in_another_order, all_at_once])
def test_examples_must_go_by_themselves_in_order(wrong):
    with pytest.raises(DomainError, match="in the order of the losses, each example by itself"):
        SampleObserver(wrong, cadence=CADENCE).prepare(net())
