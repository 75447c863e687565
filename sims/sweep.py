"""A sweep: every run of a setting that the store lacks, unit by unit on an engine, with the results as one
table."""

from __future__ import annotations

import socket
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hptheory.errors import DomainError
from sims.devices import choose_device
from sims.engines import Engine, Failure, Finished, InProcess
from sims.errors import OtherDataError, SweepWarning
from sims.ledger import Ledger, Shift
from sims.placement import Choice, Site, choose, keep_compile
from sims.progress import Progress, Watch, loss_of
from sims.settings import Setting
from sims.settings.tasks import TaskConfig
from sims.stopping import stop_noted
from sims.store import Record, Run, Store, runs_of
from sims.store.claims import Claims
from sims.store.sources import keep_data
from sims.store.writing import INTERVAL
from sims.table import assemble, write_results
from sims.units import Trained, Unit, check_beforehand, train_unit

if TYPE_CHECKING:
    import xarray

POLL = 2.0
"""Seconds between looks at what other processes have stored."""


def run(
    setting: Setting,
    out: str | Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    engine: Engine | Sequence[Engine] | None = None,
    device: str = "cpu",
    data_dir: Path | None = None,
    pack_members: int | None = None,
    checkpoint_every: float = INTERVAL,
    compile: bool | None = None,
) -> xarray.Dataset:
    """The table of a sweep, after training whatever the run directory ``out`` does not hold yet.

    Every finished unit is stored at once, and what is being trained leaves a checkpoint every
    ``checkpoint_every`` seconds; stopped at any moment (a crash, SIGKILL), the same call goes on from there.
    At Ctrl-C the units of this machine first finish their step and write a checkpoint (a second Ctrl-C, or 40
    seconds in other processes, end that). Several processes, on one machine or on many that share the
    directory, share the runs; each returns when all are done. A unit that fails is stored as failed, disturbs
    no other, and is tried again by the next call. ``progress`` is called a few times a second.

    ``engine`` says where units are trained: by default here, one by one; of several engines of this machine,
    each width gets the one that a short measurement finds fastest, unless the sweep is short, which the first
    one trains. A unit holds the missing runs of a width, or at most ``pack_members`` of them, by default as
    many as the measurement finds fastest. What was measured is kept in the run directory
    (``sims.placement``), and what was chosen in the records.

    ``compile`` compiles forward and backward pass (``sims.compiled``); by default as the directory's runs so
    far were trained, at first without. Where it does not work, a ``SweepWarning`` says why, and runs are
    trained without; the records tell.

    Domain: one engine, or several of this machine, pack_members >= 1 and checkpoint_every >= 0,
    else ``DomainError``; a device that is there, else ``DeviceError``; ``out`` can be written, else
    ``OutputError``. Data that are absent or too few for a batch raise their errors (``DataError``,
    ``CorpusError``, ``TooLittleTextError``, ...) before anything is trained or written; on a cluster, whose
    machines have their own, the units fail. A text that is not the one that the runs in ``out`` were trained
    on raises ``OtherDataError``. A damaged record is set aside with a ``SweepWarning`` and its run
    repeated.

    *Laws*: interrupted and resumed equals uninterrupted; neither the size of the packs nor the engine changes
    anything (on the CPU, bit for bit).
    """
    if pack_members is not None and pack_members < 1:
        raise DomainError("pack_members", pack_members, "an integer >= 1")
    if not checkpoint_every >= 0:
        raise DomainError("checkpoint_every", checkpoint_every, "a number of seconds >= 0")
    engines = _engines(engine)
    if engines[0].is_local:
        device = str(choose_device(device))
    store = Store(out)
    losses = {one: loss_of(record.result) for one, record in _whole_records(store, setting).items()}
    if engines[0].is_local and len(losses) < len(runs_of(setting)):
        fingerprint = check_beforehand(setting.training, device, data_dir)
        _agree_on_data(store.directory, setting.training.task, fingerprint)
    store.prepare(setting)

    with Claims(store.directory) as claims, ExitStack() as opened:
        for one in engines:
            opened.enter_context(one)
        ledger = Ledger(store, setting, claims)
        site = Site(setting.training, device, data_dir, engines)
        watch = Watch(setting, ledger, losses, progress)
        make = partial(
            Unit,
            store.directory,
            setting.training,
            device=device,
            data_dir=data_dir,
            checkpoint_every=checkpoint_every,
            compile=_compiling(compile, store.directory, begun=bool(losses)),
        )
        shifts = [
            Shift(one, packs, partial(make, engine=one.label))
            for one, packs in _packs(site, ledger, pack_members).items()
        ]
        # Tasks on a cluster aren't asked to end: they are ended, and go on from their last checkpoint.
        with stop_noted() if engines[0].is_local else nullcontext(lambda: False) as stopping:
            _train(shifts, ledger, watch, stopping)
        ledger.tidy()
    # Not `load`, which asks the directory: another sweep may have begun in it meanwhile.
    dataset = assemble(setting, store.records(setting))
    write_results(dataset, Path(out))
    return dataset


