"""What is left of a sweep, handed out unit by unit; several processes may do so from one directory.

A unit is what a checkpoint holds, if its runs are all still to be had; else the missing runs of one width, or
a share of them. Which runs form a unit makes no difference to their results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from sims.engines import Failure
from sims.settings import Setting
from sims.store import FailedRun, Run, Store, run_key, runs_of
from sims.store.checkpoints import Checkpoint, stored_packs
from sims.store.claims import Claims, holders
from sims.units import Trained, Unit


class Ledger:
    """The runs of a sweep that have no record yet, and the units of them that this process has taken.

    ``packing`` gives the largest number of runs in a unit from a width and the number of its missing runs.

    *Laws*: every missing run is handed out once, to one process; it comes back stored, failed, or given back.
    """

    def __init__(
        self,
        store: Store,
        setting: Setting,
        claims: Claims,
        make: Callable[[int, tuple[Run, ...]], Unit],
        packing: Callable[[int, int], int],
        *,
        widest_first: bool = False,
    ) -> None:
        self.store, self.setting, self.claims = store, setting, claims
        self.make, self.packing, self.widest_first = make, packing, widest_first
        self.runs = {run_key(setting.training, run): run for run in runs_of(setting)}
        stored = store.stored_keys()
        self.missing = [key for key in self.runs if key not in stored]
        self.taken: set[str] = set()
        self.tidy()

    def take(self) -> Unit | None:
        """A unit for this process to train; None if there is nothing that nobody has."""
        for keys, whole in self._candidates():
            mine = self.claims.take(keys)
            # The record may have come before the claim, and be seen by `refresh` only later.
            done = self.store.stored_keys() & set(mine)
            self.claims.finish(done)
            rest = tuple(key for key in mine if key not in done)
            if rest and not (whole and rest != tuple(keys)):
                self.taken |= set(rest)
                runs = tuple(self.runs[key] for key in rest)
                return self.make(runs[0].width, runs)
            self.claims.release(rest)
        return None

    def refresh(self) -> dict[str, Run]:
        """Runs, by key, whose records other processes have stored since the last call."""
        stored = self.store.stored_keys()
        come = {key: self.runs[key] for key in self.missing if key in stored and key not in self.taken}
        self.missing = [key for key in self.missing if key not in come]
        return come

    def elsewhere(self) -> int:
        """How many of the missing runs other processes are training."""
        held = holders(self.store.directory, stale_after=self.claims.stale_after)
        return sum(key in held and key not in self.taken for key in self.missing)

    def tidy(self) -> None:
        """Remove what is left of finished runs: claims and checkpoints of processes that were killed, and
        checkpoints of units that were cut otherwise."""
        stored = self.store.stored_keys()
        self.claims.forget(key for key in self.runs if key in stored)
        for keys in stored_packs(self.store.directory):
            if set(keys) <= stored:
                Checkpoint(self.store.directory, keys).discard()

    def store_results(self, unit: Unit, trained: Trained) -> None:
        """Write the records of a unit, and end its claims and its checkpoint."""
        for run, result in zip(unit.runs, trained.results, strict=True):
            self.store.write(unit.training, run, result, trained.provenance)
        self._over(unit)
        self.claims.finish(unit.keys)
        unit.checkpoint.discard()

    def store_failure(self, unit: Unit, failure: Failure, when: str, host: str) -> None:
        """Write why a unit's runs could not be trained; this process does not try them again."""
        for run in unit.runs:
            self.store.write_failure(unit.training, FailedRun(run, failure.error, failure.kind, when, host))
        self._over(unit)
        self.claims.release(unit.keys)

    def _over(self, unit: Unit) -> None:
        self.taken -= set(unit.keys)
        self.missing = [key for key in self.missing if key not in unit.keys]

    def _candidates(self) -> Iterator[tuple[Sequence[str], bool]]:
        """Keys to claim together, and whether only all of them make sense."""
        free = [key for key in self.missing if key not in self.taken]
        for keys in stored_packs(self.store.directory):
            if set(keys) <= set(free):
                yield keys, True
        by_width = sorted(free, key=lambda key: self.runs[key].width, reverse=self.widest_first)
        for width, group in groupby(by_width, key=lambda key: self.runs[key].width):
            same_width = list(group)
            for some in parts(same_width, self.packing(width, len(same_width))):
                yield some, False


def parts(items: Sequence[str], largest: int) -> Iterator[Sequence[str]]:
    """The items in order, in as few parts as possible of nearly equal size, none larger than ``largest``.

    >>> [list(part) for part in parts("abcdefg", 3)]
    [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """
    count = math.ceil(len(items) / largest)
    for number in range(count):
        yield items[len(items) * number // count : len(items) * (number + 1) // count]
