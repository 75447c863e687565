"""Sweeps: stopped and resumed, killed, widened; the table that comes out and the files that hold it."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import xarray

from hptheory.errors import DomainError
from hptheory.files import OutputError
from hptheory.transfer import SweepTable
from sims import sweep
from sims.errors import CorruptRecordError
from sims.report import read_runs
from sims.store import load, provenance, runs_of
from sims.sweep import Progress, packs, run
from sims.table import COLUMNS, columns
from tests.sims.small import MOMENTUM, setting, training

DIVERGING = setting(training=training(MOMENTUM, epochs=1), lrs=(2.0**-6, 1e30), widths=(32,))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> xarray.Dataset:
    """The small sweep, uninterrupted."""
    return run(setting(), tmp_path_factory.mktemp("whole"))


class Stop:
    """A progress callback that presses Ctrl-C once so many runs are stored."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, progress: Progress) -> None:
        if progress.finished >= self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [1, 3, 6])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, whole, after):
    with pytest.raises(KeyboardInterrupt):
        run(setting(), tmp_path, Stop(after), pack_members=1)
    partial = load(tmp_path)
    assert int(partial.finished.sum()) == after
    assert partial.loss.where(partial.finished).identical(whole.loss.where(partial.finished))
    assert run(setting(), tmp_path).identical(whole)


def test_packs_change_nothing(tmp_path, whole):
    assert run(setting(), tmp_path, pack_members=3).identical(whole)


def test_a_finished_sweep_trains_nothing(tmp_path, whole, monkeypatch):
    run(setting(), tmp_path)
    monkeypatch.setattr(sweep, "train_pack", None)
    seen: list[Progress] = []
    assert run(setting(), tmp_path, seen.append).identical(whole)
    assert [(progress.finished, progress.share) for progress in seen] == [(8, 1.0)]


def test_a_wider_grid_trains_what_is_missing(tmp_path, monkeypatch):
    run(setting(widths=(32,)), tmp_path)
    trained: list[tuple[int, int]] = []
    real = sweep.train_pack

    def watched(config, width, members, data, **options):
        trained.append((width, len(members)))
        return real(config, width, members, data, **options)

    monkeypatch.setattr(sweep, "train_pack", watched)
    wider = run(setting(widths=(32, 40), lrs=(2.0**-10, 2.0**-8, 2.0**-6)), tmp_path)
    assert trained == [(32, 2), (40, 6)]
    assert bool(wider.finished.all())


