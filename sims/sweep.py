"""A sweep: every run of a setting that the store lacks, unit by unit on an engine, with the results as one
table."""

from __future__ import annotations

import socket
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hptheory.errors import DomainError, HPTheoryError
from sims.devices import choose_device
from sims.engines import Engine, Failure, Finished, InProcess
from sims.errors import SweepWarning
from sims.ledger import Ledger
from sims.progress import Progress, Watch, loss_of
from sims.settings import Setting
from sims.store import Record, Run, Store, load, runs_of
from sims.store.checkpoints import INTERVAL
from sims.store.claims import Claims
from sims.table import write_results
from sims.throughput import pack_size
from sims.units import Trained, Unit, task_of, train_unit

if TYPE_CHECKING:
    import xarray

POLL = 2.0
"""Seconds between looks at what other processes have stored."""


def run(
    setting: Setting,
    out: str | Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    engine: Engine | None = None,
    device: str = "cpu",
    data_dir: Path | None = None,
    pack_members: int | None = None,
    checkpoint_every: float = INTERVAL,
) -> xarray.Dataset:
    """The table of a sweep, after training whatever the run directory ``out`` does not hold yet.

    Every finished unit is stored at once, and what is being trained leaves a checkpoint every
    ``checkpoint_every`` seconds; stopped at any moment (Ctrl-C, a crash, SIGKILL), the same call goes on from
    there. Several processes, on one machine or on many that share the directory, share the runs; each returns
    when all are done. A unit that fails is stored as failed, disturbs no other, and is tried again by the
    next call. ``progress`` is called a few times a second. A unit holds the missing runs of a width, or at
    most ``pack_members`` of them, by default as many as a short measurement finds fastest; ``engine`` says
    where units are trained (default: here, one by one).

    Domain: pack_members >= 1 and checkpoint_every >= 0, else ``DomainError``; a device that is there, else
    ``DeviceError``; ``out`` can be written, else ``OutputError``. A damaged record is set aside with a
    ``SweepWarning`` and its run repeated.

    *Laws*: interrupted and resumed equals uninterrupted; neither the size of the packs nor the engine changes
    anything (on the CPU, bit for bit).
    """
    if pack_members is not None and pack_members < 1:
        raise DomainError("pack_members", pack_members, "an integer >= 1")
    if not checkpoint_every >= 0:
        raise DomainError("checkpoint_every", checkpoint_every, "a number of seconds >= 0")
    engine = engine or InProcess()
    if engine.is_local:
        device = str(choose_device(device))
    store = Store(out)
    store.prepare(setting)
    losses = {one: loss_of(record.result) for one, record in _whole_records(store, setting).items()}

    def make(width: int, runs: tuple[Run, ...]) -> Unit:
        return Unit(store.directory, setting.training, width, runs, device, data_dir, checkpoint_every)

    def packing(width: int, missing: int) -> int:
        share = max(1, -(-missing // engine.slots))
        if pack_members or not engine.is_local:
            return pack_members or share
        runs = [run for run in runs_of(setting) if run.width == width][:missing]
        try:
            task = task_of(setting.training.task, choose_device(device), data_dir)
        except HPTheoryError:
            return share  # the unit fails with the same error, and is stored as failed
        return min(share, pack_size(setting.training, width, runs, task, kept=store.directory))

    with Claims(store.directory) as claims, engine:
        ledger = Ledger(store, setting, claims, make, packing, widest_first=engine.slots > 1)
        watch = Watch(setting, ledger, losses, progress)
        while True:
            for finished in engine.run(ledger.take, train_unit, watch.on_progress):
                _settle(finished, ledger, watch)
            watch.on_pause()
            if not ledger.missing:
                break
            time.sleep(POLL)
        ledger.tidy()
    dataset = load(out)
    write_results(dataset, Path(out))
    return dataset


def _settle(finished: Finished[Unit, Trained], ledger: Ledger, watch: Watch) -> None:
    """Store what became of a unit."""
    unit, result = finished.unit, finished.result
    if isinstance(result, Failure):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ledger.store_failure(unit, result, when, socket.gethostname())
        watch.on_failed(unit)
        return
    for note in result.notes:
        warnings.warn(note, SweepWarning, stacklevel=3)
    ledger.store_results(unit, result)
    watch.on_stored(unit, result.results)


def _whole_records(store: Store, setting: Setting) -> dict[Run, Record]:
    """The finished runs; damaged records are set aside, so that their runs are repeated."""
    records, damaged = store.readable(setting)
    for run, path in damaged.items():
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        warnings.warn(
            f"the record {path} was damaged; it is kept as {aside.name}, and its run (width {run.width}, "
            f"lr {run.lr:.4g}, seed {run.seed}) is repeated",
            SweepWarning,
            stacklevel=3,
        )
    return records
