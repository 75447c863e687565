"""How far a sweep has come: told to whoever watches, and to the other processes through the heartbeat."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sims.ledger import Ledger, effort
from sims.settings import Setting
from sims.store import Run, runs_of
from sims.units import Unit

LOOK = 2.0
"""Seconds between looks at what other processes do."""


@dataclass(frozen=True)
class InTraining:
    """A unit that is being trained: its width, how many runs it has, and the steps they have done."""

    width: int
    runs: int
    step: int = 0
    steps: int = 0

    @property
    def share(self) -> float:
        """The part that is done."""
        return self.step / self.steps if self.steps else 0.0


@dataclass(frozen=True)
class Progress:
    """How far a sweep has come.

    ``finished`` runs of ``total`` are stored, ``failed`` could not be trained by this call, ``elsewhere`` are
    being trained by other processes; ``training`` are the units of this one. ``share`` is the part of the
    work that is done. ``losses`` holds the validation loss of every stored run (infinite: diverged).
    """

    finished: int
    total: int
    failed: int = 0
    elsewhere: int = 0
    training: tuple[InTraining, ...] = ()
    share: float = 0.0
    losses: Mapping[Run, float] = field(default_factory=dict)


class Watch:
    """Keeps the count of a sweep, and passes it on."""

    def __init__(
        self,
        setting: Setting,
        ledger: Ledger,
        losses: dict[Run, float],
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.ledger, self.losses, self.progress = ledger, losses, progress
        self.total = len(runs_of(setting))
        self.failed = self.elsewhere = 0
        self.units: dict[tuple[str, ...], InTraining] = {}
        self.work = self.all_work = sum(effort(ledger.runs[key].width) for key in ledger.missing)
        self._looked = -math.inf

    def on_progress(self, unit: Unit, step: int, steps: int) -> None:
        """A unit has come so far."""
        self.units[unit.keys] = InTraining(unit.width, len(unit.runs), step, steps)
        self._look()
        self.tell()

    def on_stored(self, unit: Unit, results: Iterable[Mapping[str, Any]]) -> None:
        """A unit's records are on disk."""
        self.units.pop(unit.keys, None)
        self.losses |= {run: loss_of(result) for run, result in zip(unit.runs, results, strict=True)}
        self.work -= len(unit.runs) * effort(unit.width)
        self.tell()

    def on_failed(self, unit: Unit) -> None:
        """A unit could not be trained."""
        self.units.pop(unit.keys, None)
        self.failed += len(unit.runs)
        self.work -= len(unit.runs) * effort(unit.width)
        self.tell()

    def on_pause(self) -> None:
        """Nothing to do here: others may be at work, or everything is done."""
        self._looked = -math.inf
        self._look()
        self.tell()

    def tell(self) -> None:
        """Pass the count on.

        Domain: a process whose runs others have taken over gets a ``ClaimsLostError`` here.
        """
        doing = [
            {"keys": keys, "width": unit.width, "step": unit.step, "steps": unit.steps}
            for keys, unit in self.units.items()
        ]
        self.ledger.claims.tell(doing)
        if self.progress is not None:
            self.progress(self._now())

    def _now(self) -> Progress:
        here = sum(unit.share * unit.runs * effort(unit.width) for unit in self.units.values())
        return Progress(
            finished=len(self.losses),
            total=self.total,
            failed=self.failed,
            elsewhere=self.elsewhere,
            training=tuple(self.units.values()),
            share=1 - (self.work - here) / self.all_work if self.all_work else 1.0,
            losses=self.losses,
        )

    def _look(self) -> None:
        """See what other processes have stored, and what they train; now and then, since it reads files."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        for key, run in self.ledger.refresh().items():
            record = self.ledger.store.record(key)
            self.losses[run] = loss_of(record.result) if record else math.nan
            self.work -= effort(run.width)
        self.elsewhere = self.ledger.elsewhere()


def loss_of(result: Mapping[str, Any]) -> float:
    """The loss in a stored result; infinite where JSON has None."""
    loss = result["loss"]
    return math.inf if loss is None else float(loss)
