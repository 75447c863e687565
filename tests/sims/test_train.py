"""The trainer: a member against a plain loop, packs against each other, shared streams, divergence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from hptheory.errors import DomainError
from sims.data import epoch_batches
from sims.evaluation import evaluate
from sims.models import mlp, two_layer_step
from sims.schedules import schedule_factor
from sims.settings import AdamConfig, SGDConfig, Training, get_setting
from sims.step_cost import step_cost
from sims.tasks import ClassificationTask, load_task
from sims.train import Member, Pack, train_pack, train_step
from tests.sims.small import ADAM, MOMENTUM, digits, images, training

RATES = {"adam": (2.0**-9, 2.0**-7, 2.0**-5), "sgd": (2.0**-8, 2.0**-6, 2.0**-4)}


def members(optimizer: AdamConfig | SGDConfig, seeds: tuple[int, ...] = (0, 1)) -> list[Member]:
    return [Member(lr, seed) for seed in seeds for lr in RATES[optimizer.name]]


def plain_run(
    config: Training, width: int, member: Member, task: ClassificationTask
) -> tuple[list[float], float]:
    """One nn.Module, torch.optim, a loop: the batch losses and the final validation loss.

    The muP rules are written out here: relative to width 32, the readout starts at 32/width, and its rate is
    32/width of the hidden layer's for Adam, whose epsilon follows 1/width on the hidden layer; SGD's rates
    are width/32 and 32/width.
    """
    start, data = Pack(config, width, [member], task).model, task.data
    net = nn.Sequential(
        nn.Linear(data.features, width, bias=False), nn.ReLU(), nn.Linear(width, data.classes, bias=False)
    ).to(data.train_x.dtype)
    with torch.no_grad():
        net[0].weight.copy_(start.hidden.weight[0])
        net[2].weight.copy_(start.readout.weight[0])
    r, optimizer = width / config.base_width, config.optimizer
    layers = [net[0].weight, net[2].weight]
    if isinstance(optimizer, AdamConfig):
        groups = [
            {"params": [w], "lr": member.lr * lr, "eps": optimizer.epsilon * eps}
            for w, lr, eps in zip(layers, (1, 1 / r), (1 / r, 1), strict=True)
        ]
        rule = torch.optim.Adam(groups, betas=(optimizer.beta1, optimizer.beta2))
    else:
        groups = [{"params": [w], "lr": member.lr * lr} for w, lr in zip(layers, (r, 1 / r), strict=True)]
        rule = torch.optim.SGD(groups, momentum=optimizer.momentum)
    steps = config.epochs * (len(data.train_y) // config.batch_size)
    shape = config.schedule
    factor = lambda step: schedule_factor(  # noqa: E731
        shape.name, min(step, steps - 1), steps, warmup=shape.warmup, cooldown=shape.cooldown
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(rule, factor)
    losses = []
    for epoch in range(config.epochs):
        for batch in epoch_batches([member.seed], epoch, len(data.train_y), config.batch_size)[:, 0]:
            loss = F.cross_entropy(net(data.train_x[batch]), data.train_y[batch])
            rule.zero_grad()
            loss.backward()
            rule.step()
            schedule.step()
            losses.append(loss.item())
    with torch.no_grad():
        return losses, F.cross_entropy(net(data.validation_x), data.validation_y).item()


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM], ids=lambda config: config.name)
def test_one_member_equals_a_plain_loop(optimizer, width):
    """In float64: a few roundings of 1e-16 a step, 18 steps."""
    task, config = digits(torch.float64), training(optimizer)
    pack = members(optimizer)
    outcomes = train_pack(config, width, pack, task)
    for index in (0, 4):
        losses, final = plain_run(config, width, pack[index], task)
        per_epoch = torch.tensor(losses, dtype=torch.float64).view(config.epochs, -1).mean(1).tolist()
        assert outcomes[index].train_loss_curve == pytest.approx(per_epoch, rel=1e-13)
        assert outcomes[index].loss == pytest.approx(final, rel=1e-13)


@pytest.mark.parametrize(
    ("large", "cached"),
    [(mlp.LARGE, two_layer_step.CACHED_NUMBERS), (mlp.LARGE, 2 * 32 * 50), (1, 1)],
    ids=["at once", "in parts", "one by one"],
)
@pytest.mark.parametrize("width", [32, 50, 256])
@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM], ids=lambda config: config.name)
def test_packs_of_one_width_differ_in_nothing_from_a_single_pack(
    monkeypatch, optimizer, width, large, cached
):
    """Bit for bit, down to a lone member, also at a width that is no multiple of 8."""
    monkeypatch.setattr(mlp, "LARGE", large)
    monkeypatch.setattr(two_layer_step, "CACHED_NUMBERS", cached)
    config, pack = training(optimizer, epochs=1), members(optimizer)
    whole = train_pack(config, width, pack, digits())
    for size in (1, 2, 5):
        parts = [train_pack(config, width, pack[i : i + size], digits()) for i in range(0, len(pack), size)]
        assert [outcome for part in parts for outcome in part] == whole


@pytest.mark.parametrize("width", [16, 48])
@pytest.mark.parametrize("name", ["llama_adam", "llama_muon", "gpt2_adam"])
def test_packs_of_transformers_differ_in_nothing_from_a_single_pack(name, width):
    """Bit for bit, down to a lone member."""
    config = replace(get_setting(name, "smoke").training, steps=6)
    task, pack = load_task(config.task), [Member(lr, seed) for seed in (0, 1) for lr in (2**-8, 2**-6)]
    whole = train_pack(config, width, pack, task)
    for size in (1, 3):
        parts = [train_pack(config, width, pack[i : i + size], task) for i in range(0, len(pack), size)]
        assert [outcome for part in parts for outcome in part] == whole


@pytest.mark.parametrize("name", ["llama_adam", "gpt2_adam"])
def test_the_cost_of_a_transformer_is_that_of_its_products(name):
    """By the count of the step's own operations, in which attention's scores come on top; no tables."""
    config = replace(get_setting(name, "smoke").training, steps=2)
    task, width = load_task(config.task), 64
    outcome = train_pack(config, width, [Member(2**-8, 0)], task)[0]
    counted = step_cost(config, width, 1, task).flops * config.steps
    tables = 6 * task.positions * config.batch_size * config.steps * width * 300
    assert 0.9 * counted < outcome.cost < counted
    assert outcome.cost + tables > 1.02 * counted


def test_threads_differ_in_nothing():
    config, pack, threads = training(), members(ADAM), torch.get_num_threads()
    try:
        outcomes = []
        for count in (1, 2):
            torch.set_num_threads(count)
            outcomes.append(
                train_pack(config, 64, pack, digits()) + train_pack(config, 64, pack[:1], digits())
            )
    finally:
        torch.set_num_threads(threads)
    assert outcomes[0] == outcomes[1]


def test_members_of_a_seed_share_initial_weights():
    model = Pack(training(), 64, members(ADAM), digits()).model
    for weight in model.parameters():
        assert (weight[0] == weight[1]).all()
        assert (weight[3] == weight[4]).all()
        assert not (weight[0] == weight[3]).any()


def test_members_of_a_seed_share_batches():
    """At rates of nearly zero, members of a seed have the same batch losses; another seed has others."""
    tiny = [Member(1e-30, 0), Member(2e-30, 0), Member(1e-30, 1)]
    first, second, other = (
        outcome.train_loss_curve for outcome in train_pack(training(), 32, tiny, digits())
    )
    assert first == second
    assert first[0] != other[0]


def test_a_seed_sees_the_same_batches_at_every_width():
    batches = epoch_batches([0, 1], epoch=3, examples=300, batch_size=32)
    assert (batches[:, 1:] == epoch_batches([1], epoch=3, examples=300, batch_size=32)).all()


def test_divergence_is_recorded_and_disturbs_nobody():
    calm = members(MOMENTUM)
    outcomes = train_pack(training(MOMENTUM), 32, [*calm[:2], Member(1e30, 0), *calm[2:]], digits())
    diverged = outcomes.pop(2)
    assert outcomes == train_pack(training(MOMENTUM), 32, calm, digits())
    assert diverged.diverged
    assert (diverged.loss, diverged.train_loss, diverged.accuracy) == (math.inf, math.inf, None)
    assert 2 <= diverged.last_step <= 4  # the first loss precedes the first update
    assert diverged.loss_curve == (math.inf, math.inf)
    assert not any(outcome.diverged for outcome in outcomes)


def test_divergence_in_the_last_step_is_seen_by_the_final_evaluation():
    """One step only: its loss precedes the update, so that every batch loss is finite."""
    data = replace(images(), train_x=images().train_x[:32], train_y=images().train_y[:32])
    task = ClassificationTask(data)
    outcome = train_pack(training(MOMENTUM, epochs=1), 32, [Member(1e38, 0)], task)[0]
    assert outcome.diverged
    assert outcome.last_step == 1
    assert math.isfinite(outcome.train_loss_curve[0])


def test_losses_fall_and_curves_are_labelled():
    outcome = train_pack(training(epochs=3), 64, [Member(2.0**-6, 0)], digits())[0]
    assert outcome.curve_steps == (9, 18, 27)
    assert outcome.last_step == 27
    assert outcome.loss_curve[-1] == outcome.loss
    # Ten classes: log(10) nats at the start; the digits are easy enough to halve that in 27 steps.
    assert outcome.loss < math.log(10) / 2
    assert outcome.accuracy > 0.7
    assert outcome.cost == 6 * (64 * 64 + 64 * 10) * 32 * 27


def test_evaluation_is_the_mean_over_all_examples():
    """597 examples are two chunks; the second route takes all at once (float64: rounding only)."""
    task = digits(torch.float64)
    model, data = Pack(training(), 32, members(ADAM), task).model, task.data
    loss, accuracy = evaluate(model, task)
    logits = model(data.validation_x.expand(6, -1, -1))
    expected = [F.cross_entropy(member, data.validation_y).item() for member in logits]
    assert loss.tolist() == pytest.approx(expected, rel=1e-12)
    hits = (logits.argmax(-1) == data.validation_y).double().mean(1)
    assert accuracy.tolist() == pytest.approx(hits.tolist(), rel=1e-12)


class Synchronisations(TorchDispatchMode):
    """Counts operations for which the host waits: reading a number, shapes that depend on data."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.overloadpacket in (
            torch.ops.aten._local_scalar_dense,
            torch.ops.aten.nonzero,
            torch.ops.aten.masked_select,
        )
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM], ids=lambda config: config.name)
def test_no_synchronisation_inside_a_step(optimizer):
    pack = Pack(training(optimizer), 32, members(optimizer), digits())
    batch = digits().batch(8, pack.seeds, 32)
    with Synchronisations() as seen:
        pack.advance(8)  # the evaluation is after the ninth step
        assert seen.count == 0
        float(train_step(pack.gradients, pack.optimizer, batch).sum())
    assert seen.count == 1  # the counter does object to a number that is read


