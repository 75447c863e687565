"""Exact theory of random-features ridge regression at every width (2512.22768, Sec. 3.2 and App. B.4)."""

from hptheory.random_features.large_width import LargeWidth, SymbolicLargeWidth, symbolic_large_width
from hptheory.random_features.model import NonPositiveOptimumError, NoOptimumError, RandomFeatures

__all__ = [
    "LargeWidth",
    "NoOptimumError",
    "NonPositiveOptimumError",
    "RandomFeatures",
    "SymbolicLargeWidth",
    "symbolic_large_width",
]
