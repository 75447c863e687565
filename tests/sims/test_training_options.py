"""The options of a sweep that change its training: what they set, and what they refuse."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hptheory.cli import main
from hptheory.errors import DomainError, UnknownNameError
from sims.settings import get_setting
from sims.settings.language import LanguageConfig
from sims.store import Store
from sims.training_options import TrainingOptions

DIGITS, LLAMA = get_setting("digits", "smoke"), get_setting("llama_adam", "smoke")


def test_nothing_given_changes_nothing():
    for setting in (DIGITS, LLAMA, get_setting("llama_muon_decay", "paper")):
        assert TrainingOptions().applied(setting) == setting


def test_what_is_given_takes_the_place_of_the_settings_own():
    options = TrainingOptions(parameterization="ntk", precision="bf16", batch_size=8, corpus="novels",
                              vocabulary="400", context=32)  # fmt: skip
    task = replace(LLAMA.training.task, corpus="novels", vocabulary=400, context=32)
    expected = replace(LLAMA.training, parameterization="ntk", precision="bf16", batch_size=8, task=task)
    assert options.applied(LLAMA) == replace(LLAMA, training=expected)
    published = TrainingOptions(vocabulary="gpt2").applied(LLAMA).training.task
    assert isinstance(published, LanguageConfig)
    assert published.vocabulary == "gpt2"


@pytest.mark.parametrize("name", ["llama_muon", "gpt2_adam"])
def test_another_depth_keeps_the_base_depth(name):
    before = get_setting(name, "smoke").training
    after = TrainingOptions(layers=2).applied(get_setting(name, "smoke")).training
    assert after == replace(before, model=replace(before.model, layers=2))
    assert after.model.base_layers == 4


def test_a_further_axis_replaces_the_settings_axis_of_that_name():
    betas = get_setting("llama_adam_beta1", "smoke")
    options = TrainingOptions(hp=(("weight_decay", "0", "0.1"), ("beta1", "0.5")))
    assert options.applied(betas).hps == (("beta1", (0.5,)), ("weight_decay", (0.0, 0.1)))
    assert options.applied(LLAMA).hps == (("weight_decay", (0.0, 0.1)), ("beta1", (0.5,)))


@pytest.mark.parametrize(
    ("setting", "given", "words"),
    [
        (DIGITS, {"parameterization": "mop"}, "unknown parameterization 'mop'; did you mean mup"),
        (DIGITS, {"precision": "fp16"}, "unknown precision 'fp16'; did you mean"),
        (DIGITS, {"batch_size": 0}, "batch_size = 0"),
        (DIGITS, {"corpus": "novels"}, "corpus = novels .* must be left out"),
        (DIGITS, {"context": 8}, "context = 8"),
        (DIGITS, {"layers": 2}, "layers = 2 .* must be left out for a setting without blocks"),
        (LLAMA, {"layers": 0}, "layers = 0"),
        (DIGITS, {"hp": (("momentum", "0.9"),)}, "unknown hyperparameter of adam 'momentum'"),
        (DIGITS, {"hp": (("beta1", "0.9", "x"),)}, "hp beta1 = 0.9 x .* must be numbers"),
        (DIGITS, {"hp": (("beta1", "1.5"),)}, "beta1 = 1.5"),
        (DIGITS, {"hp": (("beta1",),)}, "a grid of at least one value"),
        (DIGITS, {"hp": (("beta1", "0.9"), ("beta1", "0.8"))}, "without repeated values"),
        (DIGITS, {"hp": ((),)}, "a name and its values"),
        (LLAMA, {"vocabulary": "gpt3"}, "unknown vocabulary 'gpt3'; did you mean gpt2"),
        (LLAMA, {"context": 0}, "context = 0"),
        (get_setting("gpt2_adam", "smoke"), {"context": 1025}, "context = 1025 .* max_context = 1024"),
        (get_setting("llama_muon", "smoke"), {"parameterization": "standard"}, "see llama_..._standard"),
    ],
)  # fmt: skip
def test_what_is_refused(setting, given, words):
    with pytest.raises((DomainError, UnknownNameError), match=words):
        TrainingOptions(**given).applied(setting)


def test_the_command_takes_them_all(tmp_path, capsys):
    grid = ["--widths", "32", "--lrs", "0.004", "--seeds", "0", "--epochs", "1"]
    options = ["--hp", "weight_decay", "0", "0.1", "--hp", "beta1", "0.8"]
    more = ["--parameterization", "standard", "--precision", "bf16", "--batch-size", "600"]
    out = str(tmp_path / "runs")
    assert main(["sweep", "digits", "--preset", "smoke", "--out", out, *grid, *options, *more]) == 0
    assert "2 of 2 runs done" in capsys.readouterr().out
    stored = Store(tmp_path / "runs").setting()
    assert stored.hps == (("weight_decay", (0.0, 0.1)), ("beta1", (0.8,)))
    training = stored.training
    assert (training.parameterization, training.precision, training.batch_size) == ("standard", "bf16", 600)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--batch-size 100000", "the training part of pydoc holds .* tokens, and 1600001 are needed"),
        ("--context 100000", "the training part of pydoc holds"),
        ("--corpus wikitex-2", "unknown corpus 'wikitex-2'; did you mean wikitext-2"),
        ("--corpus folder:nowhere", "nowhere holds no text"),
        ("--vocabulary 200", "vocabulary = 200 .* more than 256"),
        ("--precision tf32 --device cpu", "precision = tf32 .* NVIDIA"),
    ],
)
def test_what_only_the_data_or_the_device_tell_is_known_before_training(
    options, words, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("sims.sweep.train_unit", lambda *arguments: pytest.fail("a unit was started"))
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    out = str(tmp_path / "runs")
    assert main(["sweep", "llama_adam", "--preset", "smoke", "--out", out, *options.split()]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("hptheory: ")
    assert re.search(words, told)


def test_a_folder_of_texts_is_trained_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "counted.txt").write_text("\n".join(map(str, range(9000))), encoding="utf-8")
    options = f"--corpus folder:{tmp_path / 'texts'} --vocabulary 280 --context 8 --steps 1"
    grid = "--widths 16 --lrs 0.004 --seeds 0"
    command = f"sweep llama_adam --preset smoke --out {tmp_path / 'runs'} {options} {grid}"
    assert main(command.split()) == 0
    assert "1 of 1 runs done" in capsys.readouterr().out
