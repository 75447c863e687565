"""Hypothesis strategies of the whole suite; they reach the boundaries of each domain."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

from hptheory.parameterization import Abcd, LayerExponents
from hptheory.random_features import RandomFeatures
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


def exponents() -> st.SearchStrategy[Fraction]:
    """Powers of the width from -2 to 2 in quarters: equalities of theorems happen."""
    return st.integers(-8, 8).map(lambda quarters: Fraction(quarters, 4))


@st.composite
def abcd_parameterizations(
    draw: st.DrawFn, *, optimizers: tuple[str, ...] = ("sgd", "adam"), stable_start: bool = False
) -> Abcd:
    """Exponents of all layers; with ``stable_start``, hidden activations of order one at the start."""
    optimizer = draw(st.sampled_from(optimizers))
    layers = []
    for start in (Fraction(0), Fraction(1, 2), None):
        a, b, c = draw(exponents()), draw(exponents()), draw(exponents())
        if stable_start:
            b = start - a if start is not None else max(b, Fraction(1, 2) - a)
        d = None if optimizer == "sgd" else draw(st.none() | exponents())
        layers.append(LayerExponents(a, b, c, d))
    return Abcd(optimizer, *layers)


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


# --- random features --------------------------------------------------------------------------------------


def _decades(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats spread evenly over decades, with both ends and 1 among the examples."""
    return st.one_of(
        st.sampled_from([10.0**low, 10.0**high, 1.0]),
        st.floats(low, high).map(lambda e: 10.0**e),
    )


def ridges() -> st.SearchStrategy[float]:
    """The benchmark's box, [1e-12, 1e8]."""
    return _decades(-12, 8)


def widths(*, infinite: bool = True) -> st.SearchStrategy[float]:
    """psi2 in [1e-2, 1e6], and infinity."""
    finite = _decades(-2, 6)
    return st.one_of(finite, st.just(float("inf"))) if infinite else finite


def sample_ratios() -> st.SearchStrategy[float]:
    """psi1 in [1e-3, 1e3], 1 and its neighbours included."""
    return st.one_of(_decades(-3, 3), st.sampled_from([1 - 2.0**-52, 1 + 2.0**-52, 1 + 1e-9]))


def squared_coefficients() -> st.SearchStrategy[float]:
    """mu1_sq in [1e-6, 1 - 1e-6], dense at both ends."""
    small = st.floats(-6, -0.31).map(lambda e: 10.0**e)
    return st.one_of(small, small.map(lambda u: 1 - u), st.sampled_from([1e-6, 0.5, 1 - 1e-6]))


def random_features() -> st.SearchStrategy[RandomFeatures]:
    """Models over the whole box; teachers down to a linear part of 1e-3, noise from 0 to 10."""
    return st.builds(
        RandomFeatures,
        psi1=sample_ratios(),
        mu1_sq=squared_coefficients(),
        teacher_mu1_sq=st.one_of(st.floats(1e-3, 0.999), st.just(0.5)),
        noise_var=st.one_of(st.just(0.0), st.floats(1e-6, 10.0)),
    )


@st.composite
def rational_models(draw: st.DrawFn) -> tuple[Fraction, ...]:
    """(psi1, eta, mu1_sq, A, B, ridge), exact and admissible: corners of mu1_sq, psi1 on both sides of 1 and
    of psi2.
    """
    sizes = st.sampled_from(["1/1000", "1/3", "1", "5/2", "200"]) | st.fractions(
        "1/50", 20, max_denominator=60
    )
    shares = st.sampled_from(["1/1000000", "1/2", "999999/1000000"]) | st.fractions(
        "1/50", "49/50", max_denominator=60
    )
    psi1, eta, ridge, remaining = (Fraction(draw(sizes)) for _ in range(4))
    mu1_sq, teacher = (Fraction(draw(shares)) for _ in range(2))
    return psi1, min(eta, Fraction(2)), mu1_sq, teacher, remaining, ridge


# --- decomposition ----------------------------------------------------------------------------------------


@st.composite
def gradients_and_updates(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(G, dW) of one shape [..., m, n]: batched or not, tall and wide, full or low rank, zero, any scale."""
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    m, n = draw(st.integers(1, 9)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rank = draw(st.integers(0, min(m, n)))
    g = rng.standard_normal((*batch, m, rank)) @ rng.standard_normal((*batch, rank, n))
    mix = draw(st.sampled_from([0.0, 1e-6, 1.0]))
    d = -g + mix * rng.standard_normal((*batch, m, n))
    scale = 10.0 ** draw(st.integers(-8, 8))
    return scale * g, d


@st.composite
def profile_pairs(draw: st.DrawFn, *, most_hps: int = 5, most_components: int = 6) -> tuple:
    """(phi_n [g, n], phi_max [g, n_max], hps [g]): a finite set of exact values, so that ties happen."""
    g, n = draw(st.integers(2, most_hps)), draw(st.integers(1, most_components))
    wide = n + draw(st.integers(0, 3))
    value = st.integers(-8, 4).map(lambda x: x / 4)
    rows = st.lists(st.lists(value, min_size=n + wide, max_size=n + wide), min_size=g, max_size=g)
    phi = np.cumsum(np.array(draw(rows))[:, :n], axis=1), np.cumsum(np.array(draw(rows))[:, n:], axis=1)
    cells = draw(st.lists(st.sampled_from([0.25, 1.0, 3.0]), min_size=g, max_size=g))
    return *phi, np.cumsum(cells)


@st.composite
def polynomial_losses(draw: st.DrawFn, *, convex: bool = True) -> Polynomial:
    """Polynomials of degree up to 6 on [-1, 1]; convex: curvature between 1/20 and 50, minimiser anywhere."""
    bends = np.array(draw(st.lists(st.integers(-8, 8), min_size=1, max_size=5))) / 8
    if convex:  # the second derivative is shifted up to a positive minimum
        lattice = Polynomial(bends)(np.linspace(-1, 1, 201))
        bends[0] += draw(st.sampled_from([0.05, 0.3, 2.0])) + max(0.0, -lattice.min()) + 0.01
    tilt = draw(st.integers(-16, 16)) / 8
    return Polynomial(bends).integ(2, k=[tilt, draw(st.integers(-4, 4)) / 2])
