"""The muP rules against their laws, the published table, and a coordinate check on a NumPy network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization import LayerScaling, scaling_rule
from hptheory.parameterization.scaling_rule import OPTIMIZERS
from tests.parameterization import reference
from tests.strategies import layer_growth

TRAINED = ("sgd", "adam")  # those of which a whole network is trained here

WIDTHS = (128, 256, 512, 1024)
BASE = 128
D_IN, D_OUT = 16, 3

Rule = Callable[[str, int, int, int, int], LayerScaling]


def mup(optimizer, d_in, d_out, base_d_in, base_d_out):
    return scaling_rule(optimizer, d_in, d_out, base_d_in=base_d_in, base_d_out=base_d_out)


def layers(n: int) -> list[tuple[int, int]]:
    """(d_in, d_out) of a network with input, hidden and readout matrix."""
    return [(D_IN, n), (n, n), (n, D_OUT)]


def scalings(rule: Rule, optimizer: str, n: int) -> list[LayerScaling]:
    return [rule(optimizer, *shape, *base) for shape, base in zip(layers(n), layers(BASE), strict=True)]


def forward(weights, multipliers, x):
    """Activations before the nonlinearity (tanh), layer by layer."""
    outputs, z = [], x
    for w, a in zip(weights, multipliers, strict=True):
        outputs.append(a * w @ z)
        z = np.tanh(outputs[-1])
    return outputs


def gradients(weights, multipliers, x, error):
    """dL/dW of a loss with dL/df = error, by backpropagation written out."""
    outputs = forward(weights, multipliers, x)
    inputs = [x, *(np.tanh(h) for h in outputs[:-1])]
    grads, delta = [], error
    for layer in reversed(range(len(weights))):
        grads.insert(0, multipliers[layer] * delta @ inputs[layer].T)
        delta = multipliers[layer] * weights[layer].T @ delta * (1 - inputs[layer] ** 2)
    return grads


def updates_by_width(rule: Rule, optimizer: str, rate: float, steps: int) -> np.ndarray:
    """RMS change of each layer's output after a few steps on one batch, mean over seeds: [width, layer]."""
    rows = []
    for n in WIDTHS:
        changes = []
        for seed in range(4):
            rng = np.random.default_rng(seed)
            x, error = rng.normal(size=(D_IN, 4)), rng.normal(size=(D_OUT, 4))
            scales = scalings(rule, optimizer, n)
            multipliers = [s.multiplier for s in scales]
            weights = [
                rng.normal(size=(d_out, d_in)) * s.init_std / math.sqrt(base_in)
                for (d_in, d_out), (base_in, _), s in zip(layers(n), layers(BASE), scales, strict=True)
            ]
            start = forward(weights, multipliers, x)
            for _ in range(steps):
                for w, g, s in zip(weights, gradients(weights, multipliers, x, error), scales, strict=True):
                    # Adam without memory (beta1 = beta2 = 0): the gradient over its own size plus epsilon.
                    update = g if optimizer == "sgd" else g / (np.abs(g) + 1e-8 * s.epsilon)
                    w -= rate * s.lr * update
            end = forward(weights, multipliers, x)
            changes.append([np.sqrt(np.mean((b - a) ** 2)) for a, b in zip(start, end, strict=True)])
        rows.append(np.mean(changes, axis=0))
    return np.array(rows)


def exponents(changes: np.ndarray) -> np.ndarray:
    """Exponent of each layer's change in width: the slope of a straight line on log-log axes."""
    return np.polyfit(np.log(WIDTHS), np.log(changes), 1)[0]


