"""Optimizers of matrices in the trainer: who trains what, at which rate, epsilon and decay; runs go on
exactly.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from functools import partial

import pytest
import torch
from torch import nn

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import scaling_rule
from sims.errors import NotAMatrixError
from sims.models import build_model, scaled_parameters
from sims.models.build import rule_of_role
from sims.models.transformer import StackedTransformer
from sims.optim import SOAP, Adam, Muon, Shampoo, ShampooRule
from sims.optim.build import build_optimizer, set_rates
from sims.optim.build_matrix import rule_of_config
from sims.optim.scaling import composite_rule
from sims.optim.together import Together
from sims.settings import (
    AdamConfig,
    AdaMuonConfig,
    DionConfig,
    MuonConfig,
    Setting,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
    get_setting,
)
from sims.settings.optimizers import MATRIX_CONFIGS
from sims.settings.transformers import LlamaConfig
from sims.tasks import load_task
from sims.train import Member, Pack, train_pack
from tests.sims.optim.small import gradients

CONFIGS = [
    MuonConfig(momentum=0.9, weight_decay=0.01),
    MuonConfig(shape_factor="mup", adam_lr=0.0),
    DionConfig(max_rank=8),
    ShampooConfig(block=32, graft=AdamConfig(), interval=3),
    ShampooConfig(exponents=(0.5, 0.5), spectral_norm=True),
    SOAPConfig(sides=(1, 0), block=16, interval=2),
    AdaMuonConfig(graft=MuonConfig()),
]
MEMBERS = (Member(0.01, 0), Member(0.02, 0))
NAMES = [f"{config.name}-{index}" for index, config in enumerate(CONFIGS)]


def training_with(config, **changes):
    smoke = get_setting("digits", "smoke")
    return replace(smoke.training, optimizer=config, epochs=1, evaluations=2, **changes)


@pytest.fixture(scope="module")
def task():
    return load_task(training_with(AdamConfig()).task)


def built(config, task, width=64, members=MEMBERS, **changes):
    training = training_with(config, **changes)
    model = build_model(training, width, [member.seed for member in members], task)
    return model, build_optimizer(training, model, members)


def test_hidden_matrices_have_muon_and_the_rest_has_adam(task):
    model, optimizer = built(MuonConfig(adam_lr=0.5), task, width=64)
    hidden, readout = scaled_parameters(model)
    matrices, rest = optimizer.parts
    assert [group["params"] for group in matrices.param_groups] == [[hidden.parameter]]
    assert [group["params"] for group in rest.param_groups] == [[readout.parameter]]
    # base width 32, width 64: the hidden layer's d_out doubles, the readout's d_in does
    torch.testing.assert_close(
        matrices.param_groups[0]["peak_lr"].flatten(), torch.tensor([0.01, 0.02]) * 2**0.5
    )
    assert rest.param_groups[0]["peak_lr"].flatten().tolist() == [0.25, 0.25]


def test_a_named_shape_factor_takes_the_place_of_the_ratio(task):
    _, optimizer = built(MuonConfig(shape_factor="mup"), task, width=64)
    torch.testing.assert_close(optimizer.param_groups[0]["peak_lr"].flatten(), torch.tensor([0.01, 0.02]))
    assert optimizer.param_groups[0]["shape_factor"] == "mup"


def test_epsilons_follow_the_rules_of_the_parts(task):
    config = ShampooConfig(damping="absolute", graft=AdamConfig(epsilon=1e-4), epsilon=1e-2, block=32)
    group = built(config, task, width=64)[1].param_groups[0]
    sizes = {"base_d_in": 64, "base_d_out": 32}
    shampoo = scaling_rule("shampoo", 64, 64, **sizes, block=32)
    assert group["eps"] == 1e-2 * shampoo.epsilon
    assert group["graft_eps"] == 1e-4 * scaling_rule("adam", 64, 64, **sizes).epsilon
    grafted = scaling_rule("shampoo", 64, 64, **sizes, block=32, graft="adam")
    assert group["graft_norm_eps"] == pytest.approx(1e-16 * grafted.epsilon)
    assert (group["peak_lr"] == torch.tensor([0.01, 0.02]).view(2, 1, 1) * grafted.lr).all()


def test_decay_is_independent_scheduled_and_scaled_by_width(task):
    for constant, ratio in ((False, 0.5), (True, 1.0)):
        _, optimizer = built(MuonConfig(weight_decay=0.1, constant_decay=constant), task, width=64)
        set_rates(optimizer, 0.25)
        assert optimizer.param_groups[0]["weight_decay"] == pytest.approx(0.1 * ratio * 0.25)
        torch.testing.assert_close(
            optimizer.param_groups[0]["lr"], 0.25 * optimizer.param_groups[0]["peak_lr"]
        )


def test_members_may_have_constants_of_their_own(task):
    members = [Member(0.01, 0, (("momentum", 0.5), ("weight_decay", 0.2))), Member(0.01, 0)]
    _, optimizer = built(MuonConfig(momentum=0.9), task, members=members)
    group = optimizer.param_groups[0]
    assert group["momentum"].flatten().tolist() == [0.5, 0.9]
    assert group["independent_decay"].flatten().tolist() == [0.1, 0.0]


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_a_transformers_blocks_have_the_matrices_optimizer_and_are_batched_by_shape(config):
    training = training_with(config)
    shape = LlamaConfig(layers=2, base_layers=1, heads=2)
    model = StackedTransformer(
        11, 16, base_width=8, config=shape, rule_of=partial(rule_of_role, training), seeds=(0, 1)
    )
    optimizer = build_optimizer(training, model, MEMBERS)
    names = {id(p): name for name, p in model.named_parameters()}
    by_part = [
        [names[id(p)] for group in part.param_groups for p in group["params"]] for part in optimizer.parts
    ]
    assert all("blocks" in name and "norm" not in name for name in by_part[0])
    assert len(by_part[0]) == 2 * 7
    assert sorted(name for part in by_part for name in part) == sorted(names.values())
    if config.spectral_norm:
        assert by_part[1] == ["embedding.weight"]
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    # q, k, v and out, gate and up, down: three shapes
    assert sorted(len(bucket) for bucket in optimizer.parts[0]._buckets()) == [2, 4, 8]


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_every_config_trains(config, task):
    members = [Member(0.003, 0), Member(0.01, 0)]
    with_none = train_pack(training_with(config), 32, [Member(1e-9, 0)], task)[0]
    outcomes = train_pack(training_with(config), 32, members, task)
    assert min(outcome.loss for outcome in outcomes) < with_none.loss


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_a_run_goes_on_bit_for_bit(config, task):
    training, members = training_with(config), [Member(0.003, 0), Member(0.01, 1)]
    whole = Pack(training, 32, members, task)
    whole.advance(7)
    first = Pack(training, 32, members, task)
    first.advance(4)
    second = Pack(training, 32, members, task)
    second.restore(first.state())
    second.advance(3)
    for name, value in whole.state().items():
        assert torch.equal(second.state()[name], value), name


def test_an_outcome_does_not_depend_on_the_pack_even_when_others_diverge(task):
    training = training_with(ShampooConfig(weight_decay=0.01))
    alone = train_pack(training, 32, [Member(0.003, 0)], task)[0]
    members = [Member(1e30, 0), Member(0.003, 0), Member(0.001, 1)]
    assert train_pack(training, 32, members, task)[1] == alone


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_a_setting_survives_json(config):
    setting = replace(get_setting("digits", "smoke"), training=training_with(config))
    assert Setting.from_dict(json.loads(json.dumps(asdict(setting)))) == setting


def test_rules_have_the_configs_constants():
    config = ShampooConfig(momentum=0.1, beta2=0.2, exponents=(0.3, 0.4), epsilon=0.5, block=6, interval=7)
    assert rule_of_config(config) == ShampooRule(0.1, 0.2, (0.3, 0.4), 0.5, "relative", 6, 7)
    for other in (*MATRIX_CONFIGS.values(), AdamConfig, SGDConfig):
        rule_of_config(other()).check(8, 8)


@pytest.mark.parametrize(
    ("config", "fields", "error", "message"),
    [
        (MuonConfig, {"momentum": 1.0}, DomainError, "momentum = 1.0"),
        (MuonConfig, {"kind": "jordon"}, UnknownNameError, "jordan"),
        (MuonConfig, {"steps": 0}, DomainError, "steps = 0"),
        (MuonConfig, {"adam_lr": -1.0}, DomainError, "adam_lr"),
        (MuonConfig, {"shape_factor": "mup", "spectral_norm": True}, DomainError, "spectral_norm fixes"),
        (MuonConfig, {"shape_factor": "muP"}, UnknownNameError, "mup"),
        (MuonConfig, {"graft": MuonConfig(weight_decay=0.1)}, DomainError, "graft.weight_decay = 0.1"),
        (DionConfig, {"rank_fraction": 0.0}, DomainError, "rank_fraction"),
        (DionConfig, {"max_rank": 0}, DomainError, "max_rank"),
        (DionConfig, {"method": "svd"}, UnknownNameError, "svd"),
        (ShampooConfig, {"block": 0}, DomainError, "block = 0"),
        (ShampooConfig, {"interval": 0}, DomainError, "interval = 0"),
        (ShampooConfig, {"exponents": (-1.0, 0.5)}, DomainError, "exponents"),
        (ShampooConfig, {"damping": "none"}, UnknownNameError, "none"),
        (SOAPConfig, {"sides": (0, 0)}, DomainError, "sides"),
        (AdaMuonConfig, {"rms": 0.0}, DomainError, "rms"),
        (AdaMuonConfig, {"epsilon": 0.0}, DomainError, "epsilon = 0.0"),
        (SOAPConfig, {"epsilon": 0.0}, DomainError, "epsilon = 0.0"),
        (ShampooConfig, {"graft": AdamConfig(weight_decay=0.1)}, DomainError, "graft.weight_decay = 0.1"),
        (ShampooConfig, {"graft": SGDConfig(weight_decay=0.1)}, DomainError, "graft.weight_decay = 0.1"),
    ],
)
def test_bad_constants_are_named(config, fields, error, message):
    with pytest.raises(error, match=message):
        config(**fields)


@pytest.mark.parametrize("config", [AdamConfig(), MuonConfig()], ids=lambda config: config.name)
def test_a_factor_for_a_role_that_the_network_lacks_is_refused(config, task):
    with pytest.raises(UnknownNameError, match=r"role in lr_factors 'readuot'.*readout"):
        built(config, task, lr_factors=(("readuot", 0.02),))
    with pytest.raises(UnknownNameError, match="known: hidden, readout"):
        built(config, task, lr_factors=(("norm", 0.02),))
    with pytest.raises(DomainError, match="one factor for each role"):
        training_with(config, lr_factors=(("readout", 0.02), ("readout", 0.5)))


def test_a_network_without_hidden_matrices_is_refused(task):
    training = training_with(MuonConfig())
    model = nn.Sequential()
    with pytest.raises(NotAMatrixError, match="no hidden matrix"):
        build_optimizer(training, model, [Member(0.1, 0)])


# --- several optimizers as one ----------------------------------------------------------------------------


def small_parts():
    weights = [nn.Parameter(torch.zeros(4, 5)), nn.Parameter(torch.zeros(5)), nn.Parameter(torch.zeros(3, 4))]
    first, second = Muon([weights[0]], lr=0.1), Adam([weights[1]], lr=0.1)
    return weights, Together([first, second, Shampoo([weights[2]], lr=0.1)])


def steps(weights, optimizer, seeds):
    for seed in seeds:
        for p in weights:
            p.grad = gradients(1, *p.shape, dtype=torch.float32, seed=seed)[0]
        optimizer.step()


def test_together_is_each_alone_and_goes_on_from_a_saved_state():
    weights, optimizer = small_parts()
    steps(weights, optimizer, range(6))
    alone = [nn.Parameter(torch.zeros_like(p)) for p in weights]
    for p, make in zip(alone, (Muon, Adam, Shampoo), strict=True):
        steps([p], make([p], lr=0.1), range(6))
    assert all((p == q).all() for p, q in zip(weights, alone, strict=True))

    half, first = small_parts()
    steps(half, first, range(3))
    _, second = small_parts()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for group, old in zip(second.param_groups, first.param_groups, strict=True):
        assert group["lr"] == old["lr"]
    rest = [p for group in second.param_groups for p in group["params"]]
    for p, old in zip(rest, half, strict=True):
        p.data.copy_(old)
    steps(rest, second, range(3, 6))
    assert all((p == q).all() for p, q in zip(weights, rest, strict=True))


def test_together_has_the_rates_that_are_set_on_its_groups():
    weights, optimizer = small_parts()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    steps(weights, optimizer, range(2))
    assert all((p == 0).all() for p in weights)
    assert not isinstance(optimizer.parts[2], SOAP)


@pytest.mark.parametrize(
    "graft",
    [
        SOAPConfig(block=32),
        SOAPConfig(sides=(1, 0)),
        ShampooConfig(exponents=(0.5, 0.5), block=32),
        MuonConfig(),
    ],
)
def test_a_graft_has_the_rate_of_the_optimizer_whose_norm_it_takes(graft):
    """With its blocks, sides and exponents: norms are all that the rate depends on."""
    sizes = {"base_d_in": 64, "base_d_out": 64}
    whole = composite_rule(ShampooConfig(graft=graft), scaling_rule, scaling_rule)(256, 256, **sizes)
    alone = composite_rule(graft, scaling_rule, scaling_rule)(256, 256, **sizes)
    assert whole.lr == alone.lr
