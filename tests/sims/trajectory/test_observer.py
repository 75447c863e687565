"""The observer against a loop that writes out (1) to (4), and what it does when a run goes wrong."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from hptheory.errors import DomainError
from sims.settings.schedules import EMAConfig
from sims.trajectory import (
    LinearisationWarning,
    NonFiniteError,
    ObservationWarning,
    ObserverError,
    ParameterChangedError,
    SampleObserver,
    TrajectoryObserver,
    TrajectoryResult,
    WeightAverage,
)
from tests.sims.trajectory.small import CADENCE, copy_of, examples, losses, mean_loss, net, sgd, weights_along

ROWS = ("0.weight",)  # the first layer [width, 5] is decomposed by its output side
STEPS = 25


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The short runs here are rough; where the warning matters a test asks for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinearisationWarning)
        yield


def observed(model: nn.Module, steps: int = STEPS, **options: object) -> TrajectoryResult:
    observer = TrajectoryObserver(mean_loss, **{"cadence": CADENCE, **options})
    observer.prepare(model)
    sgd(model, steps, after=lambda step: observer.step())
    return observer.result()


def snapshots(steps: int) -> list[int]:
    """The steps of the observations, 0 and the last one included."""
    inner = [step + 1 for step in range(steps) if CADENCE.is_snapshot(step)]
    return sorted({0, *inner, steps})


def by_hand(trajectory: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """phi^k of each matrix and the part of each vector, by autograd on the module and NumPy's eigenvalues."""
    sums: dict[str, Tensor] = {}
    for here, there in pairwise(trajectory):
        model = net()
        model.load_state_dict(here)
        mean_loss(model).backward()
        for name, weight in model.named_parameters():
            g, d = weight.grad, there[name] - here[name]
            if g.ndim == 1:
                change = (g * d).sum()
            else:
                g, d = (g.T, d.T) if name in ROWS else (g, d)
                values = np.linalg.eigvals(((g.T @ d + d.T @ g) / 2).numpy()).real
                change = torch.from_numpy(values[np.argsort(-abs(values))].cumsum())
            sums[name] = sums.get(name, 0) + change
    return sums


def test_the_parts_are_those_of_a_loop_written_out():
    """float64: rounding of 1e-16 against loss changes of order 0.1."""
    trajectory = list(weights_along(net(), STEPS))
    expected = by_hand([trajectory[step] for step in snapshots(STEPS)])
    result = observed(net())
    assert result.steps.tolist() == snapshots(STEPS)
    assert result.width == 12
    for name, top_k in result.layers.items():
        np.testing.assert_allclose(top_k, expected[name].numpy(), atol=1e-13)
    for name, part in result.rest.items():
        assert part == pytest.approx(float(expected[name]), abs=1e-13)
    assert set(result.layers) == {"0.weight", "2.weight", "4.weight"}
    assert set(result.rest) == {"0.bias", "2.bias", "4.bias"}


def test_all_parts_sum_to_phi():
    result = observed(net())
    assert result.top_k[-1] + sum(result.rest.values()) == pytest.approx(result.phi[-1], rel=1e-13)
    assert result.profile[-1] == pytest.approx(result.phi[-1], rel=1e-13)
    np.testing.assert_allclose(result.curve[-1], result.top_k, rtol=1e-13)
    assert result.phi[0] == 0
    assert result.phi[-1] < 0


def test_the_loss_is_the_one_of_the_module_along_the_run():
    trajectory = list(weights_along(net(), STEPS))
    result = observed(net())
    expected = [float(functional_loss(trajectory[step])) for step in snapshots(STEPS)]
    np.testing.assert_allclose(result.loss, expected, rtol=1e-14)


def functional_loss(weights: dict[str, Tensor]) -> Tensor:
    x, y = examples()
    return F.cross_entropy(functional_call(net(), weights, (x,)), y)


def with_its_average(
    model: nn.Module, kind: type[TrajectoryObserver] = TrajectoryObserver
) -> tuple[WeightAverage, TrajectoryObserver]:
    average, observer = WeightAverage(CADENCE, model), kind(losses, cadence=CADENCE)
    observer.prepare(model)
    return average, observer


