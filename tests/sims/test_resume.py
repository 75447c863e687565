"""Sweeps that are killed, share a directory, lose a checkpoint or the disk: they end with the same bits."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import xarray

from hptheory.files import OutputError
from sims import commands, sweep
from sims.engines import InProcess, Report, Workers
from sims.errors import SweepWarning
from sims.progress import Progress
from sims.status import read_status
from sims.store import Store, load, run_key, runs_of
from sims.store.checkpoints import Checkpoint, stored_packs
from sims.store.claims import Claims, holders
from sims.sweep import run
from sims.units import Trained, Unit
from tests.sims.killing import killed_setting, start


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[xarray.Dataset, dict[str, Any]]:
    """The sweep, uninterrupted and without a checkpoint: its table, and the results in its records."""
    directory = tmp_path_factory.mktemp("whole")
    return run(killed_setting(), directory, checkpoint_every=1e9), results(directory)


def results(directory: Path) -> dict[str, Any]:
    """Every number that is stored, by key: JSON keeps all bits of a float."""
    return {path.stem: json.loads(path.read_bytes())["result"] for path in directory.glob("runs/*.json")}


def killed_many_times(folder: Path, kills: int, whole: tuple[xarray.Dataset, dict[str, Any]]) -> None:
    """SIGKILL after random times, again and again; whenever a sweep gets to its end, it is compared and a new
    one begun."""
    moments = random.Random(0)
    directory, begun = folder / "0", 0
    longest = 2.0  # seconds; about what a sweep takes, so that kills fall into all of it
    while kills > 0:
        process = start(directory)
        process.join(moments.uniform(0, longest))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills -= 1
        else:
            assert process.exitcode == 0
        process.close()
        if len(results(directory)) == len(runs_of(killed_setting())):
            assert run(killed_setting(), directory).identical(whole[0])
            assert results(directory) == whole[1]
            begun += 1
            directory = folder / str(begun)
    assert run(killed_setting(), directory).identical(whole[0])
    assert results(directory) == whole[1]
    assert stored_packs(directory) == []
    for left in ("claims", "workers"):
        assert list((directory / left).iterdir()) == []


def test_killed_at_random_moments_ends_with_the_same_bits(tmp_path, whole):
    killed_many_times(tmp_path, 4, whole)


@pytest.mark.slow
def test_killed_twenty_times_ends_with_the_same_bits(tmp_path, whole):
    killed_many_times(tmp_path, 20, whole)


class StopAt:
    """A progress callback that presses Ctrl-C when the unit of a width has come to a step."""

    def __init__(self, width: int, step: int) -> None:
        self.width, self.step = width, step
        self.first: dict[int, int] = {}

    def __call__(self, progress: Progress) -> None:
        for unit in progress.training:
            self.first.setdefault(unit.width, unit.step)
            if unit.width == self.width and unit.step >= self.step:
                raise KeyboardInterrupt


def interrupted(directory: Path) -> StopAt:
    """A sweep that was stopped in the middle of its second unit, and left a checkpoint."""
    stop = StopAt(64, 60)
    with pytest.raises(KeyboardInterrupt):
        run(killed_setting(), directory, stop, checkpoint_every=0.0)
    assert len(stored_packs(directory)) == 1
    return stop


@pytest.mark.parametrize("kind", [InProcess, partial(Workers, 1)], ids=["in process", "workers"])
def test_a_sigterm_loses_no_finished_step(tmp_path, whole, kind):
    """Whenever it comes, and without a checkpoint before: here, in the middle of the second unit."""
    told: list[int] = []

    def progress(now: Progress) -> None:
        steps = [unit.step for unit in now.training if unit.width == 64]
        if steps and steps[0] >= 5 and not told:
            signal.raise_signal(signal.SIGTERM)
        told.extend(step for step in steps if step >= 5)

    with pytest.raises(SystemExit), commands.stoppable(tmp_path):
        run(killed_setting(), tmp_path, progress, engine=kind(), checkpoint_every=1e9)
    again = StopAt(0, 0)
    table = run(killed_setting(), tmp_path, again)
    # Workers may have come further than they told, to the end even; what they told is there in any case.
    assert again.first.keys() <= {64}
    assert again.first.get(64, told[-1]) >= told[-1] >= 5
    assert table.identical(whole[0])
    assert results(tmp_path) == whole[1]


def test_a_checkpoint_is_gone_on_from(tmp_path, whole):
    interrupted(tmp_path)
    again = StopAt(0, 0)
    table = run(killed_setting(), tmp_path, again)
    assert again.first.keys() == {64}
    assert again.first[64] > 0
    assert table.identical(whole[0])
    assert results(tmp_path) == whole[1]
    assert stored_packs(tmp_path) == []


@pytest.mark.parametrize("damage", ["half", "bit", "empty"])
def test_a_damaged_checkpoint_costs_its_unit_alone(tmp_path, whole, damage):
    interrupted(tmp_path)
    (path,) = tmp_path.glob("checkpoints/*.safetensors")
    content = bytearray(path.read_bytes())
    if damage == "bit":
        content[-5] ^= 1
    path.write_bytes({"half": content[: len(content) // 2], "bit": content, "empty": b""}[damage])
    with pytest.warns(SweepWarning, match=rf"{path.name} is damaged .* 6 runs of width 64 start again"):
        table = run(killed_setting(), tmp_path)
    assert table.identical(whole[0])
    assert not path.exists()


def test_other_packs_than_the_checkpoints_give_the_same_bits(tmp_path, whole):
    """One of its runs is another process's: the checkpoint is left alone, the others are trained anew."""
    interrupted(tmp_path)
    setting = killed_setting()
    one = runs_of(setting)[-1]
    with Claims(tmp_path) as other:
        assert other.take([run_key(setting.training, one)])
        stop = StopAt(0, 0)

        class Enough(Exception):
            pass

        def until_alone(progress: Progress) -> None:
            stop(progress)
            if progress.elsewhere == 1 and progress.finished == 11:
                raise Enough

        with pytest.raises(Enough):
            run(setting, tmp_path, until_alone)
        assert stop.first[64] == 0
    assert run(setting, tmp_path).identical(whole[0])
    assert stored_packs(tmp_path) == []