RATES = {"sgd": 0.3, "adam": 0.01}
# Corrections are of relative order n^(-1/2), at most 0.09 at n = 128; falling to 0.03 at n = 1024 they tilt
# the line by 0.06/log(8) = 0.03, and the mean over four seeds of a relative spread of the same order by as
# much again. A wrong rule is off by 1/2 or 1 in some layer, before the next layers mix it.
SLOPE_TOLERANCE = 0.1


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("optimizer", TRAINED)
def test_every_layer_moves_by_the_same_order_at_every_width(optimizer, steps):
    slopes = exponents(updates_by_width(mup, optimizer, RATES[optimizer], steps))
    assert np.abs(slopes).max() < SLOPE_TOLERANCE


def without_rate_rule(optimizer, *shapes):
    right = mup(optimizer, *shapes)
    return replace(right, lr=1.0)


def readout_starts_large(optimizer, d_in, d_out, base_d_in, base_d_out):
    right = mup(optimizer, d_in, d_out, base_d_in, base_d_out)
    return replace(right, init_std=math.sqrt(base_d_in / d_in))


def rules_swapped(optimizer, *shapes):
    other = "adam" if optimizer == "sgd" else "sgd"
    return replace(mup(optimizer, *shapes), lr=mup(other, *shapes).lr, epsilon=1.0)


@pytest.mark.parametrize("wrong", [without_rate_rule, readout_starts_large, rules_swapped])
@pytest.mark.parametrize("optimizer", TRAINED)
def test_coordinate_check_objects_to_wrong_rules(optimizer, wrong):
    slopes = exponents(updates_by_width(wrong, optimizer, RATES[optimizer], steps=1))
    assert np.abs(slopes).max() > 4 * SLOPE_TOLERANCE


@pytest.mark.parametrize("factor", [0.25, 8.0])
@pytest.mark.parametrize("optimizer", TRAINED)
def test_training_is_unchanged_by_rescaling(optimizer, factor):
    """Powers of two are exact in floating point, so that the two runs differ by rounding of sums alone."""

    def rescaled(*arguments):
        return mup(*arguments).rescaled(factor)

    expected = updates_by_width(mup, optimizer, RATES[optimizer], steps=3)
    changed = updates_by_width(rescaled, optimizer, RATES[optimizer], steps=3)
    np.testing.assert_allclose(changed, expected, rtol=1e-12)


@given(growth=layer_growth(), optimizer=st.sampled_from(OPTIMIZERS))
def test_base_shape_is_the_unit(growth, optimizer):
    base = growth[0]
    unit = mup(optimizer, *base, *base)
    assert (unit.init_std, unit.multiplier, unit.lr, unit.epsilon) == (1, 1, 1, 1)


@given(growth=layer_growth(), optimizer=st.sampled_from(OPTIMIZERS))
def test_ratios_compose(growth, optimizer):
    base, first, second = growth
    whole = mup(optimizer, *second, *base)
    parts = mup(optimizer, *first, *base), mup(optimizer, *second, *first)
    for name in ("init_std", "lr", "epsilon", "weight_decay"):
        product = getattr(parts[0], name) * getattr(parts[1], name)
        # Some twenty roundings on the way through roots and powers, each below 1.2e-16.
        assert getattr(whole, name) == pytest.approx(product, rel=4e-15)


OPTIONS = [
    ("shampoo", {"exponents": (0.5, 0.5), "block": 8}),
    ("shampoo", {"exponents": (0.25, 0.0)}),
    ("shampoo", {"graft": "sgd"}),
    ("soap", {"sides": (0, 1), "block": (4, 8)}),
    ("soap", {"spectral_norm": True}),
]


@given(growth=layer_growth(), chosen=st.sampled_from(OPTIONS), depths=st.tuples(*[st.integers(1, 64)] * 3))
def test_ratios_compose_with_depth_and_options(growth, chosen, depths):
    optimizer, options = chosen

    def ratio(of, to):
        (d_in, d_out), (base_in, base_out) = growth[to], growth[of]
        scales = {"depth": depths[to], "base_depth": depths[of], **options}
        return scaling_rule(optimizer, d_in, d_out, base_d_in=base_in, base_d_out=base_out, **scales)

    for name in ("lr", "epsilon"):
        product = getattr(ratio(0, 1), name) * getattr(ratio(1, 2), name)
        assert getattr(ratio(0, 2), name) == pytest.approx(product, rel=1e-14)


