"""Are the error bars of `analyse` honest? Coverage and verdicts on synthetic sweeps whose answer is known.

`python -m benchmarks.calibration --replicates 1000` runs every cell of the grid and writes
docs/calibration.md. Finished rounds are kept (`--store`), so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.synthetic_sweeps import GRID, LOSS_GAP, WIDTHS, lopsided, parabola, sweep
from hptheory.transfer import analyse
from hptheory.transfer.exponents import Interval

SHAPES = {"parabola": parabola, "lopsided": lopsided}
TRUE_HP_LIMIT = 1.0
"""nu_inf = 0, in the HP's own unit."""


@dataclass(frozen=True)
class Cell:
    """One setting: the losses, and the noise as a share of the table's range, constant or falling as 1/N."""

    shape: str
    falling: bool
    noise: float
    amplitude: float
    alpha: float
    beta: float

    @property
    def truth(self) -> str:
        """The right verdict; `tie` where beta = alpha/2."""
        return "tie" if self.beta == self.alpha / 2 else "fast" if self.beta > self.alpha / 2 else "slow"

    def deviation(self) -> np.ndarray:
        """Standard deviation of a run at each width."""
        n = WIDTHS / WIDTHS[0]
        centre = self.amplitude * n[:, None] ** -self.beta
        clean = LOSS_GAP * n[:, None] ** -self.alpha + SHAPES[self.shape](GRID[None, :] - centre)
        return self.noise * float(np.ptp(clean)) / (n if self.falling else np.ones_like(n))


@dataclass
class Outcome:
    """Counts over the replicates of a cell."""

    replicates: int = 0
    alpha: int = 0
    beta: int = 0
    limit: int = 0
    beta_open: int = 0
    limit_open: int = 0
    fast: int = 0
    slow: int = 0
    undetermined: int = 0
    seconds: float = 0.0


def grid() -> list[Cell]:
    """The cells of the published table."""
    return [
        Cell(*values)
        for values in product(
            SHAPES, (False, True), (0.002, 0.01), (1.0, 0.5, 0.1), (0.5, 1.0), (0.25, 0.5, 1.0, 1.5)
        )
    ]


def run_cell(cell: Cell, replicates: int, seed: int, part: int = 0) -> Outcome:
    """The outcome of a cell; the random numbers depend on the seed, the cell and the round alone."""
    key = [seed, grid().index(cell), part]
    rng = np.random.default_rng(np.random.SeedSequence(key))
    outcome, deviation, start = Outcome(), cell.deviation(), time.process_time()
    for _ in range(replicates):
        table = sweep(cell.alpha, cell.beta, cell.amplitude, deviation, rng, SHAPES[cell.shape])
        report = analyse(table)
        outcome.replicates += 1
        outcome.alpha += holds(report.loss_exponent, cell.alpha)
        outcome.beta += holds(report.hp_exponent, cell.beta)
        outcome.limit += holds(report.hp_limit, TRUE_HP_LIMIT)
        outcome.beta_open += report.hp_exponent.high is None or report.hp_exponent.low is None
        outcome.limit_open += report.hp_limit.high is None or report.hp_limit.low is None
        setattr(outcome, report.verdict, getattr(outcome, report.verdict) + 1)
    outcome.seconds = time.process_time() - start
    return outcome


def holds(interval: Interval, truth: float) -> bool:
    """Whether the interval holds the truth; an open end is infinite."""
    low, high = interval.low, interval.high
    return (low is None or low <= truth) and (high is None or truth <= high)


ROUND = 25
"""Replicates done at a time in every cell, so that an interrupted run has treated all cells alike."""