def test_progress_is_reported():
    seen: list[tuple[int, int]] = []
    report = lambda step, steps: seen.append((step, steps))  # noqa: E731
    train_pack(training(epochs=3), 32, members(ADAM), digits(), on_progress=report)
    assert seen == [(9, 27), (18, 27), (27, 27)]


def test_bad_packs():
    with pytest.raises(DomainError, match="members"):
        train_pack(training(), 32, [], digits())
    with pytest.raises(DomainError, match="batch_size = 301"):
        train_pack(replace(training(), batch_size=301), 32, members(ADAM), digits())


@pytest.mark.parametrize("lrs", [RATES["sgd"], (2.0**-8, 1e30, 2.0**-4), (1e30, 1e30 / 2, 2.0**-4)])
@pytest.mark.parametrize("optimizer", [ADAM, MOMENTUM], ids=lambda config: config.name)
@pytest.mark.parametrize("stop", [1, 9, 13])
def test_restored_equals_uninterrupted(optimizer, stop, lrs):
    """Bit for bit, in the middle of an epoch, at its end, and with members that diverged before."""
    config, pack = training(optimizer), [Member(lr, 0) for lr in lrs]
    stopped = Pack(config, 50, pack, digits())
    stopped.advance(stop)
    state = {name: tensor.clone() for name, tensor in stopped.state().items()}
    stopped.advance(100)
    resumed = Pack(config, 50, pack, digits())
    resumed.restore(state)
    resumed.advance(100)
    assert resumed.outcomes() == stopped.outcomes() == train_pack(config, 50, pack, digits())
    torch.testing.assert_close(resumed.state(), stopped.state(), rtol=0, atol=0, equal_nan=True)


