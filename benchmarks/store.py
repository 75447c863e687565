"""What the store costs: records, claims, progress and checkpoints of a sweep, against its training.

The first row counts within one run the processor time that is not training, so that a noisy machine does not
matter; the second compares two runs, one without a store, and is as noisy as the machine. How many runs are
trained together is given here: measuring it, at the start of a sweep, is no part of the store.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.harness import Row, cpu_seconds

WIDTH = 1024
RUNS = 27
LONG = 60  # epochs of 37 steps: a run of about a minute on one core
SHORT = 8  # epochs of the runs that are compared with training alone
REPEATS = 5


def rows() -> Iterator[Row]:
    """The share of a long run that the store takes; what a checkpoint and a unit cost."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the time of the training thread is then that of the training
    try:
        _stored(1, checkpoint_every=0.0)  # imports, data
        yield _long_run()
        yield _against_training_alone()
        yield _one_checkpoint()
        yield _one_unit()
    finally:
        torch.set_num_threads(threads)


def _long_run() -> Row:
    from sims.store.writing import INTERVAL

    with _timed_training() as training:
        total = _seconds(lambda: _stored(LONG, checkpoint_every=INTERVAL / 4))
    (spent,) = training
    return Row(
        f"{RUNS} runs, four times as many checkpoints",
        f"{total - spent:.2f} s",
        f"their training: {spent:.1f} s",
        f"{total / spent - 1:.2%}",
        "< 3 %, >= 20 s",
        total / spent - 1 < 0.03 and spent >= 20,
    )


def _against_training_alone() -> Row:
    """Two runs by turns. No goal: between two runs the processor's speed differs by more than the store."""
    from sims.train import train_pack

    setting, members, task = _work(SHORT)

    def bare() -> None:
        train_pack(setting.training, WIDTH, members, task)

    def stored() -> None:
        _stored(SHORT)

    bare()
    pairs = [(_seconds(bare), _seconds(stored)) for _ in range(REPEATS)]
    alone, with_store = (statistics.median(times) for times in zip(*pairs, strict=True))
    added = statistics.median(with_store / alone - 1 for alone, with_store in pairs)
    return Row(
        "the same, shorter, a checkpoint a minute",
        f"{with_store:.2f} s",
        f"without a store: {alone:.2f} s",
        f"{added:+.1%}",
    )


def _one_checkpoint() -> Row:
    from sims.store.checkpoints import Checkpoint
    from sims.store.writing import INTERVAL
    from sims.train import Pack

    setting, members, task = _work(SHORT)
    pack = Pack(setting.training, WIDTH, members, task)
    pack.advance(1)
    size = sum(tensor.nbytes for tensor in pack.state().values())
    with tempfile.TemporaryDirectory() as place:
        checkpoint = Checkpoint(Path(place), ("benchmark",))
        copied = cpu_seconds(pack.state, REPEATS)
        whole = cpu_seconds(lambda: checkpoint.write(pack.state(), 0.0), REPEATS)
    return Row(
        f"one checkpoint of {size / 1e6:.0f} MB",
        f"{1e3 * whole:.0f} ms",
        f"copy that holds up training: {1e3 * copied:.0f} ms",
        f"{whole / INTERVAL:.2%}",
        "< 1 % of the time",
        whole / INTERVAL < 0.01,
    )


def _one_unit() -> Row:
    """A sweep whose units are trained already: what is left is the store's. The difference of two sweeps is a
    unit's; the rest, the sweep's own."""
    from sims import sweep
    from sims.engines import Report
    from sims.units import Trained, Unit, train_unit

    known: dict[int, Trained] = {}

    def remembered(unit: Unit, report: Report) -> Trained:
        if unit.width not in known:
            known[unit.width] = train_unit(unit, report)
        return known[unit.width]

    widths = (8, 16, 32, 64)
    with patch.object(sweep, "train_unit", remembered):
        _stored(1, widths=widths)
        one = cpu_seconds(lambda: _stored(1, widths=widths[:1]), REPEATS)
        four = cpu_seconds(lambda: _stored(1, widths=widths), REPEATS)
    unit = (four - one) / 3
    return Row(
        f"one unit of {RUNS} runs, without its training",
        f"{1e3 * unit:.0f} ms",
        f"a sweep, without its units: {1e3 * (one - unit):.0f} ms",
        "",
        "< 100 ms",
        unit < 0.1,
    )


def _stored(epochs: int, *, widths: tuple[int, ...] = (WIDTH,), checkpoint_every: float = 60.0) -> None:
    from sims.sweep import run

    setting = replace(_work(epochs)[0], widths=widths)
    with tempfile.TemporaryDirectory() as place:
        run(setting, Path(place), checkpoint_every=checkpoint_every, pack_members=RUNS)


def _work(epochs: int) -> tuple[Any, list[Any], Any]:
    """Digits at one width, nine rates and three seeds: the setting, the members, the task."""
    from sims.members import Member
    from sims.settings import get_setting
    from sims.store import runs_of
    from sims.tasks import load_task

    setting = get_setting("digits", "cpu")
    training = replace(setting.training, epochs=epochs, evaluations=epochs)
    setting = replace(setting, training=training, widths=(WIDTH,))
    members = [Member(one.lr, one.seed, one.hps) for one in runs_of(setting)]
    return setting, members, load_task(setting.training.task)


@contextmanager
def _timed_training() -> Iterator[list[float]]:
    """The processor time that training takes inside, of the thread that trains: network and steps."""
    from sims import units
    from sims.train import Pack

    spent = [0.0]

    class Timed(Pack):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            start = time.thread_time()
            super().__init__(*arguments, **options)
            spent[0] += time.thread_time() - start

        def advance(self, steps: int) -> None:
            start = time.thread_time()
            super().advance(steps)
            spent[0] += time.thread_time() - start

    with patch.object(units, "Pack", Timed):
        yield spent


def _seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start
