"""Which engine trains the runs of a width, and how many of them together: what is measured to be fastest.

A large stack spares calls at small widths; at large ones its activations leave the caches, and a few members
at a time are faster, or several processes of one thread than one of many threads. Which wins is the machine's
affair, so it is measured when a sweep begins and kept with it. What a run computes does not depend on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hptheory.errors import HPTheoryError
from hptheory.files import write_atomically
from sims.capacity import most_members
from sims.devices import choose_device
from sims.engines import Engine
from sims.models import build_model
from sims.settings import Training
from sims.store import Run
from sims.tasks import Task
from sims.throughput import LEAST, WARM_UP, Trial, member_steps_a_second
from sims.train import lone_has_twin, steps_of
from sims.units import task_of

FILE = "packs.json"
SIZES = (1, 3, 9, 27)  # beside all runs of a width; three seeds, three rates of three seeds, a grid
PAIR = 2  # in the place of one, where a lone run is trained with a twin and costs as much
WORTH_MEASURING = 20.0  # seconds that a sweep takes; a shorter one is over before a measurement pays
SHARE = 0.002  # of the sweep's time for each measurement, within these bounds, in seconds
SHORTEST, LONGEST = 0.05, 0.25
TOO_LONG = 1.0  # seconds of a step; see ``longest_step``
FALLEN = 0.9  # of the best speed so far: larger packs will be no faster
MARGIN = 1.05  # by which a later engine has to be faster than the first: it costs memory and a start

Speeds = dict[str, dict[int, float]]
"""Of one width: member-steps a second by engine (its label) and size of pack."""


@dataclass(frozen=True)
class Choice:
    """Where the runs of a width are trained, and how many of them together at most."""

    engine: Engine
    pack: int


@dataclass(frozen=True)
class Site:
    """What is to be trained, on which device of this machine, and the engines that could do it."""

    training: Training
    device: str
    data_dir: Path | None
    engines: Sequence[Engine]

    def task(self) -> Task:
        """The task of the training."""
        return task_of(self.training.task, choose_device(self.device), self.data_dir)

    def fitting(self, engine: Engine, width: int, members: int) -> int:
        """How many of so many runs fit into the memory, in each of the packs that an engine trains."""
        return min(members, most_members(self.training, width, self.task(), engine.slots))

    def sizes(self, width: int, fitting: int) -> list[int]:
        """The sizes of pack to be tried, smallest first, of which so many runs fit."""
        seen = self.training.observe is not None
        task, smallest = self.task(), 1
        if fitting > 1 and lone_has_twin(
            build_model(self.training, width, [0], task), task.device, observed=seen
        ):
            smallest = PAIR
        return sorted({max(size, smallest) for size in SIZES if size < fitting} | {fitting})

    def speed(self, engine: Engine, width: int, runs: Sequence[Run], seconds: float) -> float:
        """Member-steps a second of an engine with packs of these runs, by a trial of about so long."""
        trial = Trial(self.training, width, tuple(runs), self.device, self.data_dir, seconds)
        return member_steps_a_second(engine, trial)


def choose(site: Site, missing: Mapping[int, Sequence[Run]], kept: Path) -> dict[int, Choice]:
    """The choice for every width with missing runs: the fastest by measurements, which the folder ``kept``
    holds for a sweep that goes on.

    In sweeps too short for that, and on other devices than the CPU, runs are trained on the first engine, in
    packs as large as the memory allows.

    *Laws*: a sweep that goes on makes the same choices, and measures nothing again.
    """
    try:
        site.task()
    except HPTheoryError:  # the units fail with the same error, and are stored as failed
        return {width: Choice(site.engines[0], len(runs)) for width, runs in missing.items()}
    known = read_speeds(kept)
    if site.device == "cpu" and measure(site, missing, known):
        _write(kept, "speeds", known)
    choices = {}
    for width, runs in missing.items():
        engine, pack = fastest(site.engines, known.get(width, {})) or (site.engines[0], len(runs))
        choices[width] = Choice(engine, min(pack, site.fitting(engine, width, len(runs))))
    return choices


def measure(site: Site, missing: Mapping[int, Sequence[Run]], known: dict[int, Speeds]) -> bool:
    """Add to ``known`` what it lacks of these widths, if the sweep is long enough; whether anything came."""
    lacking = [
        (width, engine)
        for width in missing
        for engine in site.engines
        if engine.label not in known.get(width, {})
    ]
    total = total_seconds(site, {width: missing[width] for width, _ in lacking})
    if total < WORTH_MEASURING:
        return False
    for width, engine in lacking:
        known.setdefault(width, {})[engine.label] = speeds(site, engine, width, missing[width], total)
    return True


def total_seconds(site: Site, missing: Mapping[int, Sequence[Run]]) -> float:
    """About how long the runs take on the first engine, by a glance at packs of a few at every width."""
    first, seconds = site.engines[0], 0.0
    for width, runs in missing.items():
        few = runs[: site.fitting(first, width, SIZES[1])]
        speed = site.speed(first, width, few, 0.0)
        seconds += len(runs) / speed if speed else 0.0
    return seconds * steps_of(site.training, site.task())


def speeds(site: Site, engine: Engine, width: int, runs: Sequence[Run], total: float) -> dict[int, float]:
    """The speed of each size of pack that fits, smallest first, until larger ones are slower, in a sweep that
    takes about ``total`` seconds."""
    seconds = min(max(SHARE * total, SHORTEST), LONGEST)
    found: dict[int, float] = {}
    for size in site.sizes(width, site.fitting(engine, width, len(runs))):
        if found and size * engine.slots > longest_step(total) * max(found.values()):
            break
        found[size] = site.speed(engine, width, runs[:size], seconds)
        if found[size] < FALLEN * max(found.values()):
            break
    return found


def longest_step(total: float) -> float:
    """The seconds that a pack's step may be expected to take, if the pack is to be tried: in a long sweep, so
    many that the steps of a trial take ``SHARE`` of it.

    >>> [round(longest_step(3600 * hours), 1) for hours in (0.1, 2.0, 24.0)]
    [1.0, 3.6, 43.2]
    """
    return max(TOO_LONG, SHARE * total / (WARM_UP + LEAST))


def fastest(engines: Sequence[Engine], speeds: Speeds) -> tuple[Engine, int] | None:
    """The engine and the size of pack with the highest speed; the first engine unless another is faster by
    more than the margin. None without measurements of one of these engines."""
    best: tuple[float, Engine, int] | None = None
    for engine in engines:
        for size, speed in speeds.get(engine.label, {}).items():
            margin = MARGIN if best is not None and best[1] is not engine else 1.0
            if speed > 0 and (best is None or speed > margin * best[0]):
                best = speed, engine, size
    return None if best is None else best[1:]


def keep_compile(asked: bool | None, kept: Path) -> tuple[bool, bool]:
    """Whether a sweep's steps were compiled so far, and whether they are from now on: as asked or as before.

    Results of both kinds agree within rounding only, so that a sweep that goes on does not change by itself.
    """
    before = _read(kept).get("compile") is True
    now = before if asked is None else asked
    if now is not before:
        _write(kept, "compile", now)
    return before, now


def read_speeds(kept: Path) -> dict[int, Speeds]:
    """What was measured, by width; nothing where there is no file, or one that cannot be read."""
    try:
        found = _read(kept).get("speeds", {})
        return {int(width): _as_speeds(by_engine) for width, by_engine in found.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def _as_speeds(by_engine: Any) -> Speeds:
    return {
        str(label): {int(size): float(speed) for size, speed in by_size.items()}
        for label, by_size in by_engine.items()
    }


def _read(kept: Path) -> dict[str, Any]:
    try:
        found = json.loads((kept / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(kept: Path, entry: str, value: Any) -> None:
    write_atomically(kept / FILE, json.dumps({**_read(kept), entry: value}, indent=2).encode())
