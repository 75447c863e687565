"""The commands: what they print, how they stop, and that they cost nothing to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hptheory.cli import main
from hptheory.errors import DomainError, MissingExtraError, UnknownNameError
from sims import commands
from sims.errors import RunDirectoryError
from sims.settings import ObserveConfig, get_setting

SMALL = {"preset": "smoke", "epochs": 1, "widths": (32,), "lrs": (2.0**-8, 2.0**-6, 2.0**-4), "seeds": (0,)}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The commands leave a variable to the process that they run in; not to the tests."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")


def test_threads_sleep_unless_the_user_says_otherwise(monkeypatch):
    commands.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    commands.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_sweep_then_status(tmp_path, capsys):
    commands.sweep("digits", out=tmp_path, **SMALL)
    printed = capsys.readouterr()
    assert "digits (smoke): 3 of 3 runs done" in printed.out
    assert "width    32: 3 of 3 runs done; best lr 0.0" in printed.out
    assert "results.csv" in printed.out
    assert "digits (smoke): 3/3 runs; 100%, " in printed.err
    commands.status(tmp_path)
    assert capsys.readouterr().out.splitlines() == printed.out.splitlines()[:2]


def test_the_engines_that_a_sweep_chooses_from(monkeypatch):
    def chosen(*arguments: object) -> list[str]:
        return [engine.label for engine in commands.choose_engines(*arguments)]

    monkeypatch.setattr("torch.get_num_threads", lambda: 4)
    assert chosen("auto", None, "cpu", None) == ["1 process of 4 threads", "4 processes of 1 thread"]
    assert chosen("local", None, "cpu", None) == ["1 process of 4 threads"]
    assert chosen("auto", 3, "cpu", None) == ["3 processes of 1 thread"]
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    assert chosen("auto", None, "auto", None) == ["1 process of 1 thread"]
    with pytest.raises(DomainError, match="workers = 0"):
        commands.choose_engines("auto", 0, "cpu", None)


def test_ctrl_c_says_where_the_runs_are(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sims.sweep.train_unit", interrupted)
    with pytest.raises(SystemExit) as stopped:
        commands.sweep("digits", out=tmp_path, **SMALL)
    assert stopped.value.code == 130
    assert f"what is done is in {tmp_path}" in capsys.readouterr().err
    commands.status(tmp_path)
    assert "0 of 3 runs done, 3 left" in capsys.readouterr().out


def test_diverged_runs_and_edges_are_told(tmp_path, capsys):
    commands.sweep("digits", out=tmp_path, **{**SMALL, "lrs": (2.0**-10, 2.0**-8, 1e38)})
    printed = capsys.readouterr().out
    assert "3 of 3 runs done, 1 diverged" in printed
    commands.sweep("digits", out=tmp_path, **{**SMALL, "lrs": (1e38,)})
    assert "best" not in capsys.readouterr().out
    commands.sweep("digits", out=tmp_path, **{**SMALL, "lrs": (2.0**-10, 2.0**-8)})
    assert "at the edge of the grid" in capsys.readouterr().out


def test_what_is_watched_of_images_and_of_text():
    digits, text = get_setting("digits", "smoke"), get_setting("llama_adam", "smoke")
    chosen = {
        (setting.name, kind): commands.watched(setting, kind, None).training.observe
        for setting, kind in ((digits, "samples"), (text, "profiles"), (text, "samples"), (text, "tokens"))
    }
    assert chosen["digits", "samples"] == ObserveConfig(1024, samples=True)
    assert chosen["llama_adam", "profiles"] == ObserveConfig(2 * text.training.batch_size)
    assert chosen["llama_adam", "samples"] == ObserveConfig(64, samples=True)
    assert chosen["llama_adam", "tokens"] == ObserveConfig(16, samples="tokens")
    with pytest.raises(DomainError, match="observe = tokens"):
        commands.watched(digits, "tokens", None)


def test_bad_input(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown setting 'digts'"):
        commands.sweep("digts")
    with pytest.raises(UnknownNameError, match="unknown preset"):
        commands.sweep("digits", preset="gpu")
    with pytest.raises(DomainError, match=r"lr = -0\.1"):
        commands.sweep("digits", lrs=(-0.1,), out=tmp_path)
    with pytest.raises(DomainError, match=r"widths = \(\)"):
        commands.sweep("digits", widths=(), out=tmp_path)
    with pytest.raises(RunDirectoryError, match="holds no sweep"):
        commands.status(tmp_path)


def test_without_torch(tmp_path, monkeypatch):
    monkeypatch.setattr("sims.requirements.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingExtraError, match=r"`hptheory sweep` needs torch.*pip install"):
        commands.sweep("digits", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_importing_commands_and_settings_loads_no_torch():
    heavy = "{'torch', 'xarray', 'sklearn', 'tqdm'}"
    code = f"import sys, sims, sims.commands, sims.settings; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_why_runs_failed_is_told_once_for_a_unit(tmp_path, capsys, monkeypatch):
    def too_large(*arguments, **options):
        raise MemoryError("it does not fit")

    monkeypatch.setattr("sims.sweep.train_unit", too_large)
    with pytest.raises(SystemExit) as stopped:
        commands.sweep("digits", out=tmp_path, **SMALL)
    assert stopped.value.code == 1
    told = capsys.readouterr().err.splitlines()[-2:]
    assert told[0].startswith("failed: width 32, 3 runs: it does not fit")
    assert told[1] == "the same command tries them again, and nothing else"


@pytest.mark.parametrize("named", ["--data-dir", "HPTHEORY_DATA"])
@pytest.mark.parametrize("folder", ["nowhere", "."])
@pytest.mark.parametrize(
    ("setting", "missing"),
    [
        ("cifar_mlp --preset smoke", "cifar-10-batches-bin/data_batch_1.bin"),
        ("llama_adam --preset cpu", "wikitext-2/wiki.train.tokens"),
    ],
)
def test_data_that_a_named_folder_lacks_are_one_sentence_before_training(
    tmp_path, capsys, monkeypatch, named, folder, setting, missing
):
    """Whether the folder is there or not; nothing is stored, and nothing asked of the network."""
    monkeypatch.setattr("sims.sweep.train_unit", lambda *arguments: pytest.fail("a unit was started"))
    monkeypatch.setattr("sims.data.text.hub.published_texts", lambda *a, **k: pytest.fail("the network"))
    monkeypatch.delenv("HPTHEORY_DATA", raising=False)
    where, out = tmp_path / folder, tmp_path / "out"
    options = ["--data-dir", str(where)] if named == "--data-dir" else []
    if named == "HPTHEORY_DATA":
        monkeypatch.setenv("HPTHEORY_DATA", str(where))
    assert main(["sweep", *setting.split(), "--out", str(out), *options]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert str(where / missing) in told
    assert "--data-dir or HPTHEORY_DATA" in told
    assert not any(out.iterdir())


def test_a_text_too_small_for_its_vocabulary_is_known_before_training(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sims.sweep.train_unit", lambda *arguments: pytest.fail("a unit was started"))
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data" / "wikitext-2").mkdir(parents=True)
    for part in ("train", "valid"):
        text = "".join(chr(97 + i % 26) + chr(97 + i * 7 % 26) + " " for i in range(9_000))
        (tmp_path / "data" / "wikitext-2" / f"wiki.{part}.tokens").write_text(text, encoding="utf-8")
    options = ["--data-dir", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(["sweep", "llama_adam", "--preset", "cpu", *options]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "the text is too small for a vocabulary of 1024" in told


def test_a_sweep_that_is_done_needs_no_data(tmp_path, capsys, monkeypatch):
    """What is stored is told again where the data are gone; a further run asks for them."""
    commands.sweep("digits", out=tmp_path, **SMALL)
    monkeypatch.setattr("sims.sweep.check_beforehand", lambda *arguments: pytest.fail("the data were read"))
    commands.sweep("digits", out=tmp_path, **SMALL)
    assert "3 of 3 runs done" in capsys.readouterr().out
    with pytest.raises(pytest.fail.Exception, match="the data were read"):
        commands.sweep("digits", out=tmp_path, **{**SMALL, "seeds": (0, 1)})