def watching_an_average(
    model: nn.Module, kind: type[TrajectoryObserver] = TrajectoryObserver
) -> tuple[TrajectoryObserver, Callable[[int], None]]:
    """An observer, and what keeps the average that it watches after each step."""
    average, observer = with_its_average(model, kind)

    def after(step: int) -> None:
        average.update(step)
        observer.step(average.weights, step)

    return observer, after


def test_the_average_is_watched_when_it_is_given():
    """Against the same average kept by hand."""
    model, config = net(), CADENCE
    observer, after = watching_an_average(model)
    trajectory = [copy_of(model)]
    raw = list(weights_along(net(), STEPS))
    for step, weights in enumerate(raw[1:]):
        alpha = config.decay(step)
        trajectory.append(
            {name: alpha * trajectory[-1][name] + (1 - alpha) * w for name, w in weights.items()}
        )
    sgd(model, STEPS, after=after)
    expected = by_hand([trajectory[step] for step in snapshots(STEPS)])
    result = observer.result()
    for name, top_k in result.layers.items():
        np.testing.assert_allclose(top_k, expected[name].numpy(), atol=1e-13)


class Checkpointed(nn.Sequential):
    """Computes the activations of each pair of modules again in the backward pass."""

    def forward(self, x: Tensor) -> Tensor:
        for first in range(0, len(self), 2):
            x = checkpoint(nn.Sequential.forward, self[first : first + 2], x, use_reentrant=False)
        return x


@pytest.mark.parametrize("kind", [TrajectoryObserver, SampleObserver])
def test_activation_checkpointing_changes_nothing(kind):
    """The average is far from the weights where the model stands outside of the observer."""
    found = []
    for model in (net(), Checkpointed(*net())):
        observer, after = watching_an_average(model, kind)
        sgd(model, STEPS, after=after)
        found.append(observer.result())
    plain, again = found
    assert set(again.layers) == {"0.weight", "2.weight", "4.weight"}
    for name, top_k in plain.layers.items():
        np.testing.assert_allclose(again.layers[name], top_k, rtol=1e-9, atol=1e-12)
    assert again.rest == pytest.approx(plain.rest, rel=1e-9)
    for name, values in plain.extra.items():
        np.testing.assert_allclose(again.extra[name], values, rtol=1e-7, atol=1e-12)


def test_batches_are_one_loss():
    """The mean over all examples, however they are cut, and the losses of all of them at the end."""
    x, y = examples()
    whole = observed(net())
    cut = TrajectoryObserver(losses, batches=[(x[:5], y[:5]), (x[5:], y[5:])], cadence=CADENCE)
    model = net()
    cut.prepare(model)
    sgd(model, STEPS, after=lambda step: cut.step())
    result = cut.result()
    np.testing.assert_allclose(result.top_k, whole.top_k, rtol=1e-12)
    np.testing.assert_allclose(result.loss, whole.loss, rtol=1e-13)
    assert result.example_losses.mean() == pytest.approx(whole.loss[-1], rel=1e-6)
    assert len(result.example_losses) == 16


@pytest.mark.parametrize("pause", [7, 10, 12])
def test_interrupted_equals_uninterrupted(pause):
    """Bit for bit, between two observations as well as at one."""
    model, observers = net(), [TrajectoryObserver(mean_loss, cadence=CADENCE)]
    observers[0].prepare(model)

    def after(step: int) -> None:
        observers[-1].step()
        if step == pause:
            state = observers[-1].state()
            observers.append(TrajectoryObserver(mean_loss, cadence=CADENCE))
            observers[-1].prepare(model)
            observers[-1].restore(state)

    sgd(model, STEPS, after=after)
    whole = observed(net()).to_arrays()
    for name, values in observers[-1].result().to_arrays().items():
        assert (values == whole[name]).all(), name


def test_interrupted_between_observations_and_asked_at_once():
    """The last interval is closed with the average that was watched, not with the weights of the model."""
    model = net()
    observer, after = watching_an_average(model)
    sgd(model, 8, after=after)
    assert observer._account.steps[-1] < 8
    again = TrajectoryObserver(losses, cadence=CADENCE)
    again.prepare(model)
    again.restore(observer.state())
    one, other = again.result().to_arrays(), observer.result().to_arrays()
    for name, values in other.items():
        assert (one[name] == values).all(), name


