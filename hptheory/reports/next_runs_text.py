"""Which runs would settle an undetermined verdict, in words, for the command line and the page."""

from __future__ import annotations

from collections.abc import Sequence

from hptheory.transfer.next_runs import NextRuns, cheapest


def next_runs_text(choices: Sequence[NextRuns], scale: str) -> list[str]:
    """A line on what a sweep at each further width costs and how likely it settles the verdict.

    >>> for line in next_runs_text([NextRuns(128.0, 9, 147456.0, 0.6)], "width"):
    ...     print(line)
    runs that could settle the verdict: at width 128, 9 runs, cost 1.475e+05, with probability 0.60
    the cheapest that does so with probability 0.5 or more: width 128
    """
    if not choices:
        return []
    told = [
        f"at {scale} {one.width:g}, {one.runs} runs, cost {one.cost:.4g}, with probability "
        f"{one.probability_settled:.2f}"
        for one in choices
    ]
    best = cheapest(choices)
    end = "none; better a larger grid of widths, or more seeds" if best is None else f"{scale} {best.width:g}"
    return [
        f"runs that could settle the verdict: {'; '.join(told)}",
        f"the cheapest that does so with probability 0.5 or more: {end}",
    ]