def test_diverged_members_are_dropped():
    pack = Pack(training(MOMENTUM), 32, [Member(2.0**-8, 0), Member(1e30, 0), Member(2.0**-6, 1)], digits())
    pack.advance(9)
    assert pack.running == [0, 2]
    assert all(len(parameter) == 2 for parameter in pack.model.parameters())
    everyone = Pack(training(MOMENTUM), 32, [Member(1e30, 0), Member(1e31, 0)], digits())
    everyone.advance(18)
    assert everyone.running == []
    assert all(outcome.diverged and outcome.last_step < 9 for outcome in everyone.outcomes())


def test_members_have_their_own_constants():
    """A pack over beta1 gives what a setting with that beta1 gives: rounding only, in float64."""
    values, task = (0.5, 0.9), digits(torch.float64)
    pack = [Member(2.0**-7, 0, (("beta1", value),)) for value in values]
    outcomes = train_pack(training(), 32, pack, task)
    for value, outcome in zip(values, outcomes, strict=True):
        alone = train_pack(training(replace(ADAM, beta1=value)), 32, [Member(2.0**-7, 0)], task)[0]
        assert outcome.loss == pytest.approx(alone.loss, rel=1e-12)
    assert outcomes[0].loss != pytest.approx(outcomes[1].loss, rel=1e-3)