def test_interrupted_with_its_average_equals_uninterrupted():
    """Bit for bit: what was interrupted beside what was not."""
    model = net()
    pairs = [with_its_average(model)]

    def after(step: int) -> None:
        for average, observer in pairs:
            average.update(step)
            observer.step(average.weights, step)
        if step == 10:
            pairs.append(with_its_average(model))
            for part, whole in zip(*reversed(pairs), strict=True):
                part.restore(whole.state())

    sgd(model, STEPS, after=after)
    expected, again = (observer.result().to_arrays() for _, observer in pairs)
    for name, values in again.items():
        assert (values == expected[name]).all(), name


def test_an_average_of_another_model_is_refused():
    average = WeightAverage(CADENCE, net())
    with pytest.raises(ObserverError, match=r"other parameters than this average: 0\.bias is missing"):
        average.restore(WeightAverage(CADENCE, net(bias=False)).state())


def test_an_end_survives_an_interruption():
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE)
    observer.prepare(model)
    sgd(model, 9, after=lambda step: observer.step())
    kept, model[4] = model[4], nn.Linear(12, 4).double()
    with pytest.warns(ObservationWarning, match=r"4\.weight changed its shape"):
        observer.step()
    again = TrajectoryObserver(mean_loss, cadence=CADENCE)
    changed, state = TrajectoryObserver(mean_loss, cadence=CADENCE), observer.state()
    changed.prepare(model)
    with pytest.raises(ObserverError, match=r"other parameters than this observer: 4\.bias"):
        changed.restore(state)
    model[4] = kept
    again.prepare(model)
    again.restore(observer.state())
    again.step()
    assert again.result().stopped == observer.result().stopped
    np.testing.assert_array_equal(again.result().steps, observer.result().steps)


def test_a_result_reads_back_from_arrays():
    result = observed(net(), data="16 examples")
    again = TrajectoryResult.from_arrays(result.to_arrays())
    assert (again.width, again.rest, again.sides, again.data, again.stopped) == (
        result.width,
        result.rest,
        result.sides,
        "16 examples",
        None,
    )
    np.testing.assert_array_equal(again.profile, result.profile)
    np.testing.assert_array_equal(again.linearisation_error, result.linearisation_error)


def scaled_losses(model: nn.Module) -> Tensor:
    x, y = examples()
    return F.cross_entropy(model.scale * model(x), y, reduction="none")


@pytest.mark.parametrize("kind", [TrajectoryObserver, SampleObserver])
def test_a_scalar_is_a_part(kind):
    """As a vector of one entry is: temperatures, scales of residual branches."""
    parts = []
    for shape in ((), (1,)):
        model = net(bias=False)
        model.register_parameter("scale", nn.Parameter(torch.ones(shape, dtype=torch.float64)))
        observer = kind(scaled_losses, cadence=CADENCE)
        observer.prepare(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            scaled_losses(model).mean().backward()
            optimizer.step()
            observer.step()
        parts.append(observer.result().rest["scale"])
    assert parts[0] == pytest.approx(parts[1], rel=1e-12)
    assert parts[0] != 0


def test_a_matrix_of_another_size_counts_beyond_all_components():
    """At k = n, in profiles and along the run; a vector, which has one component, counts from k = 1 on."""
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 12), nn.Tanh(), nn.Linear(12, 3)).double()
    observer = TrajectoryObserver(mean_loss, cadence=CADENCE, width=12)
    with pytest.warns(ObservationWarning, match=r"^0\.weight: matrices without a side of length 12"):
        observer.prepare(model)
    sgd(model, STEPS, after=lambda step: observer.step())
    result = TrajectoryResult.from_arrays(observer.result().to_arrays())
    assert result.undecomposed == ["0.weight"]
    vectors = sum(part for name, part in result.rest.items() if name.endswith("bias"))
    np.testing.assert_allclose(result.profile[:-1], (result.top_k + vectors)[:-1])
    assert result.profile[-1] == pytest.approx(result.phi[-1], rel=1e-12)
    np.testing.assert_allclose(result.profile_curve[-1], result.profile)
    places = np.searchsorted(result.steps, result.profile_curve_steps)
    np.testing.assert_allclose(result.profile_curve[:, -1], result.phi[places], atol=1e-15)
    assert result.curve_steps[-1] == result.steps[-1]  # so that the last row has a second route
    np.testing.assert_allclose(result.curve[-1] + vectors, result.profile)


