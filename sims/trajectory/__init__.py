"""What watches a run: the average of its weights, and observers of its course."""

from __future__ import annotations

from sims.trajectory.ema import WeightAverage

__all__ = ["WeightAverage"]
