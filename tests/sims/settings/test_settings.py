"""Settings: presets that hold together, fields that are checked, and the way to JSON and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest

from hptheory.errors import DomainError, UnknownNameError
from sims.settings import SETTINGS, AdamConfig, ScheduleConfig, Setting, SGDConfig, get_setting

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


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="unknown setting 'digit'; did you mean digits"):
        get_setting("digit")
    with pytest.raises(UnknownNameError, match="unknown preset of digits 'huge'; known: cpu, paper, smoke"):
        get_setting("digits", "huge")
    with pytest.raises(UnknownNameError, match="unknown schedule"):
        ScheduleConfig(name="step")
