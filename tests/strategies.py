"""Hypothesis strategies of the whole suite; they reach the boundaries of each domain."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

# --- transfer ---------------------------------------------------------------------------------------------


def positive_fractions(largest: int = 8) -> st.SearchStrategy[Fraction]:
    """Exact positive numbers p/q with p, q <= 8: small enough that ties happen, exact enough to see them."""
    whole = st.integers(1, largest)
    return st.builds(Fraction, whole, whole)


# --- parameterization -------------------------------------------------------------------------------------


def layer_growth() -> st.SearchStrategy[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]:
    """A base shape (d_in, d_out) and two shapes in which the same dimensions (none, one, both) have grown."""
    sizes = st.integers(1, 64)
    factors = st.tuples(st.integers(2, 32), st.integers(2, 32))

    def shapes(base: tuple[int, int], grows: tuple[bool, bool], factors: tuple[int, int]) -> tuple:
        def grown(factor: int) -> tuple[int, ...]:
            return tuple(size * factor if grow else size for size, grow in zip(base, grows, strict=True))

        return base, grown(factors[0]), grown(factors[1])

    return st.builds(shapes, st.tuples(sizes, sizes), st.tuples(st.booleans(), st.booleans()), factors)