def _train(shifts: Sequence[Shift], ledger: Ledger, watch: Watch, stopping: Callable[[], bool]) -> None:
    """Have units trained, here and by others, until all are; once stopping, no further ones are begun."""

    def on_progress(unit: Unit, step: int, steps: int) -> bool:
        watch.on_progress(unit, step, steps)
        return stopping()

    def unless_stopping(take: Callable[[], Unit | None]) -> Callable[[], Unit | None]:
        return lambda: None if stopping() else take()

    while not stopping():
        for shift in shifts:
            take = unless_stopping(ledger.hands(shift))
            for finished in shift.engine.run(take, train_unit, on_progress):
                _settle(finished, ledger, watch)
        watch.on_pause()
        if not ledger.missing:
            break
        time.sleep(POLL)


def _engines(given: Engine | Sequence[Engine] | None) -> list[Engine]:
    """The engines to choose from."""
    engines = [given or InProcess()] if given is None or isinstance(given, Engine) else list(given)
    if not engines or (len(engines) > 1 and not all(engine.is_local for engine in engines)):
        names = [engine.label for engine in engines]
        raise DomainError("engine", names, "one engine, or several of this machine")
    return engines


def _compiling(asked: bool | None, directory: Path, *, begun: bool) -> bool:
    """Whether steps are compiled; a change in the middle of a sweep is told."""
    before, now = keep_compile(asked, directory)
    if begun and before is not now:
        warnings.warn(
            f"from now on runs are trained {'with' if now else 'without'} torch.compile, unlike those "
            "before: their losses are comparable within rounding only",
            SweepWarning,
            stacklevel=3,
        )
    return now


def _packs(site: Site, ledger: Ledger, pack_members: int | None) -> dict[Engine, dict[int, int]]:
    """Which engine trains which widths, in packs of at most how many runs."""
    missing = {
        width: [ledger.runs[key] for key in keys]
        for width, keys in ledger.by_width(ledger.setting.widths).items()
    }
    if not site.engines[0].is_local:  # what fits into the memory elsewhere is not known here
        choices = {width: Choice(site.engines[0], len(runs)) for width, runs in missing.items()}
    else:
        choices = choose(site, missing, ledger.store.directory)
    packs: dict[Engine, dict[int, int]] = {engine: {} for engine in site.engines}
    for width, choice in choices.items():
        packs[choice.engine][width] = pack_members or choice.pack
    return {engine: some for engine, some in packs.items() if some}


def _settle(finished: Finished[Unit, Trained], ledger: Ledger, watch: Watch) -> None:
    """Store what became of a unit."""
    unit, result = finished.unit, finished.result
    if isinstance(result, Trained):
        try:  # a machine that does not see the run directory has checked nothing
            _agree_on_data(ledger.store.directory, unit.training.task, result.provenance["data"])
        except OtherDataError as error:
            result = Failure.of(error)
    if isinstance(result, Failure):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ledger.store_failure(unit, result, when, socket.gethostname())
        watch.on_failed(unit)
        return
    for note in result.notes:
        warnings.warn(note, SweepWarning, stacklevel=3)
    ledger.store_results(unit, result)
    watch.on_stored(unit, result.results)


def _agree_on_data(directory: Path, task: TaskConfig, fingerprint: str | None) -> None:
    """See ``keep_data``; its sentence is a warning."""
    if note := keep_data(directory, task, fingerprint):
        warnings.warn(note, SweepWarning, stacklevel=3)


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
