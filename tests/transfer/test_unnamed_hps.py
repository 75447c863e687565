"""Columns that may be hyperparameters nobody named: which are asked about, and which are not."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.unnamed_hps import is_outcome, unnamed_hps
from sims.table import COLUMNS

RNG = np.random.default_rng(0)


def searched(**further: np.ndarray) -> dict[str, np.ndarray]:
    """40 runs at each of 3 widths, lr and wd drawn at random."""
    width = np.repeat([64.0, 128.0, 256.0], 40)
    x, y = RNG.uniform(-1, 1, (2, 120))
    loss = 64 / width + x**2 + 0.1 * y**2
    return {"width": width, "lr": np.exp(x), "wd": np.exp(y), "loss": loss, **further}


def test_a_random_search_in_two_is_not_analysed_in_one_without_a_word() -> None:
    columns = searched()
    (note,) = [n for n in analyse(SweepTable.from_columns(columns)).warnings if n.code == "unnamed_hp"]
    assert "'wd' varies between runs of one width and (nearly) one lr" in note.message
    assert "--hp lr wd; hp=['lr', 'wd']" in note.message
    both = analyse(SweepTable.from_columns(columns, hp=["lr", "wd"]))
    assert "unnamed_hp" not in {n.code for n in both.warnings}


def test_a_grid_with_a_seed_a_run_is_asked_about() -> None:
    lr, wd = (a.ravel() for a in np.meshgrid([0.1, 0.2, 0.3], [1.0, 2.0]))
    columns = {"width": np.full(6, 8), "lr": lr, "wd": wd, "seed": np.arange(6), "loss": lr + wd}
    assert unnamed_hps(SweepTable.from_columns(columns)) == ["wd"]
    wanted = {**columns, "beta": [0.9, 0.9, 0.9, 0.9, 0.9, 0.8]}
    assert unnamed_hps(SweepTable.from_columns(wanted, hp=["lr", "wd"])) == []
    twice = {name: np.tile(column, 2) for name, column in columns.items()}
    twice |= {"seed": np.arange(12), "beta": np.repeat([0.9, 0.8], 6)}
    several = SweepTable.from_columns(twice, hp=["lr", "wd"])
    assert unnamed_hps(several) == ["beta"]
    assert "unnamed_hp" in {note.code for note in analyse(several).warnings}


def test_what_follows_from_width_hp_and_seed_is_not_asked_about() -> None:
    grid = np.meshgrid([8.0, 16.0], [0.1, 0.2, 0.4], [0.0, 1.0, 2.0])
    width, lr, seed = (a.ravel() for a in grid)
    columns = {"width": width, "lr": lr, "seed": seed, "loss": lr, "depth": width / 8, "log_lr": np.log(lr)}
    columns |= {"inverse": 1 / (lr * width), "data_seed": 7 - seed}
    assert unnamed_hps(SweepTable.from_columns(columns)) == []
    random = searched()
    random |= {"log_lr": np.log(random["lr"]), "params": random["width"] ** 2}
    assert unnamed_hps(SweepTable.from_columns(random, hp="wd")) == ["lr", "log_lr"]
    assert unnamed_hps(SweepTable.from_columns(random)) == ["wd"]


@pytest.mark.parametrize(
    "name", [*COLUMNS[3:], "val/loss", "loss_val", "eval_runtime", "_step", "Unnamed: 0"]
)
def test_outcomes_and_labels_are_not_asked_about(name: str) -> None:
    columns = searched()
    columns = {"value": columns.pop("loss"), **columns, name: RNG.uniform(1, 2, 120)}
    assert unnamed_hps(SweepTable.from_columns(columns, loss="value")) == ["wd"]


@pytest.mark.parametrize("name", ["wd", "batch_size", "warmup_steps", "z_loss_weight", "lora_rank", "T_max"])
def test_hyperparameters_are_not_named_like_outcomes(name: str) -> None:
    assert not is_outcome(name)
    assert unnamed_hps(SweepTable.from_columns(searched(**{name: RNG.uniform(size=120)}), hp=["lr"])) == (
        ["wd"] if name == "wd" else ["wd", name]
    )


def test_rows_taken_are_asked_about_alone() -> None:
    table = SweepTable.from_columns(searched())
    order = np.argsort(table.x[:, 0])
    some = np.isin(np.arange(len(table)), order[:2])
    assert unnamed_hps(table.take(some)) == []


def test_two_rows_of_one_run_that_differ_in_outcomes_only_are_repeats() -> None:
    columns = {"width": [8, 8], "lr": [1, 1], "loss": [1.0, 2.0], "train_loss": [1.5, 2.5]}
    with pytest.raises(ValueError, match="add a 'seed' column to tell repeats apart"):
        SweepTable.from_columns(columns)
