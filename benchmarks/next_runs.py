"""How often further runs settle a verdict, and what was said beforehand: `python -m benchmarks.next_runs`.

Open sweeps near the tie; for each, the sweep at eight times the widest width that `next_runs_of` prices. Its
truth is a draw of the sweep's own fitted laws, so that nothing but the judgement differs: the count behind
`probability_settled` asks one posterior, `analyse` asks all that a verdict needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.synthetic_sweeps import GRID, sweep
from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.report import Report
from hptheory.transfer.sweep_costs import next_runs_of

NOISE, SEEDS, TRUTHS, SWEEPS = 0.005, 3, 12, 60
EXPONENTS = ((1.0, 0.55), (1.0, 0.75), (0.5, 0.4))  # alpha, beta


@dataclass(frozen=True)
class Count:
    """Continuations of one open sweep: how many, how many were to be settled, and how many were."""

    tried: int
    expected: float
    settled: int


def counts() -> Iterator[Count]:
    """A count for every open sweep among ``SWEEPS`` of each pair of exponents."""
    for alpha, beta in EXPONENTS:
        for seed in range(SWEEPS):
            table = sweep(alpha, beta, amplitude=0.25, noise=NOISE, seeds=SEEDS, rng=seed)
            report = analyse(table)
            if report.verdict == "undetermined" and report.optima is not None:
                yield continued(table, report, np.random.default_rng(seed))


def continued(table: SweepTable, report: Report, rng: np.random.Generator) -> Count:
    """The continuations of one sweep."""
    choice, law = next_runs_of(report)[-1], report.law()
    place = law.hp_limit + law.hp_gap(choice.width)
    loss, curvature = law.optimal_loss(choice.width), np.broadcast_to(law.curvature, law.draws)
    x = np.repeat(np.median(place) + GRID, SEEDS)
    settled = 0
    for truth in rng.choice(law.draws, TRUTHS, replace=False):
        clean = loss[truth] + curvature[truth] / 2 * (x - place[truth]) ** 2
        columns = {
            "width": np.append(table.scale, np.full(x.size, choice.width)),
            "lr": np.append(table.hp[:, 0], np.exp(x)),
            "seed": np.append(table.seed, np.tile(np.arange(SEEDS), GRID.size)),
            "loss": np.append(table.loss, clean + NOISE * rng.standard_normal(x.size)),
        }
        settled += analyse(SweepTable.from_columns(columns)).verdict != "undetermined"
    return Count(TRUTHS, TRUTHS * choice.probability_settled, settled)


def main() -> None:
    """Print sums over all open sweeps, and over those that further runs were said to settle or not."""
    found = list(counts())
    likely = [count for count in found if count.expected >= count.tried / 2]
    rest = [count for count in found if count.expected < count.tried / 2]
    for name, some in (("all open sweeps", found), ("at 0.5 or more", likely), ("below 0.5", rest)):
        tried, expected, settled = (
            sum(getattr(c, f) for c in some) for f in ("tried", "expected", "settled")
        )
        print(
            f"{name}: {len(some)} sweeps, {tried} continuations, {expected:.0f} to be settled, {settled} were"
        )


if __name__ == "__main__":
    main()
