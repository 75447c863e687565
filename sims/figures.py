"""The figures of the paper that are drawn from run directories: by number, what reads them and draws them.

The drawing itself lives in ``hptheory.figures``, which knows nothing of run directories; an entry here reads
them and hands over plain tables. Modules are named, not imported: the trainer's packages load when a figure
is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptheory.errors import HPTheoryError, UnknownNameError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENTS: dict[str, str] = {
    "1": "sims.observed_figures:over_time",
    "2": "sims.sweep_figures:rate_curves",
    "5": "sims.sweep_figures:rate_curves",
    "6": "sims.sweep_figures:transfer",
    "8": "sims.observed_figures:truncated",
    "9": "sims.observed_figures:residuals",
    "10": "sims.observed_figures:profile",
    "11": "sims.sweep_figures:transfer",
    "13": "sims.sweep_figures:transfer",
    "14": "sims.observed_figures:consistency",
    "15": "sims.observed_figures:gallery",
    "16": "sims.observed_figures:easy_and_hard",
    "17": "sims.sweep_figures:rate_curves_side_by_side",
    "24": "sims.sweep_figures:transfer",
    "25": "sims.sweep_figures:transfer",
    "27": "sims.sweep_figures:transfer",
    "31": "sims.sweep_figures:transfer",
    "33": "sims.observed_figures:profile",
    "34": "sims.observed_figures:truncated",
    "35": "sims.observed_figures:residuals",
    "replay": "sims.replay:replay_figure",
}
"""Figure number -> "module:function"; the function takes run directories and gives (figure, numbers)."""


class NoRunsError(HPTheoryError):
    """A figure of an experiment was asked for without the directories of its runs."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"figure {number} is drawn from an experiment; name its run directories with --runs DIR "
            "(`hptheory sweep` writes them)"
        )


def draw(number: str, runs: Sequence[Path]) -> tuple[Figure, dict[str, Any]]:
    """The figure of an experiment and its numbers, from run directories.

    Domain: an unknown number is an ``UnknownNameError``; no run directory, a ``NoRunsError``.
    """
    if number not in EXPERIMENTS:
        raise UnknownNameError("figure", number, list(EXPERIMENTS))
    if not runs:
        raise NoRunsError(number)
    module, function = EXPERIMENTS[number].split(":")
    drawn: tuple[Figure, dict[str, Any]] = getattr(import_module(module), function)(runs)
    return drawn


def figure_name(number: str) -> str:
    """The name of a figure's files: of two digits, so that they sort.

    >>> figure_name("2"), figure_name("17"), figure_name("theorem-2")
    ('figure_02', 'figure_17', 'figure_theorem-2')
    """
    return f"figure_{int(number):02d}" if number.isdigit() else f"figure_{number}"
