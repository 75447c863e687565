"""Algorithm 1: the truncation kappa-hat(n) of every width (2512.22768, App. C)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import Array, to_numpy
from hptheory.decomposition.errors import MissingProxyError, TooFewHPsError
from hptheory.decomposition.grid_measures import best_hp, checked_grid, convexity_error
from hptheory.decomposition.proxy import Floats, Method, checked_profile, minimize_proxy
from hptheory.errors import DomainError


def select_truncation(
    profiles: Mapping[int, Array],
    hps: ArrayLike,
    tau_candidates: Sequence[float],
    convexity_tol: float,
    argmin_tol: float,
    method: Method = "coordinate",
) -> dict[int, Any]:
    r"""The truncation kappa-hat(n) of each width but the widest, or None where no candidate is accepted.

    For each width n: go through the pairs (tau1, tau2) of candidates, by tau1 + tau2 and then by tau1; take
    kappa = ``minimize_proxy(...)``; accept the first for which the top-kappa curves of n and of the widest
    model are both convex up to a share ``convexity_tol`` of interior HPs, and both have their best HP within
    ``argmin_tol`` of that of the whole loss. None is the paper's Fail.

    Source: 2512.22768, Algorithm 1, exact to its text; ``method="exact"`` replaces its Algorithm 2 by the
    true minimiser. Ties of best HPs: the smaller. ``argmin_tol`` is in the unit of ``hps`` as passed.

    Shapes: ``profiles[n]`` is ``[g, n]`` (see ``minimize_proxy``), ``hps`` ``[g]``, increasing. Domain: two
    widths or more, else ``MissingProxyError``; g >= 3, else ``TooFewHPsError``; tolerances >= 0 and
    tau > 0, else ``DomainError``.

    *Laws*: with profiles that do not depend on width every width is accepted, at the first pair, if the
    whole losses are convex; larger tolerances accept whatever smaller ones do, or an earlier pair.

    >>> import numpy as np
    >>> x = np.linspace(-1.0, 1.0, 5)
    >>> share = np.linspace(0.5, 1.0, 8)                           # of the loss, held by the top k
    >>> loss = -2.0 + x**2
    >>> found = select_truncation({4: loss[:, None] * share[1::2], 8: loss[:, None] * share}, x,
    ...                           tau_candidates=[0.01, 0.1], convexity_tol=0.0, argmin_tol=0.0)
    >>> found[4].shape
    (5,)
    """
    x = np.asarray(to_numpy(hps), dtype=np.float64)
    tables, widest = checked_profiles(profiles, x)
    taus = sorted((float(tau) for tau in tau_candidates), key=float)
    if not taus:
        raise DomainError("tau_candidates", list(tau_candidates), "not empty")
    for name, tolerance in (("convexity_tol", convexity_tol), ("argmin_tol", argmin_tol)):
        if not tolerance >= 0:
            raise DomainError(name, tolerance, ">= 0")
    pairs = sorted(product(taus, taus), key=lambda pair: (pair[0] + pair[1], pair[0]))
    chosen: dict[int, Any] = {}
    for width in sorted(profiles):
        if width == widest:
            continue
        chosen[width] = None
        for tau1, tau2 in pairs:
            kappa = minimize_proxy(profiles[width], profiles[widest], hps, tau1, tau2, method)
            curves = tables[width], tables[widest]
            if is_acceptable(curves, to_numpy(kappa), x, convexity_tol, argmin_tol):
                chosen[width] = kappa
                break
    return chosen


def is_acceptable(
    curves: Sequence[Floats], kappa: Array, hps: Floats, convexity_tol: float, argmin_tol: float
) -> bool:
    """Step 2 (a) iv of Algorithm 1, for the profiles of a width and of the widest model."""
    tops = [top_loss(phi, kappa) for phi in curves]
    bent = max(float(convexity_error(hps, top)) for top in tops)
    moved = max(
        float(abs(best_hp(hps, top) - best_hp(hps, phi[:, -1])))
        for top, phi in zip(tops, curves, strict=True)
    )
    return bent <= convexity_tol and moved <= argmin_tol


def top_loss(phi: ArrayLike, kappa: ArrayLike) -> Floats:
    """The top-kappa loss curve phi^kappa ``[g]``: column kappa_i (1-based) of row i of a profile ``[g, n]``.

    Domain: 1 <= kappa_i <= n, else ``DomainError``. A single number serves all HPs.

    >>> top_loss([[-1, -2, -3], [-4, -5, -6]], [3, 1]).tolist()
    [-3.0, -4.0]
    """
    table = np.asarray(to_numpy(phi), dtype=np.float64)
    index = np.broadcast_to(np.asarray(kappa), table.shape[:1])
    if not (np.all(index >= 1) and np.all(index <= table.shape[1])):
        raise DomainError(
            "kappa", index.tolist(), f">= 1 and <= n = {table.shape[1]}, the number of components"
        )
    return table[np.arange(table.shape[0]), index - 1]


def checked_profiles(profiles: Mapping[int, Array], hps: Floats) -> tuple[dict[int, Floats], int]:
    """The profiles as NumPy arrays ``[g, n]``, checked, and the width that stands for infinity."""
    checked_grid(hps)
    if len(profiles) < 2:
        raise MissingProxyError(sorted(profiles), "there is no larger one")
    if hps.size < 3:
        raise TooFewHPsError(hps.size, 3, "the convexity of a curve")
    tables = {width: np.asarray(to_numpy(phi), dtype=np.float64) for width, phi in profiles.items()}
    for width, phi in tables.items():
        checked_profile(f"the profile of width {width}", phi, hps)
    return tables, max(tables)