def test_a_full_disk_at_a_checkpoint_is_a_warning(tmp_path, whole, monkeypatch):
    def full(checkpoint: Checkpoint, *content: object) -> None:
        raise OutputError(checkpoint.path, OSError(28, "No space left on device"))

    monkeypatch.setattr(Checkpoint, "write", full)
    with pytest.warns(SweepWarning, match=r"no checkpoint: cannot write .*No space left on device"):
        table = run(killed_setting(), tmp_path, checkpoint_every=0.0)
    assert table.identical(whole[0])


def test_two_processes_share_a_sweep_and_train_nothing_twice(tmp_path, whole):
    log = tmp_path / "log"
    processes = [start(tmp_path, log, pack_members=1) for _ in range(2)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert results(tmp_path) == whole[1]
    assert set(Counter(log.read_text().split()).values()) == {1}
    assert load(tmp_path).identical(whole[0])


def test_a_process_takes_over_from_one_that_is_killed(tmp_path, whole):
    victim = start(tmp_path, pack_members=3)
    while not holders(tmp_path):
        victim.join(0.01)
        assert victim.exitcode is None
    survivor = start(tmp_path, pack_members=3)
    victim.kill()
    survivor.join(120)
    assert survivor.exitcode == 0
    victim.join()
    assert results(tmp_path) == whole[1]


def test_workers_give_the_same_bits(tmp_path, whole):
    # One worker: importing torch in a second one would take most of the time.
    assert run(killed_setting(), tmp_path, engine=Workers(1)).identical(whole[0])
    assert results(tmp_path) == whole[1]


def test_a_unit_that_fails_is_stored_and_tried_again_by_the_next_call(tmp_path, whole, monkeypatch):
    real = sweep.train_unit

    def small_memory(unit: Unit, report: Report) -> Trained:
        if unit.width == 32:
            raise RuntimeError("not enough memory: you tried to allocate 8 GB\nat some place")
        return real(unit, report)

    setting = killed_setting()
    with monkeypatch.context() as patched:
        patched.setattr(sweep, "train_unit", small_memory)
        table = run(setting, tmp_path)
    assert table.finished.sel(width=64).all()
    assert not table.finished.sel(width=32).any()
    failures = Store(tmp_path).failures(setting)
    assert [one.width for one in failures] == [32] * 6
    assert {one.kind for one in failures.values()} == {"RuntimeError"}
    assert all("in small_memory\n" in one.traceback for one in failures.values())
    assert all("in small_memory" in Path(one.file).read_text() for one in failures.values())
    told = str(read_status(tmp_path))
    assert "digits (smoke): 6 of 12 runs done, 2 diverged, 6 failed\n" in told
    assert "failed: width 32, 6 runs: not enough memory: you tried to allocate 8 GB (" in told
    assert f"; traceback in {next(iter(failures.values())).file})" in told
    assert run(setting, tmp_path).identical(whole[0])
    assert Store(tmp_path).failures(setting) == {}
    assert "failed" not in str(read_status(tmp_path))