def test_the_average_is_that_of_the_weights():
    """The second route: all weights along the run, averaged with explicit coefficients at the end."""
    config, task = training(), digits(torch.float64)
    pack = Pack(config, 32, members(ADAM), task)
    path = [pack.model.hidden.weight.detach().clone()]
    for _ in range(18):
        pack.advance(1)
        path.append(pack.model.hidden.weight.detach().clone())
    alphas = [config.ema.decay(step) for step in range(18)]
    shares = [(1 - alpha) * math.prod(alphas[step + 1 :]) for step, alpha in enumerate(alphas)]
    expected = math.prod(alphas) * path[0] + sum(s * w for s, w in zip(shares, path[1:], strict=True))
    # 18 roundings of 1e-16 relative to weights of order one.
    torch.testing.assert_close(pack.ema.weights["hidden.weight"], expected, rtol=1e-13, atol=1e-14)
    assert all(outcome.ema_loss != outcome.loss for outcome in pack.outcomes())


class Watching:
    """An observer that notes what it is called with."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.members: list[int] = []

    def prepare(self, model: nn.Module) -> None:
        self.names = [name for name, _ in model.named_parameters()]

    def detach(self) -> None:
        self.steps = []

    def step(self, weights: dict[str, torch.Tensor], step: int) -> None:
        assert list(weights) == self.names
        self.steps.append(step)
        self.members.append(len(weights["hidden.weight"]))

    def select(self, kept: torch.Tensor) -> None:
        self.kept = kept.tolist()

    def state(self) -> dict[str, torch.Tensor]:
        return {"steps": torch.tensor(self.steps)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        self.steps = state["steps"].tolist()


def test_observers_see_the_snapshots():
    config, watching = training(MOMENTUM), Watching()
    runs = [Member(1e30, 0), Member(2.0**-8, 0), Member(2.0**-8, 1)]
    pack = Pack(config, 32, runs, digits(), observers=[watching])
    pack.advance(10)
    assert watching.kept == [1, 2]
    again = Watching()
    resumed = Pack(config, 32, runs, digits(), observers=[again])
    resumed.restore(pack.state())
    resumed.advance(8)
    assert again.steps == [step for step in range(18) if config.ema.is_snapshot(step) or step == 17]
    assert watching.members == [3] * sum(step < 9 for step in watching.steps) + [2] * sum(
        step >= 9 for step in watching.steps
    )
