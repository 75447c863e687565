"""Members with constants of their own: each is the run that it would be alone, and the run of torch.optim."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sims.data import epoch_batches
from sims.schedules import schedule_factor
from sims.settings import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MuonConfig,
    OptimizerConfig,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
    Training,
)
from sims.settings.schedules import ScheduleConfig
from sims.train import Member, Pack, train_pack
from tests.sims.small import ADAM, MOMENTUM, digits, training

AXES = [
    (ADAM, "beta1", (0.0, 0.5, 0.9)),
    (ADAM, "beta2", (0.9, 0.95, 0.999)),
    (ADAM, "weight_decay", (0.0, 0.1, 10.0)),
    (replace(ADAM, independent_decay=True), "weight_decay", (0.0, 1e-3, 0.1)),
    (MOMENTUM, "momentum", (0.0, 0.5, 0.9)),
    (MOMENTUM, "weight_decay", (0.0, 1e-3, 0.1)),
]
MATRIX_AXES = [
    (MuonConfig(nesterov=True), "momentum", (0.0, 0.8, 0.95)),
    (MuonConfig(constant_decay=True), "weight_decay", (0.0, 1e-3, 0.0123)),
    (AdaMuonConfig(), "momentum", (0.0, 0.8, 0.95)),
    (AdaMuonConfig(), "beta2", (0.8, 0.9, 0.95)),
    (DionConfig(), "mu", (0.0, 0.8, 0.95)),
    (ShampooConfig(interval=3), "momentum", (0.0, 0.8, 0.95)),
    (ShampooConfig(graft=ADAM), "beta2", (0.8, 0.9, 0.95)),
    (SOAPConfig(interval=3), "beta1", (0.0, 0.8, 0.95)),
    (SOAPConfig(spectral_norm=True, block=16), "beta2", (0.8, 0.9, 0.95)),
]
CASES = [(32, *case) for case in (*AXES, *MATRIX_AXES)] + [(256, *case) for case in AXES]
Config = AdamConfig | SGDConfig


def name(value: object) -> str:
    if isinstance(value, OptimizerConfig):
        return value.name + ("-independent" if getattr(value, "independent_decay", False) else "")
    return str(value)


@pytest.mark.parametrize(("width", "optimizer", "axis", "values"), CASES, ids=name)
def test_a_member_with_a_constant_of_its_own_is_the_run_that_it_would_be_alone(
    optimizer, axis, values, width
):
    """Bit for bit, as a lone member and as a setting of its own; and the constant makes a difference. Adam
    broadcasts members at width 32, and has a kernel for each at 256.
    """
    config = training(optimizer, epochs=1)
    pack = [Member(2.0**-7, seed, ((axis, value),)) for seed in (0, 1) for value in values]
    outcomes = train_pack(config, width, pack, digits())
    for member, outcome in zip(pack, outcomes, strict=True):
        assert train_pack(config, width, [member], digits()) == [outcome]
        own = training(replace(optimizer, **dict(member.hps)), epochs=1)
        assert train_pack(own, width, [Member(member.lr, member.seed)], digits()) == [outcome]
    assert len({outcome.loss for outcome in outcomes}) == len(outcomes)


SCHEDULES = [
    ScheduleConfig("wsd", warmup=0.25, cooldown=0.5),
    ScheduleConfig("cosine", warmup=0.25, cooldown=0.0),
    ScheduleConfig("linear", warmup=0.0, cooldown=0.0),
    ScheduleConfig("constant", warmup=0.0, cooldown=0.0),
]
CONSTANTS: list[tuple[Config, tuple[tuple[str, float], ...]]] = [
    (ADAM, (("beta1", 0.5), ("beta2", 0.97), ("weight_decay", 3.0))),
    (MOMENTUM, (("momentum", 0.5), ("weight_decay", 0.1))),
]


def plain_losses(config: Training, member: Member) -> list[float]:
    """The batch losses of one network of nn.Linear at the muP base, where all rules are 1, by torch.optim."""
    task, width = digits(torch.float64), config.base_width
    start, data, constants = Pack(config, width, [member], task).model, task.data, dict(member.hps)
    net = nn.Sequential(
        nn.Linear(data.features, width, bias=False), nn.ReLU(), nn.Linear(width, data.classes, bias=False)
    ).double()
    with torch.no_grad():
        net[0].weight.copy_(start.hidden.weight[0])
        net[2].weight.copy_(start.readout.weight[0])
    rule: torch.optim.Optimizer
    if isinstance(config.optimizer, AdamConfig):
        betas = constants["beta1"], constants["beta2"]
        decay = constants["weight_decay"]
        rule = torch.optim.AdamW(
            net.parameters(), member.lr, betas, config.optimizer.epsilon, weight_decay=decay
        )
    else:
        rule = torch.optim.SGD(net.parameters(), member.lr, **constants)
    shape, losses = config.schedule, []
    batches = epoch_batches([member.seed], 0, len(data.train_y), config.batch_size)[:, 0]
    for step, batch in enumerate(batches):
        factor = schedule_factor(shape.name, step, len(batches), warmup=shape.warmup, cooldown=shape.cooldown)
        for group in rule.param_groups:
            group["lr"] = member.lr * factor
        loss = F.cross_entropy(net(data.train_x[batch]), data.train_y[batch])
        rule.zero_grad()
        loss.backward()
        rule.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.name)
@pytest.mark.parametrize(("optimizer", "constants"), CONSTANTS, ids=lambda value: getattr(value, "name", ""))
def test_one_member_equals_torch_optim_under_every_schedule(optimizer, constants, schedule):
    """In float64, beside a member with other constants: a few roundings of 1e-16 a step, 9 steps."""
    config = replace(training(optimizer, epochs=1), schedule=schedule, evaluations=9)
    member = Member(2.0**-7, 1, constants)
    other = Member(2.0**-5, 1, tuple((key, value / 2) for key, value in constants))
    outcome = train_pack(config, config.base_width, [other, member], digits(torch.float64))[1]
    assert outcome.train_loss_curve == pytest.approx(plain_losses(config, member), rel=1e-13)