def run_all(replicates: int, seed: int, workers: int, store: Path, minutes: float) -> list[Outcome]:
    """The outcomes of all cells, taken from the store as far as it goes; whole rounds only."""
    cells, deadline = grid(), time.monotonic() + 60 * minutes
    done = _stored(store, seed)
    wanted = [(r, i) for r in range(-(-replicates // ROUND)) for i in range(len(cells)) if (r, i) not in done]
    with ProcessPoolExecutor(workers) as pool, store.open("a", encoding="utf-8") as stream:
        for start in range(0, len(wanted), len(cells)):
            if time.monotonic() > deadline:
                break
            part = wanted[start : start + len(cells)]
            futures = {pool.submit(run_cell, cells[i], ROUND, seed, r): (r, i) for r, i in part}
            for future in as_completed(futures):
                done[futures[future]] = future.result()
                r, i = futures[future]
                record = {"seed": seed, "round": r, "cell": i, **asdict(future.result())}
                stream.write(json.dumps(record) + "\n")
                stream.flush()
            print(f"round {part[-1][0] + 1}: {(part[-1][0] + 1) * ROUND} replicates a cell", file=sys.stderr)
    rounds = {r for r, _ in done}
    whole = [r for r in sorted(rounds) if all((r, i) in done for i in range(len(cells)))]
    return [_sum([done[r, i] for r in whole]) for i in range(len(cells))]


def _stored(store: Path, seed: int) -> dict[tuple[int, int], Outcome]:
    if not store.exists():
        return {}
    records = [json.loads(line) for line in store.read_text(encoding="utf-8").splitlines()]
    return {
        (item.pop("round"), item.pop("cell")): Outcome(**item) for item in records if item.pop("seed") == seed
    }


def _sum(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(**{name: sum(vars(part)[name] for part in outcomes) for name in vars(Outcome())})


def page(outcomes: Sequence[Outcome], seed: int, command: str, asked: int = 0) -> str:
    """The published page: targets, then every cell, shortfalls marked; and how many sweeps were asked for."""
    runs = outcomes[0].replicates
    seconds = sum(outcome.seconds for outcome in outcomes)
    time_spent = f"{seconds / 60:.0f} CPU minutes ({1e3 * seconds / runs / len(outcomes):.0f} ms a sweep)"
    error = (0.9 * 0.1 / runs) ** 0.5
    intro = f"""\
# Calibration of the sweep analysis

Are the error bars honest? Here the truth is known: phi_n(x) = 0.3 N^-alpha + shape(x - B N^-beta), x = ln HP
on 9 points in [-1.5, 1.5], N = 1, 2, 4, 8, 16 (widths 128 to 2048), 3 seeds, Gaussian noise whose standard
deviation is a share of (largest - smallest loss of the table), constant or falling as 1/N. The shape is a
parabola z^2/2, or lopsided, e^z - 1 - z, which no polynomial is.

{runs} sweeps a cell, {len(outcomes)} cells, seed {seed}, {platform.machine()} CPU, {time_spent}. A coverage
of 0.90 has a standard error of {error:.3f} here. An open end of an interval counts as infinite. Made by

    {command}

## Targets

"""
    if asked > runs:
        intro = intro.replace(
            "Made by\n", f"{asked} were asked for;\nthe run was stopped and goes on from its store. Made by\n"
        )
    return intro + _targets(outcomes) + "\n## Every cell\n\n" + "\n".join(_rows(outcomes)) + "\n"


def _targets(outcomes: Sequence[Outcome]) -> str:
    pairs = list(zip(grid(), outcomes, strict=True))
    lines = ["| what | target | cells that meet it |", "|---|---|---|"]
    for name, symbol in (("alpha", "alpha"), ("beta", "beta"), ("limit", "nu_inf")):
        share = [getattr(o, name) / o.replicates for _, o in pairs]
        met = sum(0.85 <= value <= 0.95 for value in share)
        spread = f"lowest {min(share):.3f}, mean {np.mean(share):.3f}, highest {max(share):.3f}"
        what = f"coverage of the 90 % interval of {symbol}"
        lines.append(f"| {what} | 0.85 to 0.95 | {met} of {len(share)} ({spread}) |")
    away = [(c, o) for c, o in pairs if c.truth != "tie"]
    strong = [(c, o) for c, o in away if c.amplitude == 1.0 and c.noise == 0.002]
    ties = [o for c, o in pairs if c.truth == "tie"]
    wrong = [(o.slow if c.truth == "fast" else o.fast) / o.replicates for c, o in away]
    open_ = [o.undetermined / o.replicates for _, o in strong]
    fast = [o.fast / o.replicates for o in ties]
    for text, values, bound in (
        ("wrong verdicts, away from the tie", wrong, 0.05),
        ("`undetermined` at B = 1, noise 0.2 %, away from the tie", open_, 0.30),
        ("`fast` at the tie beta = alpha/2", fast, 0.10),
    ):
        met = sum(value < bound for value in values)
        lines.append(f"| {text} | below {bound:.2f} | {met} of {len(values)} (highest {max(values):.3f}) |")
    return "\n".join(lines) + "\n"


COLUMNS = (
    "shape", "noise", "B", "alpha", "beta", "truth", "alpha in", "beta in", "nu_inf in", "beta open",
    "nu_inf open", "fast", "slow", "undet.",
)  # fmt: skip


def _rows(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "A star marks a number that misses its target. `open`: share of intervals with an infinite end."
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    for cell, outcome in zip(grid(), outcomes, strict=True):
        runs = outcome.replicates
        cover = [_marked(getattr(outcome, name) / runs, 0.85, 0.95) for name in ("alpha", "beta", "limit")]
        bounds = {"fast": (1.0, 0.05), "slow": (0.05, 1.0), "tie": (0.10, 1.0)}[cell.truth]
        noise = f"{100 * cell.noise:g} %{', 1/N' if cell.falling else ''}"
        strong = cell.amplitude == 1.0 and cell.noise == 0.002 and cell.truth != "tie"
        cells = [
            cell.shape, noise, f"{cell.amplitude:g}", f"{cell.alpha:g}", f"{cell.beta:g}", cell.truth, *cover,
            f"{outcome.beta_open / runs:.3f}", f"{outcome.limit_open / runs:.3f}",
            _marked(outcome.fast / runs, 0.0, bounds[0]), _marked(outcome.slow / runs, 0.0, bounds[1]),
            _marked(outcome.undetermined / runs, 0.0, 0.30 if strong else 1.0),
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def _marked(value: float, low: float, high: float) -> str:
    return f"{value:.3f}" if low <= value <= high else f"{value:.3f} *"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicates", type=int, default=1000, help="sweeps a cell (whole rounds of 25)")
    parser.add_argument("--seed", type=int, default=20251228)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no round after this time")
    parser.add_argument("--store", type=Path, default=Path("build/calibration.jsonl"), help="finished rounds")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args(arguments)
    options.store.parent.mkdir(parents=True, exist_ok=True)
    outcomes = run_all(options.replicates, options.seed, options.workers, options.store, options.minutes)
    command = f"python -m benchmarks.calibration --replicates {outcomes[0].replicates} --seed {options.seed}"
    options.out.write_text(page(outcomes, options.seed, command, options.replicates), encoding="utf-8")


if __name__ == "__main__":
    main()