def test_running_statistics_are_named():
    """No weight moves, and the loss does: phi is 0, and looking more often would change nothing."""
    model = net()
    model.insert(1, nn.BatchNorm1d(12).double())
    observer = TrajectoryObserver(mean_loss, cadence=EMAConfig(0.0, 0.0, tau_start=1.0, tau_end=1.0))
    with pytest.warns(ObservationWarning, match=r"^1: running statistics"):
        observer.prepare(model)
    x, _ = examples()
    for _ in range(3):
        model(x)
        observer.step()
    with pytest.warns(LinearisationWarning, match="not follow the running statistics of 1"):
        result = observer.result()
    assert result.phi[-1] == 0
    assert result.loss[-1] != result.loss[0]


def test_a_loss_that_stands_still_while_phi_moves_is_unfaithful():
    result = observed(net())
    still = replace(result, loss=np.full_like(result.loss, 2.0))
    assert still.relative_error == math.inf
    assert not still.faithful
    assert replace(still, phi=np.zeros_like(result.phi)).relative_error == 0


def test_an_average_of_half_precision_arrives():
    """A step of 1/2000 of the way is less than bf16 tells apart; constant weights are their own average."""
    model = nn.Linear(4, 4, bias=False).to(torch.bfloat16)
    nn.init.ones_(model.weight)
    average = WeightAverage(EMAConfig(0.9995, 0.9995), model)
    nn.init.constant_(model.weight, 1.5)
    for step in range(2000):
        average.update(step)
    expected = 1.5 - 0.5 * 0.9995**2000
    assert average.weights["weight"].dtype == torch.float32
    assert average.weights["weight"].mean().item() == pytest.approx(expected, rel=1e-4)


def test_phi_of_a_model_in_half_precision():
    """The average moves by far less than bf16 tells apart between two looks: nothing is lost or gathered.

    Gradients in bf16 err by 2^-9 each; a residue of rounded snapshots would be of the size of phi itself.
    """
    found = []
    for dtype in (torch.bfloat16, torch.float64):
        model = net(dtype=torch.bfloat16).to(dtype)
        x, y = examples(dtype=torch.bfloat16)
        observer = TrajectoryObserver(
            lambda model, x=x, y=y, dtype=dtype: F.cross_entropy(model(x.to(dtype)).double(), y),
            cadence=EMAConfig(0.0, 0.0, tau_start=1.0, tau_end=1.0),
            on_problem="record",
        )
        observer.prepare(model)
        weights = {name: weight.detach().float() for name, weight in model.named_parameters()}
        for step in range(20):
            for index, weight in enumerate(weights.values()):
                weight += 1e-5 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(index))
            observer.step(weights, step)
        found.append(observer.result())
    half, double = found
    assert half.phi[-1] == pytest.approx(double.phi[-1], rel=0.02)
    np.testing.assert_allclose(half.profile, double.profile, atol=0.02 * np.abs(double.profile).max())


@pytest.mark.parametrize("kind", [TrajectoryObserver, SampleObserver])
def test_autocast_of_the_user_stays_out_of_the_decomposition(kind):
    """Losses and gradients may be in half precision, their products are not; here no gradient is."""
    found = []
    for enabled in (False, True):
        model = net(dtype=torch.float32)
        observer = kind(single_losses, cadence=CADENCE, on_problem="record")
        observer.prepare(model)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.01)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            observer.step()
            found.append(observer.result())
    np.testing.assert_array_equal(found[0].top_k, found[1].top_k)
    for name, values in found[0].extra.items():
        np.testing.assert_array_equal(found[1].extra[name], values)


def single_losses(model: nn.Module) -> Tensor:
    return losses(model, *examples(dtype=torch.float32))


