"""What is left of a sweep, handed out unit by unit; several processes may do so from one directory.

A unit is what a checkpoint holds, if its runs are all still to be had; else the missing runs of one width, or
a share of them, so that nobody is left with a large unit at the end. Which runs form a unit makes no
difference to their results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sims.engines import Engine, Failure
from sims.settings import Setting
from sims.store import FailedRun, Run, Store, run_key, runs_of
from sims.store.checkpoints import Checkpoint, stored_packs
from sims.store.claims import Claims, holders
from sims.units import Trained, Unit


@dataclass(frozen=True)
class Shift:
    """What is handed out now: runs of these widths, to the slots of an engine."""

    engine: Engine
    packs: Mapping[int, int]
    """The largest unit, by width; runs of other widths are left for other shifts."""
    make: Callable[[int, tuple[Run, ...]], Unit]


class Ledger:
    """The runs of a sweep that have no record yet, and the units of them that this process has taken.

    *Laws*: every missing run is handed out once, to one process; it comes back stored, failed, or given back.
    """

    def __init__(self, store: Store, setting: Setting, claims: Claims) -> None:
        self.store, self.setting, self.claims = store, setting, claims
        self.runs = {run_key(setting.training, run): run for run in runs_of(setting)}
        stored = store.stored_keys()
        self.missing = [key for key in self.runs if key not in stored]
        self.taken: set[str] = set()
        self.tidy()

    def by_width(self, widths: Iterable[int]) -> dict[int, list[str]]:
        """The missing runs that this process has not taken, by width."""
        wanted: dict[int, list[str]] = {width: [] for width in widths}
        for key in self.missing:
            if key not in self.taken and self.runs[key].width in wanted:
                wanted[self.runs[key].width].append(key)
        return {width: keys for width, keys in wanted.items() if keys}

    def hands(self, shift: Shift) -> Callable[[], Unit | None]:
        """What gives a unit of this shift whenever it is called; None if there is nothing that nobody has."""
        plan: list[list[str]] = []
        slots = 0

        def take() -> Unit | None:
            nonlocal plan, slots
            if shift.engine.slots != slots:  # at first, and when a cluster has grown or shrunk
                slots = shift.engine.slots
                free = self.by_width(shift.packs)
                efforts = {width: effort(width) for width in free}
                plan = planned(free, efforts, shift.packs, slots)
            return self._take(shift, plan)

        return take

    def _take(self, shift: Shift, plan: Sequence[Sequence[str]]) -> Unit | None:
        for keys, whole in self._candidates(shift, plan):
            mine = self.claims.take(keys)
            # The record may have come before the claim, and be seen by `refresh` only later.
            done = self.store.stored_keys() & set(mine)
            self.claims.finish(done)
            rest = tuple(key for key in mine if key not in done)
            if rest and not (whole and rest != tuple(keys)):
                self.taken |= set(rest)
                runs = tuple(self.runs[key] for key in rest)
                return shift.make(runs[0].width, runs)
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
            failed = FailedRun(run, failure.error, failure.kind, when, host, failure.traceback)
            self.store.write_failure(unit.training, failed)
        self._over(unit)
        self.claims.release(unit.keys)

    def _over(self, unit: Unit) -> None:
        over = set(unit.keys)
        self.taken -= over
        self.missing = [key for key in self.missing if key not in over]

    def _candidates(
        self, shift: Shift, plan: Iterable[Sequence[str]]
    ) -> Iterator[tuple[Sequence[str], bool]]:
        """Keys to claim together, and whether only all of them make sense."""
        free = {key for keys in self.by_width(shift.packs).values() for key in keys}
        for keys in stored_packs(self.store.directory):
            if set(keys) <= free:
                yield keys, True
        for some in plan:
            if left := [key for key in some if key in free]:
                yield left, False


def effort(width: int) -> int:
    """The time of a run in arbitrary units: proportional to width, plus what every width costs (measured)."""
    return width + 32


def planned(
    free: Mapping[int, Sequence[str]], efforts: Mapping[int, int], packs: Mapping[int, int], slots: int
) -> list[list[str]]:
    """The free runs of each width as units for so many slots, so that none is idle for long at the end.

    No unit is larger than its width's pack, nor than a slot's fair share of all. With several slots the
    widest come first, and the narrowest width, which comes last, is divided evenly among them.

    >>> free = {32: list("abcde"), 128: list("fghij")}
    >>> planned(free, {32: 1, 128: 4}, {32: 9, 128: 3}, slots=1)
    [['a', 'b', 'c', 'd', 'e'], ['f', 'g'], ['h', 'i', 'j']]
    >>> planned(free, {32: 1, 128: 4}, {32: 9, 128: 9}, slots=2)
    [['f', 'g'], ['h', 'i', 'j'], ['a', 'b'], ['c', 'd', 'e']]
    """
    total = sum(len(keys) * efforts[width] for width, keys in free.items())
    units: list[list[str]] = []
    for width in sorted(free, reverse=slots > 1):
        keys = free[width]
        count = max(-(-len(keys) // packs[width]), -(-len(keys) * efforts[width] * slots // total))
        if width == min(free):
            count = -(-count // slots) * slots
        units += [list(part) for part in parts(keys, min(count, len(keys)))]
    return units


def parts(items: Sequence[str], count: int) -> Iterator[Sequence[str]]:
    """The items in order, in so many parts of nearly equal size.

    >>> [list(part) for part in parts("abcdefg", 3)]
    [['a', 'b'], ['c', 'd'], ['e', 'f', 'g']]
    """
    for number in range(count):
        yield items[len(items) * number // count : len(items) * (number + 1) // count]
