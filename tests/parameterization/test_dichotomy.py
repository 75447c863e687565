"""abcd-parameterizations: presets, symmetry, the dichotomy against the published theorem and a network."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import (
    ABCD_PRESETS,
    Abcd,
    LayerExponents,
    abcd_preset,
    classify,
    get_rule,
)
from tests.strategies import abcd_parameterizations, exponents

HALF = Fraction(1, 2)
depths = st.integers(1, 4)

# --- presets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_mup_learns_features_ntk_is_a_kernel_standard_is_unstable(optimizer, layers):
    found = {name: classify(abcd_preset(name, optimizer), layers).regime for name in ABCD_PRESETS}
    assert found["mup"] == "feature learning"
    assert found["ntk"] == "kernel"
    assert found["standard"] == "unstable"
    assert found["mean_field"] == ("feature learning" if layers == 1 else "unstable")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_layer_is_maximal_in_mup_and_ntk(optimizer):
    """In muP each layer's features move by order one; in NTK by n^(-1/2), and the output by order one."""
    mup, ntk = (classify(abcd_preset(name, optimizer), 3) for name in ("mup", "ntk"))
    assert mup.first_updates == mup.first_changes == mup.changes == (0, 0, 0)
    assert mup.output_change == mup.first_output_change == 0
    assert ntk.first_updates == ntk.first_changes == ntk.changes == (-HALF, -HALF, -HALF)
    assert mup.first_output_update == ntk.first_output_update == 0
    assert ntk.output_change == ntk.first_output_change == 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_mean_field_with_one_hidden_layer_is_a_shift_of_mup(optimizer):
    mup, mean_field = abcd_preset("mup", optimizer), abcd_preset("mean_field", optimizer)
    assert mup.shifted(readout=1).readout == mean_field.readout
    assert mup.input == mean_field.input


def test_the_published_form_of_mup_is_a_shift_of_ours():
    """arXiv 2011.14522, Table 1: a = -1/2, 0, 1/2, b = 1/2, c = 0."""
    shifted = abcd_preset("mup").shifted(input=-HALF, readout=HALF)
    assert shifted.input == LayerExponents(-HALF, HALF, 0)
    assert shifted.hidden == LayerExponents(0, HALF, 0)
    assert shifted.readout == LayerExponents(HALF, HALF, 0)


def test_standard_at_its_largest_stable_rate_is_a_kernel():
    """arXiv 2011.14522, Table 1: the rate 1/n for all layers; at smaller ones, training is trivial."""
    standard = abcd_preset("standard")

    def slowed(c):
        layers = {name: replace(getattr(standard, name), c=c) for name in ("input", "hidden", "readout")}
        return classify(replace(standard, **layers)).regime

    assert [slowed(c) for c in (Fraction(9, 10), 1, Fraction(11, 10))] == ["unstable", "kernel", "trivial"]


# --- laws -------------------------------------------------------------------------------------------------


@given(parameterization=abcd_parameterizations(), layers=depths, thetas=st.tuples(*[exponents()] * 3))
def test_shifts_of_the_abc_symmetry_change_neither_regime_nor_exponents(parameterization, layers, thetas):
    assert classify(parameterization.shifted(*thetas), layers) == classify(parameterization, layers)


@given(parameterization=abcd_parameterizations(), first=exponents(), second=exponents())
def test_shifts_add_up(parameterization, first, second):
    twice = parameterization.shifted(hidden=first).shifted(hidden=second)
    assert twice == parameterization.shifted(hidden=first + second)


@given(parameterization=abcd_parameterizations(stable_start=True), layers=depths)
def test_a_stable_and_nontrivial_parameterization_is_a_kernel_or_learns_features(parameterization, layers):
    found = classify(parameterization, layers)
    largest = max((*found.changes, found.output_change))
    stable, moves = largest <= 0, found.output_change == 0
    learns = found.changes[-1] == 0
    expected = "unstable" if not stable else "trivial" if not moves else None
    expected = expected or ("feature learning" if learns else "kernel")
    assert found.regime == expected


def published(p: Abcd, layers: int) -> str:
    """Theorem 3.3 of arXiv 2011.14522, with a rate for each layer: r, then inequalities."""
    last = p.readout
    start = p.input.a + p.input.b == 0 and last.a + last.b >= HALF
    start = start and (layers == 1 or p.hidden.a + p.hidden.b == HALF)
    reach = [2 * p.input.a + p.input.c] + [2 * p.hidden.a + p.hidden.c - 1] * (layers - 1)
    r = min(last.a + last.b, 2 * last.a + last.c) + min(reach)
    through_readout = 2 * last.a + last.c
    through_features = min(last.a + last.b, through_readout) + r
    if not (start and r >= 0 and through_readout >= 1 and through_features >= 1):
        return "unstable"
    if through_readout > 1 and through_features > 1:
        return "trivial"
    return "feature learning" if r == 0 else "kernel"


@given(parameterization=abcd_parameterizations(optimizers=("sgd",), stable_start=True), layers=depths)
def test_agrees_with_theorem_3_3(parameterization, layers):
    assert classify(parameterization, layers).regime == published(parameterization, layers)


def test_theorem_3_3_sees_every_regime():
    """The grid that hypothesis draws from holds all four, so that the test above means something."""
    seen = set()
    for c in (-1, 0, 1, 2):
        for b in (HALF, 1, Fraction(3, 2)):
            p = Abcd(
                "sgd", LayerExponents(0, 0, c), LayerExponents(0, HALF, c + 1), LayerExponents(0, b, c + 2)
            )
            assert classify(p).regime == published(p, 2)
            seen.add(published(p, 2))
    assert seen == {"unstable", "trivial", "kernel", "feature learning"}


