"""Theory against trainer: the sweeps of run directories replayed at every budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sims.report import read_runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def replay_figure(runs: Sequence[Path]) -> tuple[Figure, dict[str, Any]]:
    """A panel a run directory; see ``hptheory.figures.replay``.

    Domain: each directory holds finished runs of at least 3 widths with an interior optimum.
    """
    from hptheory.figures.replay import replay
    from hptheory.transfer import analyse
    from hptheory.transfer.replay import replayed

    return replay({_name(run): replayed(analyse(read_runs(run))) for run in runs})


def _name(run: Path) -> str:
    from sims.store import Store

    setting = Store(run).setting()
    return f"{setting.name} ({setting.preset})"