REFERENCES = {
    "sgd": reference.sgd,
    "adam": reference.adam,
    "muon": reference.muon,
    "adamuon": reference.adamuon,
    "shampoo": reference.shampoo,
    "soap": reference.soap,
    "dion": reference.dion,
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_rescaled_layer_moves_as_the_layer_does(optimizer):
    """With V = W/8, whose gradient is 8 G: 8 dV is dW. Epsilons are of the size of what they meet."""
    g = np.random.default_rng(0).normal(size=(6, 5))
    scaling = mup(optimizer, 6, 5, 3, 5)
    other = scaling.rescaled(8.0)
    update = REFERENCES[optimizer]
    expected = scaling.lr * update(g, 0.3 * scaling.epsilon)[0]
    moved = 8 * other.lr * update(8 * g, 0.3 * other.epsilon)[0]
    # Eigenvectors of a 6 x 6 matrix of condition about 100, in double precision.
    np.testing.assert_allclose(moved, expected, rtol=1e-10, atol=1e-12)


@given(a=st.floats(1e-3, 1e3), b=st.floats(1e-3, 1e3), optimizer=st.sampled_from(OPTIMIZERS))
def test_rescalings_compose(a, b, optimizer):
    scaling = mup(optimizer, 256, 512, 32, 64)
    one, two = scaling.rescaled(a * b), scaling.rescaled(a).rescaled(b)
    for name in ("init_std", "multiplier", "lr", "epsilon"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), rel=1e-14)


def test_agrees_with_the_published_table():
    """Table 3 of arXiv 2203.03466 in the width n, at n = 16 times the base: input, hidden, readout."""
    table = {
        "sgd": [(1, 16), (1 / 4, 1), (1 / 16, 1 / 16)],
        "adam": [(1, 1), (1 / 4, 1 / 16), (1 / 16, 1 / 16)],
    }
    for optimizer, rows in table.items():
        got = [(s.init_std, s.lr) for s in scalings(mup, optimizer, 16 * BASE)]
        assert got == rows


def test_vectors_are_the_case_of_one_input():
    """A bias of n entries: Adam's rate stays, SGD's grows like n."""
    assert mup("adam", 1, 512, 1, 64).lr == 1
    assert mup("sgd", 1, 512, 1, 64).lr == 8


def test_adam_and_muon_of_a_vector_in_a_branch():
    """A gain in a residual branch: as d_in = 1, d_out = D; SGD's rate is D L."""
    options = {"base_d_in": 1, "base_d_out": 64, "depth": 8, "base_depth": 2}
    assert scaling_rule("sgd", 1, 512, **options).lr == 8 * 4
    assert scaling_rule("adam", 1, 512, **options).lr == 1
    assert scaling_rule("adam", 1, 512, **options).epsilon == 1 / (8 * 4)


def test_decay_is_one_over_the_width_on_matrices_and_none_on_vectors():
    shapes = {"hidden": (256, 256, 64, 64), "embedding": (9, 256, 9, 64), "readout": (256, 9, 64, 9)}
    assert {mup("muon", *shape).weight_decay for shape in shapes.values()} == {1 / 4}
    assert mup("adam", 1, 256, 1, 64).weight_decay == 0
    wide = {"base_d_in": 64, "base_d_out": 64, "width": 512, "base_width": 64}
    assert scaling_rule("adam", 512, 2048, **wide).weight_decay == 1 / 8


def test_blocks_are_cut_to_the_matrix():
    """A block as large as the matrix is none; of an embedding, only the long side is cut."""
    whole = scaling_rule("soap", 512, 256, base_d_in=64, base_d_out=32)
    cut = scaling_rule("soap", 512, 256, base_d_in=64, base_d_out=32, block=512)
    assert (cut.lr, cut.epsilon) == (whole.lr, whole.epsilon)
    embedding = scaling_rule("soap", 16, 512, base_d_in=16, base_d_out=64, block=32)
    assert embedding.lr == 1


