"""The store: keys, atomic writing, and one clear sentence for everything that can be wrong on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hptheory.files import OutputError
from sims.errors import CorruptRecordError, RunDirectoryError
from sims.settings import AdamConfig, DigitsConfig, MLPConfig, ScheduleConfig, SGDConfig, Training
from sims.store import Run, Store, load, run_key, runs_of
from tests.sims.small import setting

RESULT = {"loss": 0.1, "accuracy": None, "loss_curve": [0.3, None]}
RUN = Run(32, 2.0**-8, 0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    one = Store(tmp_path / "a" / "b")
    one.prepare(setting())
    one.write(setting().training, RUN, RESULT, {"torch": "x"})
    return one


def record_file(store: Store) -> Path:
    return store.directory / "runs" / f"{run_key(setting().training, RUN)}.json"


def test_a_record_comes_back_as_it_was(store):
    (run, record), *others = store.records(setting()).items()
    assert not others
    assert run == record.run == RUN
    assert record.result == RESULT
    assert record.provenance == {"torch": "x"}
    assert store.setting() == setting()


def test_keys_name_every_field():
    training = setting().training
    variants = [
        (training, RUN),
        (training, replace(RUN, width=64)),
        (training, replace(RUN, lr=2.0**-9)),
        (training, replace(RUN, seed=1)),
        (replace(training, epochs=7), RUN),
        (replace(training, batch_size=7), RUN),
        (replace(training, base_width=7), RUN),
        (training, replace(RUN, hps=(("beta1", 0.5),))),
        (replace(training, task=DigitsConfig(validation_size=7)), RUN),
        (replace(training, model=MLPConfig(bias=True)), RUN),
        (replace(training, ema=None), RUN),
        (replace(training, epochs=None, steps=7), RUN),
        (replace(training, evaluations=7), RUN),
        (replace(training, lr_factors=(("readout", 0.5),)), RUN),
        (replace(training, parameterization="ntk"), RUN),
        (replace(training, precision="bf16"), RUN),
        (replace(training, optimizer=replace(training.optimizer, beta1=0.5)), RUN),
        (replace(training, optimizer=SGDConfig()), RUN),
        (replace(training, schedule=replace(training.schedule, warmup=0.5)), RUN),
    ]
    assert len({run_key(*variant) for variant in variants}) == len(variants)


def test_keys_are_the_same_for_ever():
    """A key that changes orphans every stored sweep."""
    training = Training(DigitsConfig(), AdamConfig(), 32, epochs=20, batch_size=32, schedule=ScheduleConfig())
    assert run_key(training, RUN) == "27da450b2cc6f8a9b74e6bc148bd6b13"


def test_a_wider_grid_finds_what_it_shares(store):
    wider = setting(widths=(16, 32), lrs=(2.0**-9, 2.0**-8))
    assert set(store.records(wider)) == {RUN}
    assert len(runs_of(wider)) == 8


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"0.1", b"0.2"),
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"{}",
        lambda content: content.replace(b"result", b"\xff"),
    ],
    ids=["half", "another number", "empty", "a list", "no fields", "no text"],
)
def test_a_damaged_record_is_named(store, damage):
    path = record_file(store)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptRecordError, match=f"{path.name} is damaged; run the sweep again"):
        load(store.directory)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"training": 3}'])
def test_a_damaged_setting_is_named(store, content):
    (store.directory / "setting.json").write_bytes(content)
    with pytest.raises(CorruptRecordError, match=r"setting\.json is damaged or of another version"):
        load(store.directory)


def test_a_directory_without_a_sweep(tmp_path):
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(RunDirectoryError, match="holds no sweep"):
            load(directory)


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="cannot write"):
            Store(directory).prepare(setting())
