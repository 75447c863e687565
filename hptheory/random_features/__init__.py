"""Exact theory of random-features ridge regression at every width (2512.22768, Sec. 3.2 and App. B.4)."""

from hptheory.random_features.assumptions import AssumptionError, AssumptionWarning
from hptheory.random_features.functions import ScalarFunction, function_names, scalar_function
from hptheory.random_features.large_width import LargeWidth, SymbolicLargeWidth, symbolic_large_width
from hptheory.random_features.model import NonPositiveOptimumError, NoOptimumError, RandomFeatures
from hptheory.random_features.moments import MomentError, Moments
from hptheory.random_features.simulation import Simulation, simulate

__all__ = [
    "AssumptionError",
    "AssumptionWarning",
    "LargeWidth",
    "MomentError",
    "Moments",
    "NoOptimumError",
    "NonPositiveOptimumError",
    "RandomFeatures",
    "ScalarFunction",
    "Simulation",
    "SymbolicLargeWidth",
    "function_names",
    "scalar_function",
    "simulate",
    "symbolic_large_width",
]