@given(
    optimizer=st.sampled_from(["sgd", "adam"]),
    name=st.sampled_from(["mup", "ntk"]),
    layer=st.sampled_from(["input", "hidden", "readout"]),
    slower=exponents(),
    layers=depths,
)
def test_smaller_rates_at_one_layer_never_lead_to_instability(optimizer, name, layer, slower, layers):
    assume(slower >= 0)
    preset = abcd_preset(name, optimizer)
    old = getattr(preset, layer)
    found = classify(replace(preset, **{layer: replace(old, c=old.c + slower)}), layers)
    assert found.regime != "unstable"


# --- against a network ------------------------------------------------------------------------------------

WIDTHS, BASE, D_IN, D_OUT = (64, 128, 256, 512, 1024), 64, 16, 3
TINY = 1e-3  # a step so small that the change is linear in it


def shapes(n: int) -> list[tuple[int, int]]:
    return [(D_IN, n), (n, n), (n, D_OUT)]


def measured(parameterization: str, optimizer: str) -> np.ndarray:
    """Slopes in width of h_1, h_2, f at the start, and of their changes in one step, on a tanh network."""
    rule, rows = get_rule(parameterization), []
    for n in WIDTHS:
        scales = [
            rule(optimizer, *shape, base_d_in=base[0], base_d_out=base[1])
            for shape, base in zip(shapes(n), shapes(BASE), strict=True)
        ]
        sizes = []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            x, error = rng.normal(size=(D_IN, 1)), rng.normal(size=(D_OUT, 1))
            weights = [
                rng.normal(size=(d_out, d_in)) * s.init_std / math.sqrt(base_in)
                for (d_in, d_out), (base_in, _), s in zip(shapes(n), shapes(BASE), scales, strict=True)
            ]
            before = forward(weights, scales, x)
            deltas = backward(weights, scales, before, error)
            inputs = [x, *(np.tanh(h) for h in before[:-1])]
            for w, s, delta, z in zip(weights, scales, deltas, inputs, strict=True):
                g = s.multiplier * delta @ z.T
                w -= TINY * s.lr * (g if optimizer == "sgd" else np.sign(g))
            after = forward(weights, scales, x)
            changes = [rms(b - a) for a, b in zip(before, after, strict=True)]
            sizes.append([*map(rms, before), *changes])
        rows.append(np.mean(sizes, axis=0))
    return np.polyfit(np.log(WIDTHS), np.log(rows), 1)[0]


def rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


def forward(weights, scales, x) -> list[np.ndarray]:
    outputs, z = [], x
    for w, s in zip(weights, scales, strict=True):
        outputs.append(s.multiplier * w @ z)
        z = np.tanh(outputs[-1])
    return outputs


def backward(weights, scales, outputs, error) -> list[np.ndarray]:
    deltas, delta = [error], error
    for layer in (2, 1):
        delta = scales[layer].multiplier * weights[layer].T @ delta * (1 - np.tanh(outputs[layer - 1]) ** 2)
        deltas.insert(0, delta)
    return deltas


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("parameterization", ["mup", "standard", "ntk"])
def test_a_network_has_the_exponents_of_the_classifier(parameterization, optimizer):
    """Corrections of order n^(-1/2), 0.12 to 0.03, tilt the line by 0.03; f is a sum over three outputs and
    four seeds, a relative spread of 0.2 at each width, that tilts it by 0.08 (one sigma): three of these.
    """
    expected = classify(abcd_preset(parameterization, optimizer), 2)
    wanted = [
        *expected.preactivations, expected.output, *expected.first_changes, expected.first_output_change,
    ]  # fmt: skip
    np.testing.assert_allclose(measured(parameterization, optimizer), [*map(float, wanted)], atol=0.24)


# --- domain -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, "x", "1/0", None, []])
def test_exponents_outside_the_domain(value):
    with pytest.raises(DomainError, match="exponent b"):
        LayerExponents(0, value, 0)


def test_floats_mean_their_shortest_decimal():
    """muP, shifted by 1/10 at hidden and readout matrices: in binary 0.1 + 0.4 is not 1/2."""
    binary, decimal = (
        Abcd(
            "sgd",
            LayerExponents(0, 0, -1),
            LayerExponents(*map(kind, ("0.1", "0.4", "-0.2"))),
            LayerExponents(*map(kind, ("0.1", "0.9", "0.8"))),
        )
        for kind in (float, str)
    )
    assert binary == decimal == abcd_preset("mup").shifted(hidden=np.float64(0.1), readout=0.1)
    assert classify(binary).regime == "feature learning"


@pytest.mark.parametrize("layers", [0, 1.5, True])
def test_layers_outside_the_domain(layers):
    with pytest.raises(DomainError, match="hidden_layers"):
        classify(abcd_preset("mup"), layers)


def test_unknown_presets():
    with pytest.raises(UnknownNameError, match="did you mean mup"):
        abcd_preset("mupp")
    with pytest.raises(UnknownNameError, match="muon"):
        abcd_preset("mup", "muon")


def test_reasons_name_what_happens():
    assert "vanish" in classify(abcd_preset("mean_field"), 2).reason
    assert "output" in classify(abcd_preset("ntk")).reason
    standard = abcd_preset("standard")
    large = replace(standard, readout=LayerExponents(0, 0, 0))
    assert "output grows" in classify(large).reason
