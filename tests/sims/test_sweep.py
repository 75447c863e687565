"""Sweeps: stopped and resumed, killed, widened; the table that comes out and the files that hold it."""

from __future__ import annotations

import csv
import json
import math
import socket
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
from sims.data.text import find_corpus
from sims.engines import InProcess, Workers
from sims.errors import CorruptRecordError, DeviceError, OtherDataError, RunDirectoryError, SweepWarning
from sims.placement import FILE
from sims.progress import InTraining, Progress
from sims.report import read_runs
from sims.settings import Setting, get_setting
from sims.store import Store, load, provenance
from sims.store.claims import holders
from sims.store.environment import code_version
from sims.store.records import TRAINER_VERSION
from sims.sweep import run
from sims.table import COLUMNS, columns
from sims.train import Pack
from sims.training_options import TrainingOptions
from sims.units import task_of
from tests.sims.engines.work import Pretender
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


def write_text(folder: Path, first: int) -> None:
    """Numbers from ``first`` on, as the only text of the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("\n".join(map(str, range(first, first + 9000))), encoding="utf-8")


@pytest.fixture
def on_text(tmp_path, monkeypatch) -> Setting:
    """Four runs of one step on the text in the folder ``texts``."""
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    write_text(tmp_path / "texts", 0)
    options = TrainingOptions(corpus=f"folder:{tmp_path / 'texts'}", vocabulary="280", context=8)
    small = options.applied(get_setting("llama_adam", "smoke"))
    short = replace(small.training, epochs=None, steps=1, evaluations=1)
    return replace(small, training=short, widths=(16, 32), lrs=(2.0**-8, 2.0**-7), seeds=(0,))


class Elsewhere(Pretender):
    """An engine of other machines."""

    is_local = False

    def __init__(self) -> None:
        super().__init__([0.0])


def forbidden(*arguments: object) -> None:
    raise AssertionError("trained again")


@pytest.mark.parametrize("after", [1, 3, 6])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, whole, after):
    with pytest.raises(KeyboardInterrupt):
        run(setting(), tmp_path, Stop(after), pack_members=1)
    assert holders(tmp_path) == {}
    partial = load(tmp_path)
    assert int(partial.finished.sum()) == after
    assert partial.loss.where(partial.finished).identical(whole.loss.where(partial.finished))
    assert run(setting(), tmp_path).identical(whole)


def test_packs_change_nothing(tmp_path, whole):
    assert run(setting(), tmp_path, pack_members=3).identical(whole)


def test_each_width_is_trained_where_it_is_fastest_with_the_same_bits(tmp_path, whole):
    """By measurements that lie in the run directory: width 32 on two processes, 40 on this one."""
    here, two = InProcess(), Workers(2)
    fast = {32: two.label, 40: here.label}
    speeds = {
        width: {label: {"2": 900.0 if label == best else 100.0} for label in (here.label, two.label)}
        for width, best in fast.items()
    }
    (tmp_path / FILE).write_text(json.dumps({"speeds": speeds}))
    assert (
        run(setting(widths=(32, 40)), tmp_path, engine=[here, two])
        .sel(width=[32])
        .equals(whole.sel(width=[32]))
    )
    told = {
        (record["run"]["width"], record["provenance"]["engine"], record["provenance"]["pack_members"])
        for record in map(json.loads, (path.read_bytes() for path in tmp_path.glob("runs/*.json")))
    }
    assert told == {(32, two.label, 2), (40, here.label, 2)}


def test_a_change_of_compilation_is_told_and_kept(tmp_path, whole, monkeypatch):
    """With a compiler that gives the function back: autograd then has the say, and losses agree within
    rounding."""
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    with pytest.raises(KeyboardInterrupt):
        run(setting(), tmp_path, Stop(4), compile=True)
    assert provenance(tmp_path)["compiled"] == [True]
    with pytest.raises(KeyboardInterrupt):
        run(setting(), tmp_path, Stop(6), pack_members=1)
    assert provenance(tmp_path)["compiled"] == [True]
    with pytest.warns(SweepWarning, match=r"from now on runs are trained without torch\.compile"):
        xarray.testing.assert_allclose(run(setting(), tmp_path, compile=False), whole, rtol=1e-4)
    assert provenance(tmp_path)["compiled"] == [False, True]


@pytest.mark.parametrize("name", ["multi_index", "llama_adam"])
def test_the_number_of_threads_changes_nothing(name, tmp_path):
    """Widths at which torch and its BLAS do share the work among threads."""
    widths = {"multi_index": (1024,), "llama_adam": (64,)}[name]
    small = replace(get_setting(name, "smoke"), widths=widths, seeds=(0,))
    short = replace(small, training=replace(small.training, epochs=None, steps=4, evaluations=1))
    threads, tables = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            tables.append(run(short, tmp_path / str(count)))
    finally:
        torch.set_num_threads(threads)
    assert tables[0].identical(tables[1])


def test_a_finished_sweep_trains_nothing(tmp_path, whole, monkeypatch):
    run(setting(), tmp_path)
    monkeypatch.setattr(sweep, "train_unit", forbidden)
    seen: list[Progress] = []
    assert run(setting(), tmp_path, seen.append).identical(whole)
    assert [(progress.finished, progress.share) for progress in seen] == [(8, 1.0)]


def test_a_wider_grid_trains_what_is_missing(tmp_path, monkeypatch):
    run(setting(widths=(32,)), tmp_path)
    trained: list[tuple[int, int]] = []
    real = sweep.train_unit

    def watched(unit, report):
        trained.append((unit.width, len(unit.runs)))
        return real(unit, report)

    monkeypatch.setattr(sweep, "train_unit", watched)
    wider = run(setting(widths=(32, 40), lrs=(2.0**-10, 2.0**-8, 2.0**-6)), tmp_path)
    assert trained == [(32, 2), (40, 6)]
    assert bool(wider.finished.all())


def test_the_table_is_of_the_sweep_that_was_asked_for(tmp_path, whole):
    """Though another sweep begins in the directory meanwhile, as a second process does."""

    def another_begins(progress: Progress) -> None:
        if progress.finished == 8:
            Store(tmp_path).prepare(setting(widths=(128,)))

    assert run(setting(), tmp_path, another_begins).identical(whole)
    with xarray.open_dataset(tmp_path / "results.nc", engine="h5netcdf") as stored:
        assert stored.identical(whole)


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
    assert told["pack_members"] == [2]  # four runs a width, in parts of nearly equal size
    assert told["code"] == [code_version()]
    assert told["host"] == [socket.gethostname()]
    assert 0 < told["seconds"][0] < time.perf_counter() - started


def test_progress_tells_the_share_of_the_work(tmp_path, whole):
    seen: list[Progress] = []
    run(setting(), tmp_path, seen.append)
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert sorted({progress.finished for progress in seen}) == [0, 4, 8]
    assert seen[0].training == (InTraining(width=32, runs=4, step=0, steps=37),)
    assert seen[-1].training == ()
    expected = {(one.width, one.seed, one.lr): loss for one, loss in seen[-1].losses.items()}
    for (width, seed, lr), loss in expected.items():
        assert loss == float(whole.loss.sel(width=width, seed=seed, lr=lr))


def test_a_damaged_record_is_set_aside_and_its_run_repeated(tmp_path, whole, monkeypatch):
    run(setting(), tmp_path)
    damaged = sorted(tmp_path.glob("runs/*.json"))[3]
    damaged.write_text("{")
    with pytest.raises(CorruptRecordError, match="run the sweep again"):
        load(tmp_path)
    trained: list[int] = []
    real = sweep.train_unit

    def watched(unit, report):
        trained.append(len(unit.runs))
        return real(unit, report)

    monkeypatch.setattr(sweep, "train_unit", watched)
    with pytest.warns(SweepWarning, match=rf"{damaged.name} was damaged; it is kept as"):
        assert run(setting(), tmp_path).identical(whole)
    assert trained == [1]
    assert damaged.with_name(f"{damaged.name}.damaged").read_text() == "{"


def test_bad_arguments(tmp_path):
    with pytest.raises(DomainError, match="pack_members = 0"):
        run(setting(), tmp_path, pack_members=0)
    with pytest.raises(DomainError, match="checkpoint_every = -1"):
        run(setting(), tmp_path, checkpoint_every=-1.0)
    for engines in ([], [InProcess(), Elsewhere()]):
        with pytest.raises(DomainError, match="one engine, or several of this machine"):
            run(setting(), tmp_path, engine=engines)
    with pytest.raises(DeviceError, match="there is no device 'gpu' here"):
        run(setting(), tmp_path, device="gpu")
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


def test_a_text_that_has_changed_is_not_trained_on_in_the_same_directory(tmp_path, on_text):
    """Whether runs are finished or only begun; another directory, or the text of before, is fine."""
    narrow, out, texts = replace(on_text, widths=(16,)), tmp_path / "out", tmp_path / "texts"
    for after in (0, 1):
        write_text(texts, 0)
        with pytest.raises(KeyboardInterrupt):
            run(narrow, out, Stop(after), pack_members=1)
        files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        write_text(texts, 9000)
        with pytest.raises(OtherDataError, match=rf"'folder:{texts}' are not .* in {out} .*another --out"):
            run(on_text, out)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files
    other = run(on_text, tmp_path / "other")
    write_text(texts, 0)
    table = run(on_text, out)
    assert (table.loss != other.loss).all()
    assert provenance(out)["data"] == [find_corpus(f"folder:{texts}").fingerprint]


def test_a_directory_that_does_not_tell_its_data_goes_on_with_a_note(tmp_path, on_text):
    """As those of earlier versions; from then on it tells."""
    out, texts = tmp_path / "out", tmp_path / "texts"
    run(replace(on_text, widths=(16,)), out)
    (out / "data.json").unlink()
    with pytest.warns(SweepWarning, match=f"the runs that are in {out} do not tell on which data"):
        assert bool(run(on_text, out).finished.all())
    write_text(texts, 9000)
    with pytest.raises(OtherDataError):
        run(replace(on_text, seeds=(0, 1)), out)
    (out / "data.json").write_text("{")
    with pytest.raises(CorruptRecordError, match=r"data\.json.* cannot be read; delete it if"):
        run(replace(on_text, seeds=(0, 1)), out)


@pytest.mark.parametrize("sees", [True, False])
def test_what_a_machine_with_another_text_trained_is_not_stored(tmp_path, on_text, sees, monkeypatch):
    """The text is another one for the second unit, as on the second machine of a cluster, whether it sees the
    run directory or not."""

    class Machines(InProcess):
        is_local = False

        def run(self, take, work, on_progress):
            def afar(unit, report):
                return work(unit if sees else replace(unit, directory=tmp_path / "unseen"), report)

            for finished in super().run(take, afar, on_progress):
                yield finished
                write_text(tmp_path / "texts", 9000)
                task_of.cache_clear()
                if sees:
                    monkeypatch.setattr(Pack, "advance", lambda *arguments: pytest.fail("trained"))

    table = run(on_text, tmp_path / "out", engine=Machines())
    assert table.finished.all(["seed", "lr"]).values.tolist() == [True, False]
    failed = Store(tmp_path / "out").failures(on_text)
    assert {one.kind for one in failed.values()} == {"OtherDataError"}
    assert len(failed) == 2


def test_further_hyperparameters_are_axes(tmp_path):
    """Two beta1 beside two rates: an axis of the table, a column, and an HP of the analysis."""
    table = run(setting(widths=(32,), seeds=(0,), hps=(("beta1", (0.5, 0.9)),)), tmp_path)
    assert table.loss.dims == ("width", "seed", "lr", "beta1")
    assert bool(table.finished.all())
    assert read_runs(tmp_path).hp_names == ("lr", "beta1")
    one = run(setting(widths=(32,), seeds=(0,), lrs=(2.0**-8,), hps=(("beta1", (0.5, 0.9)),)), tmp_path)
    assert one.loss.values.flatten().tolist() == table.loss.sel(lr=2.0**-8).values.flatten().tolist()
    assert read_runs(tmp_path).hp_names == ("beta1",)


def test_a_directory_with_runs_of_another_trainer_only_says_so(tmp_path, monkeypatch):
    run(setting(widths=(32,)), tmp_path)
    monkeypatch.setattr("sims.store.records.TRAINER_VERSION", TRAINER_VERSION + 1)
    with pytest.raises(
        RunDirectoryError, match=r"beside 4 finished runs of another grid or another.*results\.csv"
    ):
        read_runs(tmp_path)
    Store(tmp_path / "new").prepare(setting())
    with pytest.raises(RunDirectoryError, match=r"is finished; train it with `hptheory sweep`$"):
        read_runs(tmp_path / "new")


@pytest.mark.filterwarnings("ignore::sims.errors.FallbackWarning")  # the optimizer's own, step by step
def test_fallbacks_of_an_optimizer_are_said_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    small = replace(get_setting("llama_soap", "smoke"), widths=(16,), lrs=(2.0**-8, 2.0**-7), seeds=(0,))

    def failing(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        raise torch.linalg.LinAlgError("failed to converge")

    monkeypatch.setattr(torch.linalg, "eigh", failing)
    with pytest.warns(SweepWarning, match="width 16, 2 runs: .* the ones before were kept"):
        run(small, tmp_path / "runs", engine=InProcess())
    (counted,) = provenance(tmp_path / "runs")["pack_fallbacks"]
    assert counted > 0
