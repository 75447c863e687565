"""Analysing a sweep and planning with it: seconds on one core."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.harness import Row, cpu_seconds
from benchmarks.synthetic_sweeps import sweep
from hptheory.transfer import SweepTable, analyse


def _polynomials(table: SweepTable) -> None:
    for width in table.widths:
        at = table.scale == width
        np.polyfit(table.x[at, 0], table.loss[at], 4)


def rows() -> Iterator[Row]:
    """A small and a large table, the peer a polynomial fit a width; and a plan from fitted laws."""
    widths = 128 * 2 ** np.linspace(0, 5, 20)
    for name, table, goal in (
        ("analyse 135 rows", sweep(noise=0.01), None),
        (
            "analyse 10,000 rows",
            sweep(noise=0.01, widths=widths, grid=np.linspace(-1.5, 1.5, 50), seeds=10),
            5.0,
        ),
    ):
        ours, peer = cpu_seconds(partial(analyse, table)), cpu_seconds(partial(_polynomials, table))
        reached = None if goal is None else ours < goal
        fits, goal_text = (
            f"numpy.polyfit a width: {1e3 * peer:.1f} ms",
            "" if goal is None else f"< {goal:g} s",
        )
        yield Row(name, f"{1e3 * ours:.0f} ms", fits, f"{ours / peer:.0f}x", goal_text, reached)
    report = analyse(sweep(noise=0.01))
    law = report.law()
    for name, target in (("plan, any target width", None), ("plan, given target width", 8192.0)):
        seconds, peer = cpu_seconds(partial(report.plan, 1e9, target)), cpu_seconds(report.law)
        yield Row(
            name, f"{1e3 * seconds:.0f} ms", f"drawing its {law.draws} laws: {1e3 * peer:.0f} ms",
            f"{seconds / peer:.1f}x", "< 0.1 s", seconds < 0.1,
        )  # fmt: skip
