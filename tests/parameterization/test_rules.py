"""The rules of the standard and the NTK parameterization: the presets' exponents as ratios to a base."""

from __future__ import annotations

import pytest

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import OPTIMIZERS, abcd_preset, get_rule, ntk_rule, scaling_rule, standard_rule

BASE, R = 32, 16
SHAPES = {"input": (7, BASE, 7, R * BASE), "hidden": (BASE, BASE, R * BASE, R * BASE)}
SHAPES["readout"] = (BASE, 3, R * BASE, 3)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", ["mup", "standard", "ntk"])
@pytest.mark.parametrize("role", SHAPES)
def test_it_is_the_presets_exponents_in_the_width(name, optimizer, role):
    """At sixteen times the base width; half powers of 16 are exact."""
    base_in, base_out, d_in, d_out = SHAPES[role]
    rule = get_rule(name)(optimizer, d_in, d_out, base_d_in=base_in, base_d_out=base_out)
    layer = getattr(abcd_preset(name, optimizer), role)
    d = 0 if layer.d is None else layer.d
    found = rule.multiplier, rule.init_std, rule.lr, rule.epsilon
    assert found == tuple(R ** -float(power) for power in (layer.a, layer.b, layer.c, d))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_standard_rule_serves_every_optimizer(optimizer):
    rule = standard_rule(optimizer, 512, 512, base_d_in=32, base_d_out=32, depth=8, base_depth=2)
    assert (rule.lr, rule.epsilon, rule.weight_decay, rule.init_std) == (1, 1, 1, 0.25)


@pytest.mark.parametrize("rule", [scaling_rule, standard_rule, ntk_rule])
def test_vectors_do_not_decay_and_the_base_is_the_unit(rule):
    assert rule("adam", 1, 512, base_d_in=1, base_d_out=32).weight_decay == 0
    unit = rule("adam", 32, 32, base_d_in=32, base_d_out=32)
    numbers = unit.lr, unit.epsilon, unit.init_std, unit.multiplier, unit.weight_decay
    assert numbers == (1, 1, 1, 1, 1)


def test_ntk_of_other_optimizers_is_an_error():
    with pytest.raises(DomainError, match="sgd or adam"):
        ntk_rule("muon", 64, 64, base_d_in=32, base_d_out=32)


@pytest.mark.parametrize("rule", [standard_rule, ntk_rule])
def test_bad_shapes_and_options_are_errors_as_for_mup(rule):
    with pytest.raises(DomainError, match="base_d_in"):
        rule("adam", 4, 4, base_d_in=0, base_d_out=4)
    with pytest.raises(DomainError, match="only shampoo and soap"):
        rule("adam", 4, 4, base_d_in=4, base_d_out=4, block=2)


def test_unknown_parameterization():
    with pytest.raises(UnknownNameError, match="did you mean mup"):
        get_rule("mup2")
