"""A sweep: every run of a setting that the store lacks, in packs of one width, with the results as one
table."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import hptheory
from hptheory.errors import DomainError
from sims.settings import Setting
from sims.store import Run, Store, load, runs_of
from sims.table import write_results
from sims.tasks import Task, load_task
from sims.train import Member, Outcome, train_pack

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Progress:
    """How far a sweep has come: runs stored of all runs, what is being trained, and the share of the work
    done."""

    finished: int
    total: int
    width: int
    step: int
    steps: int
    share: float


def run(
    setting: Setting,
    out: str | Path,
    progress: Callable[[Progress], None] | None = None,
    *,
    pack_members: int | None = None,
) -> xarray.Dataset:
    """The table of a sweep, after training whatever the run directory ``out`` does not hold yet.

    Every finished pack is stored at once; stopped at any moment (Ctrl-C, a crash), what was stored stays, and
    the same call goes on from there. ``progress`` is called at every evaluation. A pack holds all missing
    runs of a width, or at most ``pack_members`` of them: a matter of memory and of how much an interruption
    loses.

    Domain: pack_members >= 1, else ``DomainError``; ``out`` can be written, else ``OutputError``; a damaged
    record raises ``CorruptRecordError`` before anything is trained.

    *Laws*: interrupted and resumed equals uninterrupted; the size of the packs changes nothing (on the CPU,
    bit for bit).
    """
    if pack_members is not None and pack_members < 1:
        raise DomainError("pack_members", pack_members, "an integer >= 1")
    store = Store(out)
    store.prepare(setting)
    stored = store.records(setting)
    missing = [one for one in runs_of(setting) if one not in stored]
    task = load_task(setting.training.task)
    watch = _Watch(setting, missing, progress)
    for width, pack in packs(missing, pack_members):
        started = time.perf_counter()
        members = [Member(one.lr, one.seed, one.hps) for one in pack]
        outcomes = train_pack(
            setting.training, width, members, task, on_progress=watch.on_progress(width, pack)
        )
        provenance = _provenance(task, setting.training.precision, len(pack), time.perf_counter() - started)
        for one, outcome in zip(pack, outcomes, strict=True):
            store.write(setting.training, one, _result(outcome), provenance)
        watch.on_stored(width, pack)
    if not missing:
        watch.on_stored(setting.widths[-1], [])
    dataset = load(out)
    write_results(dataset, Path(out))
    return dataset


def packs(runs: Sequence[Run], pack_members: int | None = None) -> Iterator[tuple[int, list[Run]]]:
    """The runs in groups of one width, each of at most ``pack_members``, in the order given.

    >>> runs = [Run(32, 0.1, 0), Run(32, 0.2, 0), Run(32, 0.3, 0), Run(64, 0.1, 0)]
    >>> [(width, len(pack)) for width, pack in packs(runs, 2)]
    [(32, 2), (32, 1), (64, 1)]
    """
    for width, group in groupby(runs, key=lambda one: one.width):
        same_width = list(group)
        size = pack_members or len(same_width)
        for first in range(0, len(same_width), size):
            yield width, same_width[first : first + size]


class _Watch:
    """The count of what is done, told to the caller at each evaluation and after each pack."""

    def __init__(
        self, setting: Setting, missing: Sequence[Run], progress: Callable[[Progress], None] | None
    ) -> None:
        self.progress, self.steps = progress, 0
        self.total = len(runs_of(setting))
        self.finished = self.total - len(missing)
        self.work, self.all_work = 0.0, sum(_work(one.width) for one in missing)

    def on_progress(self, width: int, pack: Sequence[Run]) -> Callable[[int, int], None]:
        """A function of the steps done and of all steps, for the trainer to call."""

        def tell(step: int, steps: int) -> None:
            self.steps = steps
            self._tell(width, step, self.work + len(pack) * _work(width) * step / steps)

        return tell

    def on_stored(self, width: int, pack: Sequence[Run]) -> None:
        """Count a pack whose records are on disk."""
        self.finished += len(pack)
        self.work += len(pack) * _work(width)
        self._tell(width, self.steps, self.work)

    def _tell(self, width: int, step: int, work: float) -> None:
        if self.progress is not None:
            share = work / self.all_work if self.all_work else 1.0
            self.progress(Progress(self.finished, self.total, width, step, self.steps, share))


def _work(width: int) -> int:
    """The time of a run in arbitrary units: proportional to width, plus what every width costs (measured)."""
    return width + 32


def _result(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON can hold it: numbers that are not finite as None."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {name: plain(value) for name, value in asdict(outcome).items()}


def _provenance(task: Task, precision: str, members: int, seconds: float) -> dict[str, Any]:
    """Where and how a pack was trained; ``seconds`` is each member's share of the time."""
    return {
        "hptheory": hptheory.__version__,
        "torch": torch.__version__,
        "device": str(task.device),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "dtype": str(task.dtype).removeprefix("torch."),
        "precision": precision,
        "pack_members": members,
        "seconds": seconds / members,
    }