def test_a_spectral_norm_makes_every_rate_one():
    for optimizer in OPTIMIZERS:
        rule = scaling_rule(optimizer, 512, 10, base_d_in=64, base_d_out=10, spectral_norm=True)
        assert rule.lr == 1
        assert rule.epsilon == 1


def test_damping_relative_to_the_largest_eigenvalue_does_not_scale():
    shape = {"base_d_in": 64, "base_d_out": 10}
    assert scaling_rule("shampoo", 512, 10, **shape).epsilon == pytest.approx(8, rel=1e-15)
    assert scaling_rule("shampoo", 512, 10, relative_damping=True, **shape).epsilon == 1


def test_reason_names_the_rule():
    assert (
        "sqrt(b_out)" in scaling_rule("soap", 64, 64, base_d_in=32, base_d_out=32, block=8, sides=(1, 0)).why
    )
    assert "adam" in scaling_rule("muon", 64, 64, base_d_in=32, base_d_out=32, graft="adam").why
    assert "spectral" in scaling_rule("muon", 64, 64, base_d_in=32, base_d_out=32, spectral_norm=True).why
    shampoo = partial(scaling_rule, "shampoo", 64, 64, base_d_in=32, base_d_out=32)
    assert "epsilon is absolute" in shampoo().why
    assert "epsilon is relative to the largest eigenvalue" in shampoo(relative_damping=True).why
    assert "d_in/d_out" in mup("sgd", 128, 128, 64, 64).why
    assert "readout" in mup("adam", 128, 10, 64, 10).why
    assert "base" in mup("adam", 64, 10, 64, 10).why


@pytest.mark.parametrize("size", [0, -1, 1.5, float("nan"), True])
def test_sizes_outside_the_domain(size):
    with pytest.raises(DomainError, match="base_d_in"):
        mup("adam", 4, 4, size, 4)


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_factors_outside_the_domain(factor):
    with pytest.raises(DomainError, match="factor"):
        mup("adam", 4, 4, 4, 4).rescaled(factor)


def test_unknown_optimizer():
    with pytest.raises(UnknownNameError, match="did you mean adam"):
        mup("adm", 4, 4, 4, 4)


@pytest.mark.parametrize(
    ("optimizer", "options", "message"),
    [
        ("soap", {"block": 0}, "block = 0"),
        ("shampoo", {"exponents": 0.5}, "exponents = 0.5 .*two finite numbers"),
        ("soap", {"sides": 1}, r"sides = 1 .*\(1, 1\), \(1, 0\)"),
        ("soap", {"block": (8, 8, 8)}, "pair"),
        ("muon", {"block": 64}, "only shampoo and soap"),
        ("soap", {"sides": (0, 0)}, "it is adam"),
        ("adam", {"sides": (1, 0)}, "only soap"),
        ("soap", {"exponents": (0.5, 0.5)}, "only shampoo"),
        ("soap", {"relative_damping": True}, "only shampoo"),
        ("shampoo", {"exponents": (-0.5, 0.5)}, "exponents"),
        ("shampoo", {"exponents": (0.5,)}, "exponents"),
        ("adam", {"depth": 0}, "depth"),
        ("adam", {"width": 64}, "given together"),
        ("adam", {"width": 0, "base_width": 4}, "width"),
    ],
)
def test_options_outside_the_domain(optimizer, options, message):
    with pytest.raises(DomainError, match=message):
        scaling_rule(optimizer, 64, 64, base_d_in=32, base_d_out=32, **options)


def test_unknown_graft():
    with pytest.raises(UnknownNameError, match="did you mean adam"):
        scaling_rule("shampoo", 64, 64, base_d_in=32, base_d_out=32, graft="adm")
