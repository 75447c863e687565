"""A unit of a sweep: some runs of one width, trained together, from its last checkpoint to the end.

What an engine works on: a unit goes in, the results of its runs come out; nothing is written but its
checkpoint, and on which data it trains. It can be cut off anywhere and begun again anywhere that sees the
checkpoint.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch

from sims.compiled import CompiledLosses, member_losses
from sims.devices import choose_device
from sims.engines import Report
from sims.errors import CheckpointError, SweepWarning
from sims.members import Member, Outcome
from sims.optim.eigen import fallbacks_in
from sims.precision import matmul_precision
from sims.settings import Training
from sims.settings.tasks import TaskConfig
from sims.store import Run, run_key
from sims.store.checkpoints import Checkpoint
from sims.store.environment import environment
from sims.store.sources import keep_data
from sims.store.writing import INTERVAL, Writer
from sims.tasks import Task, load_task
from sims.train import Pack, steps_of

STRETCH = 0.5
"""Seconds of training between two reports of progress, about."""


@dataclass(frozen=True)
class Unit:
    """What is trained, and where: everything that a process elsewhere needs to do it."""

    directory: Path
    training: Training
    width: int
    runs: tuple[Run, ...]
    device: str = "cpu"
    data_dir: Path | None = None
    checkpoint_every: float = INTERVAL
    compile: bool = False
    engine: str = ""
    """What trains it, for the record."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys of the runs, in their order; worked out once, since every report of progress asks."""
        return tuple(run_key(self.training, run) for run in self.runs)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where its state is kept."""
        return Checkpoint(self.directory, self.keys)


@dataclass(frozen=True)
class Trained:
    """The results of a unit's runs as JSON can hold them, how they came about, and what went wrong."""

    results: tuple[dict[str, Any], ...]
    provenance: dict[str, Any]
    notes: tuple[str, ...] = ()


def train_unit(unit: Unit, report: Report) -> Trained:
    """Train the unit's runs to the end; ``report`` is told the steps done and all steps, twice a second.

    Where ``report`` asks for it, the state goes into a checkpoint, and the end is ``KeyboardInterrupt``.

    *Laws*: the results do not depend on interruptions, on checkpoints, nor on the stretches between reports
    (on the CPU, bit for bit). A checkpoint that cannot be read or written is a note, not a failure.
    """
    started, notes = time.time(), []
    device = choose_device(unit.device)
    task = task_of(unit.training.task, device, unit.data_dir)
    # On a machine that does not see the run directory there is nobody to read a checkpoint.
    keeping = (unit.directory / "setting.json").exists()
    if keeping:  # a worker has read the data for itself, and another machine its own
        note = keep_data(unit.directory, unit.training.task, task.fingerprint)
        notes += [note] if note else []
    members = [Member(run.lr, run.seed, run.hps) for run in unit.runs]
    compiled = CompiledLosses() if unit.compile else None
    pack = Pack(unit.training, unit.width, members, task, losses_of=compiled or member_losses)
    spent = 0.0
    try:
        saved = unit.checkpoint.read()
    except CheckpointError as error:
        notes.append(f"{error}; its {len(unit.runs)} runs of width {unit.width} start again")
        saved = None
    if saved is not None:
        pack.restore(saved.state)
        spent = saved.seconds
    clock = time.perf_counter()
    if report(pack.steps_done, pack.steps_total):
        raise KeyboardInterrupt
    with Writer(unit.checkpoint, unit.checkpoint_every) as writer:
        for stretch in _stretches():
            pack.advance(stretch)
            ending = report(pack.steps_done, pack.steps_total)
            if pack.steps_done == pack.steps_total:
                break
            if keeping:
                writer.offer(pack.state, spent + time.perf_counter() - clock, at_once=bool(ending))
            if ending:
                break
    notes += writer.notes
    if pack.steps_done < pack.steps_total:
        for note in notes:
            warnings.warn(note, SweepWarning, stacklevel=2)
        raise KeyboardInterrupt
    notes += [compiled.note] if compiled is not None and compiled.note else []
    if fallbacks := fallbacks_in(pack.optimizer.state.values()):
        notes.append(
            f"width {unit.width}, {len(unit.runs)} runs: {fallbacks} eigendecompositions or statistics were "
            "not finite; the ones before were kept"
        )
    outcomes = pack.outcomes()
    seconds = spent + time.perf_counter() - clock
    provenance = environment(device) | {
        "data": task.fingerprint,
        "dtype": str(task.dtype).removeprefix("torch."),
        "precision": unit.training.precision,
        "compiled": compiled is not None and compiled.note is None,
        "engine": unit.engine,
        "pack_members": len(unit.runs),
        "pack_fallbacks": fallbacks,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": seconds / len(unit.runs),
    }
    return Trained(tuple(map(as_json, outcomes)), provenance, tuple(dict.fromkeys(notes)))


def check_beforehand(training: Training, device: str, data_dir: Path | None) -> str | None:
    """The data's fingerprint (``Task``), if this machine has what the runs need; else the error that every
    one of them would end with.

    The data are there and enough for a batch and a validation set, the length of a run is known, and the
    device has the precision. The data are read again, even if this process has done so before.
    """
    task_of.cache_clear()
    place = choose_device(device)
    task = task_of(training.task, place, data_dir)
    steps_of(training, task)
    task.batch(0, [0], training.batch_size)
    task.validation()
    with matmul_precision(training.precision, place):
        pass
    return task.fingerprint


@lru_cache(maxsize=1)
def task_of(config: TaskConfig, device: torch.device, data_dir: Path | None) -> Task:
    """The task, kept from one unit of a process to the next: its data are read once."""
    return load_task(config, device=device, data_dir=data_dir)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON can hold it: numbers that are not finite as None."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {name: plain(value) for name, value in asdict(outcome).items()}


def _stretches() -> Iterator[int]:
    """Numbers of steps, each to be done before the next is asked for, that take about ``STRETCH`` seconds."""
    steps = 1
    while True:
        began = time.perf_counter()
        yield steps
        seconds = time.perf_counter() - began
        if seconds < STRETCH / 2:
            steps *= 2
        elif seconds > STRETCH:
            steps = max(1, steps // 2)
