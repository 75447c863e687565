"""The rules of whole networks: those of the trainer's own modules, and their printed table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from torch import nn

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import (
    OPTIMIZERS,
    LayerScaling,
    layer_rule,
    model_rules,
    network_layers,
    rules_text,
)
from hptheory.parameterization.layers import ROLES, Layer
from sims.models import TwoLayerMLP, scaled_parameters
from sims.models.build import rule_of_role
from sims.models.transformer import StackedTransformer
from sims.settings import AdamConfig, SGDConfig, get_setting
from sims.settings.models import MLPConfig
from sims.settings.optimizers import MATRIX_CONFIGS
from sims.settings.transformers import GPT2Config, LlamaConfig

WIDTH, BASE, DEPTH, BASE_DEPTH, VOCABULARY = 64, 16, 3, 1, 11
OPTIMIZER_CONFIGS = {"sgd": SGDConfig, "adam": AdamConfig, **MATRIX_CONFIGS}
CONFIGS = {"llama": LlamaConfig, "gpt2": GPT2Config}


def trainers_model(network: str, parameterization: str, optimizer: str) -> nn.Module:
    smoke = get_setting("digits", "smoke").training
    training = replace(smoke, optimizer=OPTIMIZER_CONFIGS[optimizer](), parameterization=parameterization)
    rule_of = partial(rule_of_role, training)
    if network == "mlp":
        rules = {"rule": rule_of("hidden"), "readout_rule": rule_of("readout")}
        config = MLPConfig(bias=True)
        return TwoLayerMLP(64, WIDTH, 10, base_width=BASE, seeds=[0], config=config, **rules)
    config = CONFIGS[network](layers=DEPTH, base_layers=BASE_DEPTH, heads=4)
    return StackedTransformer(VOCABULARY, WIDTH, base_width=BASE, config=config, rule_of=rule_of, seeds=[0])


def numbers(scaling: LayerScaling) -> tuple[float, ...]:
    return scaling.lr, scaling.epsilon, scaling.init_std, scaling.multiplier, scaling.weight_decay


@pytest.mark.parametrize(
    ("parameterization", "optimizer"),
    [
        *((rule, optimizer) for rule in ("mup", "standard") for optimizer in OPTIMIZERS),
        ("ntk", "sgd"),
        ("ntk", "adam"),
    ],
)
@pytest.mark.parametrize("network", ["mlp", "llama", "gpt2"])
def test_names_shapes_and_rules_are_those_of_the_trainers_own_modules(network, parameterization, optimizer):
    model = trainers_model(network, parameterization, optimizer)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    theirs = {names[id(entry.parameter)]: entry for entry in scaled_parameters(model)}
    ours = {}
    sizes = {"width": WIDTH, "base_width": BASE, "depth": DEPTH, "base_depth": BASE_DEPTH}
    if network != "mlp":
        sizes["vocabulary"] = VOCABULARY
    if optimizer == "shampoo":
        sizes["relative_damping"] = True
    for rule in model_rules(optimizer, network, parameterization=parameterization, **sizes):
        for block in range(rule.layer.count):
            ours[rule.layer.name.replace("*", str(block))] = rule
    assert sorted(ours) == sorted(theirs) == sorted(names.values())
    for name, entry in theirs.items():
        layer, shape = ours[name].layer, entry.parameter.shape[1:]
        expected = (layer.d_out, layer.d_in) if len(shape) == 2 else (layer.d_out,)
        assert tuple(shape) == (expected[::-1] if layer.role == "embedding" else expected)
        assert numbers(ours[name].scaling) == numbers(entry.scaling), name
        assert ours[name].scaling.optimizer == entry.scaling.optimizer, name


@pytest.mark.parametrize("optimizer", ["muon", "adamuon", "shampoo", "soap", "dion"])
def test_matrix_optimizers_train_hidden_matrices_and_adam_the_rest(optimizer):
    rules = model_rules(optimizer, "llama", 512)
    assert {rule.layer.role for rule in rules if rule.scaling.optimizer == optimizer} == {"hidden"}
    assert {rule.scaling.optimizer for rule in rules if rule.layer.role != "hidden"} == {"adam"}


@pytest.mark.parametrize("network", ["mlp", "llama", "gpt2"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_at_the_base_every_ratio_is_one(optimizer, network):
    for rule in model_rules(optimizer, network, 128):
        decay = 0 if rule.layer.role == "vector" else 1
        assert numbers(rule.scaling) == (1, 1, 1, 1, decay)


def test_depth_counts_in_residual_branches_alone():
    rules = {rule.layer.name: rule.scaling for rule in model_rules("sgd", "llama", 128, depth=8)}
    assert rules["blocks.*.attention.query.weight"].lr == 2
    assert rules["readout.weight"].lr == rules["norm.gain"].lr == 1


def test_more_rows_of_an_embedding_change_nothing():
    large, small = (Layer("tokens", "embedding", rows, 64) for rows in (5000, 500))
    assert layer_rule(large, small, "adam").scaling.lr == 1


def test_the_table_has_a_row_a_layer_and_every_reason():
    rules = model_rules("soap", "llama", 1024)
    lines = rules_text(rules).splitlines()
    assert lines[0].split() == [
        "layer",
        "shape",
        "role",
        "optimizer",
        "lr",
        "epsilon",
        "init",
        "decay",
        "why",
    ]
    for rule, line in zip(rules, lines[1:], strict=False):
        assert line.startswith(rule.layer.name)
        assert str(rule.scaling.optimizer) in line
    reasons = {rule.scaling.why for rule in rules}
    assert {line.split("] ", 1)[1] for line in lines if line.startswith("[")} == reasons
    assert "multiplier" in rules_text(model_rules("adam", "mlp", 1024, parameterization="ntk"))


def test_layers_are_plain_data():
    assert {layer.role for layer in network_layers("gpt2", 64) + network_layers("mlp", 64)} == {*ROLES} - {
        "input"
    }
    entry = model_rules("muon", "llama", 512)[3].to_dict()
    assert entry["optimizer"] == "muon"
    assert entry["base_d_in"] == 128
    assert all(isinstance(value, int | float | str | bool) for value in entry.values())


def test_bad_names_and_sizes():
    with pytest.raises(UnknownNameError, match="did you mean llama"):
        model_rules("adam", "lama", 64)
    with pytest.raises(DomainError, match="width"):
        model_rules("adam", "mlp", 0)
    with pytest.raises(DomainError, match="vocabulary"):
        network_layers("llama", 64, vocabulary=0)
    with pytest.raises(DomainError, match="only shampoo and soap"):
        model_rules("muon", "mlp", 64, block=8)