def test_the_curve_keeps_few_points_and_the_order():
    result = observed(net(), steps=200, cadence=EMAConfig(0.0, 0.0, tau_start=1.0, tau_end=1.0))
    assert len(result.steps) == 201
    assert 32 <= len(result.curve_steps) <= 65
    assert set(np.diff(result.curve_steps)) == {4}
    assert result.curve_steps[0] == 0


def smooth_run(tau: float, **options: object) -> TrajectoryResult:
    """Gradient descent on the observed loss itself, looked at every tau steps."""
    model, cadence = net(), EMAConfig(0.0, 0.0, tau_start=tau, tau_end=tau)
    observer = TrajectoryObserver(mean_loss, cadence=cadence, **options)
    observer.prepare(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        mean_loss(model).backward()
        optimizer.step()
        observer.step()
    return observer.result()


def test_the_linearisation_error_is_of_first_order_in_the_interval():
    """Of second order in a step, of which there are 1/tau as many: ten times longer intervals, ten times the
    error, up to the next order."""
    errors = [smooth_run(tau).relative_error for tau in (1.0, 10.0)]
    assert errors[1] / errors[0] == pytest.approx(10, rel=0.15)


def test_a_linearisation_that_fails_is_warned_of():
    assert smooth_run(1.0).faithful
    with pytest.warns(LinearisationWarning, match="observe more often"):
        assert not smooth_run(10.0, tolerance=1e-3).faithful


def test_looking_changes_nothing_in_the_model():
    """Neither weights nor gradients nor modes: the run is the same with and without."""
    model, alone = net(), net()
    model.insert(1, nn.Dropout(0.0))
    observer = TrajectoryObserver(mean_loss, cadence=CADENCE)
    observer.prepare(model)
    sgd(model, 10, after=lambda step: observer.step())
    sgd(alone, 10)
    for weight, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert (weight == other).all()
    assert all(module.training for module in model.modules())


def test_a_frozen_parameter_is_no_part():
    model = net()
    model[2].weight.requires_grad_(False)
    assert set(observed(model).layers) == {"0.weight", "4.weight"}


def test_a_parameter_frozen_on_the_way_stands_still():
    """Against the loop written out, whose update of it is zero from then on."""
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE, on_problem="raise")
    observer.prepare(model)
    trajectory = [copy_of(model)]

    def after(step: int) -> None:
        trajectory.append(copy_of(model))
        observer.step()
        if step == 9:
            model[2].weight.requires_grad_(False)
            model[2].weight.grad = None

    sgd(model, STEPS, after=after)
    assert (trajectory[10]["2.weight"] == trajectory[-1]["2.weight"]).all()
    expected = by_hand([trajectory[step] for step in snapshots(STEPS)])
    for name, top_k in observer.result().layers.items():
        np.testing.assert_allclose(top_k, expected[name].numpy(), atol=1e-13)


def test_a_tied_parameter_counts_once():
    model = net(bias=False)
    model.append(nn.Linear(3, 12, bias=False).double())
    model.append(nn.Linear(12, 3, bias=False).double())
    model[6].weight = model[4].weight
    result = observed(model)
    assert list(result.layers) == ["0.weight", "2.weight", "4.weight", "5.weight"]
    assert result.profile[-1] == pytest.approx(result.phi[-1], rel=1e-12)


def test_a_convolution_is_a_matrix_of_its_channels():
    model = nn.Sequential(
        nn.Conv1d(2, 6, 2), nn.Flatten(), nn.ReLU(), nn.Linear(24, 6), nn.ReLU(), nn.Linear(6, 3)
    )
    x = torch.randn(4, 2, 5, generator=torch.Generator().manual_seed(0))
    observer = TrajectoryObserver(
        lambda model: F.cross_entropy(model(x), torch.arange(4) % 3), cadence=CADENCE
    )
    observer.prepare(model)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.01)
    observer.step()
    result = observer.result()
    assert result.sides == {"0.weight": "rows", "3.weight": "rows", "5.weight": "columns"}
    assert result.profile[-1] == pytest.approx(result.phi[-1], rel=1e-5)


# What goes wrong.


def test_attached_twice():
    observer = TrajectoryObserver(mean_loss)
    with pytest.raises(ObserverError, match="prepare"):
        observer.step()
    observer.prepare(net())
    with pytest.raises(ObserverError, match="attached already"):
        observer.prepare(net())
    observer.detach()
    observer.prepare(net())


