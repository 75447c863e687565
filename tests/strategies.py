"""Hypothesis strategies of the whole suite; they reach the boundaries of each domain."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from hptheory.transfer.search_model import SearchModel

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


def search_models(*, aligned: bool | None = None) -> st.SearchStrategy[SearchModel]:
    """Finite-budget models over three decades of constants; exponents down to 1/10, one to three HPs."""
    constant, exponent = st.floats(0.03, 30.0), st.floats(0.1, 3.0)
    return st.builds(
        SearchModel,
        loss_amplitude=constant,
        loss_exponent=exponent,
        hp_amplitude=constant,
        hp_exponent=exponent,
        curvature=constant,
        hp_radius=constant,
        hp_count=st.integers(1, 3),
        cost_exponent=st.floats(0.5, 3.0),
        run_cost=constant,
        smallest_width=st.sampled_from([0.0, 1.0]),
        aligned=st.booleans() if aligned is None else st.just(aligned),
    )


# --- activations and teachers -----------------------------------------------------------------------------


def affine_maps() -> st.SearchStrategy[tuple[float, float]]:
    """(a, b) of f -> a f + b: both signs, scales over six decades, shifts up to a thousand scales."""
    scale = st.builds(lambda e, sign: sign * 10.0**e, st.floats(-3, 3), st.sampled_from([-1.0, 1.0]))
    return scale.flatmap(lambda a: st.tuples(st.just(a), st.floats(-1e3 * abs(a), 1e3 * abs(a))))
