"""What the store costs: a sweep with records, claims and checkpoints, against bare training."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.harness import Row

REPEATS = 5
WIDTHS = (128, 256)
CHECKPOINT_EVERY = 1.0  # sixty times as often as by default


def rows() -> Iterator[Row]:
    """The share of processor time that the store adds, median of interleaved repeats."""
    from sims.members import Member
    from sims.settings import get_setting
    from sims.store import runs_of
    from sims.sweep import run
    from sims.tasks import load_task
    from sims.train import train_pack

    setting = replace(get_setting("digits", "cpu"), widths=WIDTHS)
    task = load_task(setting.training.task)

    def bare() -> None:
        for width in WIDTHS:
            runs = [one for one in runs_of(setting) if one.width == width]
            members = [Member(one.lr, one.seed, one.hps) for one in runs]
            train_pack(setting.training, width, members, task)

    def stored() -> None:
        with tempfile.TemporaryDirectory() as place:
            run(setting, Path(place), checkpoint_every=CHECKPOINT_EVERY)

    stored()  # warms both: imports, data
    pairs = [(_seconds(bare), _seconds(stored)) for _ in range(REPEATS)]
    added = statistics.median(with_store / alone - 1 for alone, with_store in pairs)
    alone, with_store = (statistics.median(times) for times in zip(*pairs, strict=True))
    yield Row(
        f"digits, widths {WIDTHS}, a checkpoint a second",
        f"{with_store:.2f} s",
        f"without a store: {alone:.2f} s",
        f"{added:+.1%}",
        "< 3 %",
        added < 0.03,
    )


def _seconds(function: Callable[[], None]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start