def test_a_killed_sweep_is_readable_and_goes_on(tmp_path, whole):
    """SIGKILL in the middle: whole records or none, no matter when."""
    command = (
        "from sims.sweep import run; from tests.sims.small import setting; "
        f"run(setting(), {str(tmp_path)!r}, pack_members=1)"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", command], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("runs/*.json"))) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    partial = load(tmp_path)
    assert int(partial.finished.sum()) >= 2
    assert run(setting(), tmp_path).identical(whole)


def test_the_table_is_labelled(whole):
    assert dict(whole.sizes) == {"width": 2, "seed": 2, "lr": 2, "step": 1}
    assert whole.loss.dims == ("width", "seed", "lr")
    assert whole.loss_curve.dims == ("width", "seed", "lr", "step")
    assert whole.step.values.tolist() == [37]
    assert (whole.loss_curve.isel(step=-1) == whole.loss).all()
    assert bool(whole.finished.all())
    assert not bool(whole.diverged.any())


def test_divergence_is_a_result(tmp_path):
    table = run(DIVERGING, tmp_path)
    assert table.diverged.sel(lr=1e30).all()
    assert not table.diverged.sel(lr=2.0**-6).any()
    assert (table.loss.sel(lr=1e30) == math.inf).all()
    assert table.accuracy.sel(lr=1e30).isnull().all()
    assert (table.last_step.sel(lr=1e30) < 37).all()
    assert run(DIVERGING, tmp_path).identical(table)
    rows = SweepTable.from_csv(tmp_path / "results.csv")
    assert rows.diverged.sum() == 2


def test_the_files_hold_the_table(tmp_path, whole):
    run(setting(), tmp_path)
    with xarray.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as stored:
        assert stored.identical(whole)
    with (tmp_path / "results.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert len(rows) == 8
    for row in rows:
        values = dict(zip(header, row, strict=True))
        at = {"width": int(values["width"]), "lr": float(values["lr"]), "seed": int(values["seed"])}
        assert float(values["loss"]) == float(whole.loss.sel(at))


def test_unfinished_runs_are_no_rows(tmp_path, whole):
    with pytest.raises(KeyboardInterrupt):
        run(setting(), tmp_path, Stop(3), pack_members=1)
    table, everything = columns(load(tmp_path)), columns(whole)
    assert all(len(column) == 3 for column in table.values())
    rows = set(zip(*everything.values(), strict=True))
    assert set(zip(*table.values(), strict=True)) < rows
    assert len(SweepTable.from_columns(table)) == 3


def test_the_transfer_analysis_reads_the_table(tmp_path, whole):
    """Three ways into a SweepTable hold the same runs."""
    run(setting(), tmp_path)
    tables = [
        SweepTable.from_csv(tmp_path / "results.csv"),
        SweepTable.from_columns(columns(whole)),
        SweepTable.from_xarray(whole),
    ]
    losses = [sorted(table.loss.tolist()) for table in tables]
    assert losses[0] == losses[1] == losses[2]


def test_provenance_tells_where_and_how(tmp_path):
    started = time.perf_counter()
    run(setting(), tmp_path, pack_members=3)
    told = provenance(tmp_path)
    assert told["device"] == ["cpu"]
    assert told["dtype"] == ["float32"]
    assert told["torch"] == [torch.__version__]
    assert told["pack_members"] == [1, 3]
    assert 0 < told["seconds"][0] < time.perf_counter() - started


def test_progress_tells_the_share_of_the_work(tmp_path):
    seen: list[Progress] = []
    run(setting(), tmp_path, seen.append)
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert [progress.finished for progress in seen] == [0, 4, 4, 8]
    assert seen[0] == Progress(finished=0, total=8, width=32, step=37, steps=37, share=shares[0])


def test_a_damaged_record_stops_the_sweep_before_training(tmp_path, monkeypatch):
    run(setting(), tmp_path)
    next(tmp_path.glob("runs/*.json")).write_text("{")
    monkeypatch.setattr(sweep, "train_pack", None)
    with pytest.raises(CorruptRecordError, match="delete it and run the sweep again"):
        run(setting(), tmp_path)


def test_bad_arguments(tmp_path):
    with pytest.raises(DomainError, match="pack_members = 0"):
        run(setting(), tmp_path, pack_members=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        run(setting(), tmp_path / "file")


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path, whole, monkeypatch):
    real, records = Path.write_bytes, []

    def until_full(path: Path, content: bytes) -> int:
        records.extend([path] if path.parent.name == "runs" else [])
        if len(records) > 3:
            raise OSError(28, "No space left on device")
        return real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", until_full)
        with pytest.raises(OutputError, match="No space left on device"):
            run(setting(), tmp_path, pack_members=1)
    assert int(load(tmp_path).finished.sum()) == 3
    assert run(setting(), tmp_path).identical(whole)


def test_packs_hold_every_run_once():
    runs = runs_of(replace(setting(), widths=(32, 64, 128)))
    for size in (None, 1, 3, 100):
        grouped = list(packs(runs, size))
        assert [one for _, pack in grouped for one in pack] == runs
        assert all(one.width == width for width, pack in grouped for one in pack)


def test_further_hyperparameters_are_axes(tmp_path):
    """Two beta1 beside two rates: an axis of the table, a column, and an HP of the analysis."""
    table = run(setting(widths=(32,), seeds=(0,), hps=(("beta1", (0.5, 0.9)),)), tmp_path)
    assert table.loss.dims == ("width", "seed", "lr", "beta1")
    assert bool(table.finished.all())
    assert read_runs(tmp_path).hp_names == ("lr", "beta1")
    one = run(setting(widths=(32,), seeds=(0,), lrs=(2.0**-8,), hps=(("beta1", (0.5, 0.9)),)), tmp_path)
    assert one.loss.values.flatten().tolist() == table.loss.sel(lr=2.0**-8).values.flatten().tolist()
    assert read_runs(tmp_path).hp_names == ("beta1",)
