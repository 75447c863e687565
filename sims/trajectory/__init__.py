"""What watches a run: the average of its weights, and observers that decompose the loss change along it."""

from __future__ import annotations

from sims.trajectory.ema import WeightAverage
from sims.trajectory.errors import (
    LinearisationWarning,
    NonFiniteError,
    ObservationWarning,
    ObserverError,
    ParameterChangedError,
)
from sims.trajectory.objective import fixed_subset
from sims.trajectory.observer import TrajectoryObserver
from sims.trajectory.result import TrajectoryResult
from sims.trajectory.samples import SampleObserver

__all__ = [
    "LinearisationWarning",
    "NonFiniteError",
    "ObservationWarning",
    "ObserverError",
    "ParameterChangedError",
    "SampleObserver",
    "TrajectoryObserver",
    "TrajectoryResult",
    "WeightAverage",
    "fixed_subset",
]
