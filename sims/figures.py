"""The figures that are drawn from run directories (``sims.figure_table``), by number or name.

The drawing itself lives in ``hptheory.figures``, which knows nothing of run directories; what the table names
reads them and hands over plain tables. Modules are named, not imported: the trainer's packages load when a
figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from sims.errors import RunDirectoryError
from sims.figure_table import EXPERIMENTS, LOSSES, Experiment

__all__ = ["EXPERIMENTS", "Experiment", "NoRunsError", "draw", "figure_name", "makes"]

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class NoRunsError(HPTheoryError):
    """A figure of an experiment was asked for without the directories of its runs."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"figure {number} is drawn from an experiment; name its run directories with --runs DIR; "
            f"{makes(EXPERIMENTS[number])}"
        )


def draw(
    number: str, runs: Sequence[Path], data_dir: Path | None = None, loss: str | None = None
) -> tuple[Figure, dict[str, Any]]:
    """The figure of an experiment and its numbers, from run directories.

    ``data_dir`` is the folder of data sets, for the figures that read them again; ``loss`` which of
    ``LOSSES`` to judge by, for those that let choose.

    Domain: an unknown number or loss is an ``UnknownNameError``; no run directory, a ``NoRunsError``; a loss
    for another figure, a ``DomainError``; directories that lack what the figure shows, a
    ``RunDirectoryError`` that names the sweep to run.
    """
    if number not in EXPERIMENTS:
        raise UnknownNameError("figure", number, list(EXPERIMENTS))
    if not runs:
        raise NoRunsError(number)
    experiment = EXPERIMENTS[number]
    module, function = experiment.drawing.split(":")
    given: dict[str, Any] = {"data_dir": data_dir} if experiment.reads_data else {}
    if loss is not None:
        if not experiment.chooses_loss:
            choosing = ", ".join(name for name, each in EXPERIMENTS.items() if each.chooses_loss)
            raise DomainError("loss", loss, "left out", f"figure {number} has its own; {choosing} let choose")
        if loss not in LOSSES:
            raise UnknownNameError("loss", loss, list(LOSSES))
        given["loss"] = loss
    try:
        drawn: tuple[Figure, dict[str, Any]] = getattr(import_module(module), function)(
            runs, **experiment.options, **given
        )
    except RunDirectoryError as error:
        raise RunDirectoryError(f"{error}; for figure {number} {makes(experiment)}") from error
    return drawn


def makes(experiment: Experiment) -> str:
    """Which commands make the run directories, in words.

    >>> makes(EXPERIMENTS["2"])
    '`hptheory sweep multi_index --preset cpu` makes one'
    """
    commands = [f"`{command}`" for command in experiment.commands()]
    if len(commands) == 1:
        return f"{commands[0]} makes one"
    return f"{', '.join(commands[:-1])} and {commands[-1]} make them"


def figure_name(number: str) -> str:
    """The name of a figure's files: of two digits, so that they sort.

    >>> figure_name("2"), figure_name("17"), figure_name("theorem-2")
    ('figure_02', 'figure_17', 'figure_theorem-2')
    """
    return f"figure_{int(number):02d}" if number.isdigit() else f"figure_{number}"
