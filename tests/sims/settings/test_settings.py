"""Settings: presets that hold together, fields that are checked, and the way to JSON and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest

from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from sims.settings import SETTINGS, AdamConfig, EMAConfig, ScheduleConfig, Setting, SGDConfig, get_setting

PRESETS = [(name, preset) for name, presets in SETTINGS.items() for preset in presets]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_knows_its_name_and_survives_json(name, preset):
    setting = get_setting(name, preset)
    assert (setting.name, setting.preset) == (name, preset)
    assert Setting.from_dict(json.loads(json.dumps(asdict(setting)))) == setting


def test_numbers_from_numpy_make_the_same_setting():
    smoke = get_setting("digits", "smoke")
    ours, plain = replace(smoke, lrs=tuple(np.array([0.1, 1]))), replace(smoke, lrs=(0.1, 1.0))
    assert repr(ours) == repr(plain)
    assert json.dumps(asdict(ours)) == json.dumps(asdict(plain))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_the_three_presets(name):
    assert {"smoke", "cpu", "paper"} <= set(SETTINGS[name]) <= {"smoke", "cpu", "cpu-long", "paper"}


def test_the_demo_is_as_large_as_promised():
    cpu = get_setting("digits", "cpu")
    assert cpu.widths == (32, 64, 128, 256, 512, 1024)
    assert (len(cpu.lrs), len(cpu.seeds)) == (9, 3)
    assert cpu.training.epochs >= 20
    assert cpu.lrs[4] == 2.0**-8
    assert [math.log2(b / a) for a, b in pairwise(cpu.lrs)] == pytest.approx([0.75] * 8)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("lrs", (0.1, -0.1), r"lr = -0.1 .* positive and finite"),
        ("lrs", (0.0,), "lr = 0.0"),
        ("lrs", (float("nan"),), "lr = nan"),
        ("lrs", (float("inf"),), "lr = inf"),
        ("lrs", (), r"lrs = \(\) .* at least one value"),
        ("lrs", (0.1, 0.1), "without repeated values"),
        ("widths", (), "widths"),
        ("widths", (0,), "width = 0"),
        ("seeds", (), "seeds"),
        ("seeds", (-1,), "seed = -1"),
    ],
)
def test_grids_outside_the_domain(field, value, message):
    with pytest.raises(DomainError, match=message):
        replace(get_setting("digits", "smoke"), **{field: value})


@pytest.mark.parametrize("field", ["epochs", "batch_size", "base_width", "evaluations"])
def test_counts_outside_the_domain(field):
    with pytest.raises(DomainError, match=f"{field} = 0"):
        replace(get_setting("digits", "smoke").training, **{field: 0})


def test_constants_outside_the_domain():
    for make in (
        lambda: AdamConfig(beta1=1.0),
        lambda: AdamConfig(beta2=-0.1),
        lambda: AdamConfig(epsilon=0.0),
        lambda: SGDConfig(momentum=1.0),
        lambda: SGDConfig(momentum=float("nan")),
        lambda: ScheduleConfig(warmup=0.7, cooldown=0.7),
    ):
        with pytest.raises(DomainError):
            make()


def test_published_numbers():
    """As printed in App. D.1, D.5, Sec. 3.2; an eighth of the steps at least in ``cpu``."""
    for name, top, steps in (("multi_index", 2**15, 2**14), ("ball_indicator", 2**14, 2**14)):
        paper, cpu = get_setting(name, "paper"), get_setting(name, "cpu")
        assert paper.widths[-1] == top
        assert (paper.training.steps, paper.training.batch_size) == (steps, 256)
        assert cpu.training.steps >= steps / 8
        assert paper.training.model.bias
    layerwise = get_setting("multi_index_layerwise", "paper").training
    assert layerwise.lr_factors == (("readout", 1 / 50),)
    assert replace(layerwise, lr_factors=()) == get_setting("multi_index", "paper").training
    cifar, cpu = get_setting("cifar_mlp", "paper"), get_setting("cifar_mlp", "cpu")
    assert (cifar.training.epochs, cifar.training.batch_size, cifar.widths[-1]) == (100, 512, 8192)
    assert cpu.training.epochs >= 100 / 8
    assert {0.001, 0.008, 0.016} <= set(cifar.lrs)
    assert not cifar.training.model.bias
    for setting in (cifar, get_setting("multi_index", "paper")):
        ema = setting.training.ema
        assert (ema.decay_start, ema.decay_end, ema.warmup_steps) == (0.98, 0.9995, 2000)
        assert (ema.tau_start, ema.tau_end) == (2, 10)


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_averages_its_weights(name, preset):
    assert get_setting(name, preset).training.ema is not None


def test_the_average_of_a_shorter_run_covers_the_same_share():
    ema = EMAConfig().scaled(1 / 4)
    for step in (0, 100, 499, 500, 2000):
        window = 1 / (1 - EMAConfig().decay(4 * step))
        assert 1 / (1 - ema.decay(step)) == pytest.approx(max(1, window / 4), rel=1e-9)


@pytest.mark.parametrize(
    "hps",
    [
        (("momentum", (0.5,)),),
        (("beta1", ()),),
        (("beta1", (0.5, 0.5)),),
        (("beta1", (1.5,)),),
        (("beta1", (0.5,)), ("beta1", (0.6,))),
    ],
    ids=["another optimizer's", "none", "repeated", "out of range", "named twice"],
)
def test_further_axes_outside_the_domain(hps):
    with pytest.raises(HPTheoryError):
        replace(get_setting("digits", "smoke"), hps=hps)


def test_a_run_has_steps_or_epochs():
    smoke = get_setting("digits", "smoke").training
    for changes in ({"steps": 5}, {"epochs": None}, {"epochs": None, "steps": 0}):
        with pytest.raises(DomainError):
            replace(smoke, **changes)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown setting 'digit'; did you mean digits"):
        get_setting("digit")
    with pytest.raises(UnknownNameError, match="unknown preset of digits 'huge'; known: cpu, paper, smoke"):
        get_setting("digits", "huge")
    with pytest.raises(UnknownNameError, match="unknown schedule"):
        ScheduleConfig(name="step")
