"""What the parts of a decomposition do not hold, in words."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from sims.trajectory.matrices import Parts


def with_running_statistics(model: nn.Module) -> list[str]:
    """The names of the modules that normalise by statistics gathered in training.

    >>> with_running_statistics(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.LayerNorm(3)))
    ['1']
    """
    return [name for name, module in model.named_modules() if getattr(module, "track_running_stats", False)]


def left_out(parts: Parts, running: Sequence[str]) -> list[str]:
    """A sentence on matrices that are not decomposed, and one on modules with running statistics."""
    told = []
    if parts.undecomposed:
        told.append(
            f"{', '.join(parts.undecomposed)}: matrices without a side of length {parts.width}, which are "
            "not decomposed and count at k = n only; pass another width if they should be"
        )
    if running:
        told.append(
            f"{', '.join(running)}: running statistics, which change in training and are not averaged; their "
            "effect on the loss is in no part, however often it is observed"
        )
    return told