def test_steps_at_which_nobody_looks_may_be_left_out():
    """As a pack does, which calls its observers at the cadence and at the end only."""
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE)
    observer.prepare(model)

    def after(step: int) -> None:
        if CADENCE.is_snapshot(step) or step == STEPS - 1:
            observer.step(step=step)

    sgd(model, STEPS, after=after)
    whole = observed(net())
    result = observer.result()
    np.testing.assert_array_equal(result.top_k, whole.top_k)
    np.testing.assert_array_equal(result.steps, whole.steps)


def test_a_changed_shape_ends_the_trajectory_and_not_the_run():
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE)
    observer.prepare(model)
    sgd(model, 9, after=lambda step: observer.step())
    model[4] = nn.Linear(12, 4).double()
    with pytest.warns(ObservationWarning, match=r"4\.weight changed its shape from \(3, 12\) to \(4, 12\)"):
        observer.step()
    observer.step()  # said once
    result = observer.result()
    assert "after step 9" in result.stopped
    whole = observed(net(), steps=int(result.steps[-1]))
    np.testing.assert_array_equal(result.top_k, whole.top_k)
    assert result.example_losses.size == 0


def test_a_vanished_parameter():
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE, on_problem="raise")
    observer.prepare(model)
    model[2] = nn.Identity()
    with pytest.raises(ParameterChangedError, match=r"2\.weight has vanished"):
        observer.step()
    other = TrajectoryObserver(mean_loss, on_problem="raise")
    other.prepare(net())
    with pytest.raises(ParameterChangedError, match=r"0\.weight has vanished"):
        other.step({})


def test_a_new_parameter():
    model, observer = net(), TrajectoryObserver(mean_loss, on_problem="raise")
    observer.prepare(model)
    model.append(nn.Linear(3, 3).double())
    with pytest.raises(ParameterChangedError, match=r"5\.weight has come"):
        observer.step()


def test_a_parameter_unfrozen_on_the_way_is_named_so():
    """One that was frozen at the start; one that was not may be frozen and trained again."""
    model, observer = net(), TrajectoryObserver(mean_loss, on_problem="raise")
    model[0].bias.requires_grad_(False)
    observer.prepare(model)
    for trained in (False, True):
        model[2].weight.requires_grad_(trained)
        observer.step()
    model[0].bias.requires_grad_(True)
    with pytest.raises(
        ParameterChangedError, match=r"0\.bias, .* not frozen at prepare, is trained after step 2"
    ):
        observer.step()


def test_a_gradient_that_is_not_finite_ends_the_trajectory():
    """What was summed before stays; steps afterwards change nothing; strict raises."""
    model, observer = net(), TrajectoryObserver(mean_loss, cadence=CADENCE)
    observer.prepare(model)
    sgd(model, 9, after=lambda step: observer.step())
    before = observer.result()
    with torch.no_grad():
        model[0].weight[0, 0] = math.nan
    with pytest.warns(ObservationWarning, match="not finite, or too large, between steps 9 and"):
        several(observer)
    result = observer.result()
    assert result.stopped == "the gradient or the update is not finite, or too large, after step 9"
    np.testing.assert_array_equal(result.steps, before.steps)
    np.testing.assert_array_equal(result.top_k, before.top_k)
    assert np.isfinite(result.phi).all()
    strict = TrajectoryObserver(mean_loss, cadence=CADENCE, on_problem="raise")
    strict.prepare(model)
    with pytest.raises(NonFiniteError):
        several(strict)


def several(observer: TrajectoryObserver) -> None:
    """Steps enough for an observation."""
    for _ in range(6):
        observer.step()


def test_a_model_without_a_common_width_asks_for_it():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 6))
    with pytest.raises(DomainError, match="width=n"):
        TrajectoryObserver(mean_loss).prepare(model)
    observer = TrajectoryObserver(lambda model: model(torch.ones(2, 3)).sum(), width=5)
    with pytest.warns(ObservationWarning, match=r"^0\.weight: matrices without a side of length 5"):
        observer.prepare(model)
    assert [matrix.name for matrix in observer.parts.matrices] == ["1.weight", "2.weight"]
