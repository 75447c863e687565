"""Engines: where the units of a sweep are worked on. A unit and a function in, results out."""

from __future__ import annotations

from sims.engines.base import Engine, Failure, Finished, Report, Work
from sims.engines.local import InProcess
from sims.engines.workers import Workers

__all__ = ["Engine", "Failure", "Finished", "InProcess", "Report", "Work", "Workers"]
