"""The proxy objective of a truncation, and its minimiser: coordinate descent, or exact (2512.22768, App. C).

The objective is::

    J(kappa) = mean_i |phi_n^(kappa_i)(nu_i) - phi_max^(kappa_i)(nu_i)|
               + tau1 Lip(phi_n - phi_n^kappa) + tau2 Lip(phi_max - phi_max^kappa)                        (18)

over kappa in {1, ..., n}^g: one truncation index for each of the g HPs; the widest model, phi_max, stands for
infinite width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.decomposition.arrays import Array, is_torch, like, to_numpy
from hptheory.decomposition.errors import (
    MissingProxyError,
    NonFiniteError,
    ShapeMismatchError,
    TooFewHPsError,
)
from hptheory.decomposition.grid_measures import checked_grid, lipschitz
from hptheory.errors import DomainError, UnknownNameError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Method = Literal["coordinate", "exact"]


class Truncation(np.ndarray):
    """A truncation kappa, an integer array ``(g,)`` of 1-based indices that knows how good it is.

    ``objective`` is J(kappa); ``lower_bound`` is a number below which no J lies (None for coordinate descent,
    which proves none); ``gap`` their difference; ``work`` the sweeps or nodes spent. Arrays computed from it
    are of this class too, but know nothing: their attributes are None.
    """

    objective: float | None
    lower_bound: float | None
    work: int | None

    @classmethod
    def of(cls, kappa: ArrayLike, objective: float, lower_bound: float | None, work: int) -> Truncation:
        """The array with its certificate."""
        new = np.array(kappa, dtype=np.int64).view(cls)
        new.objective, new.lower_bound, new.work = objective, lower_bound, work
        return new

    def __array_finalize__(self, source: object) -> None:
        self.objective = self.lower_bound = self.work = None

    @property
    def gap(self) -> float | None:
        """How far the objective may lie above the least one; None where nothing is proved."""
        if self.objective is None or self.lower_bound is None:
            return None
        return max(0.0, self.objective - self.lower_bound)


@dataclass(frozen=True)
class Proxy:
    """The tables of (18) for one pair of widths: ``gap``, ``own`` and ``limit`` are ``[g, n]``.

    ``gap`` holds |phi_n^k - phi_max^k|; ``own`` and ``limit`` the residuals phi_n - phi_n^k and
    phi_max - phi_max^k.
    """

    hps: Floats
    gap: Floats
    own: Floats
    limit: Floats
    tau1: float
    tau2: float

    @cached_property
    def _rows(self) -> Ints:
        return np.arange(self.hps.size)

    def objective(self, kappa: ArrayLike) -> Floats:
        """J of truncations ``[..., g]`` (1-based), ``[...]``."""
        at = (self._rows, np.asarray(kappa) - 1)
        own, limit = lipschitz(self.hps, self.own[at]), lipschitz(self.hps, self.limit[at])
        return self.gap[at].mean(axis=-1) + self.tau1 * own + self.tau2 * limit


def proxy(phi_n: ArrayLike, phi_max: ArrayLike, hps: ArrayLike, tau1: float, tau2: float) -> Proxy:
    """The tables of (18), from profiles ``[g, n]`` and ``[g, n_max]``; everything is checked here.

    The last column of a profile is the whole loss change: k must run over all components.
    """
    a, b = (np.asarray(to_numpy(phi), dtype=np.float64) for phi in (phi_n, phi_max))
    x = np.asarray(to_numpy(hps), dtype=np.float64)
    checked_grid(x)
    for name, phi in (("phi_n", a), ("phi_max", b)):
        checked_profile(name, phi, x)
    if x.size < 2:
        raise TooFewHPsError(x.size, 2, "the slope of a residual")
    n = a.shape[1]
    if b.shape[1] < n:
        raise MissingProxyError([n, b.shape[1]], "phi_max has fewer components than phi_n")
    for name, tau in (("tau1", tau1), ("tau2", tau2)):
        if not 0 < tau < np.inf:
            raise DomainError(name, tau, "positive and finite")
    return Proxy(x, np.abs(a - b[:, :n]), a[:, -1:] - a, b[:, -1:] - b[:, :n], float(tau1), float(tau2))


def checked_profile(name: str, phi: Floats, hps: Floats) -> None:
    """Raise where a profile is not finite numbers ``[g, n]``."""
    if phi.ndim != 2 or phi.shape[0] != hps.size or phi.shape[1] == 0:
        raise ShapeMismatchError(name, phi.shape, "hps", hps.shape, "a profile is [hp, component]")
    bad = ~np.isfinite(phi)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise NonFiniteError(
            name, int(bad.sum()), index, "leave out the HPs whose runs diverged, at all widths"
        )


def minimize_proxy(
    phi_n: Array,
    phi_max: Array,
    hps: ArrayLike,
    tau1: float,
    tau2: float,
    method: Method = "coordinate",
    max_nodes: int = 2000,
) -> Any:
    r"""A truncation kappa ``(g,)``, 1-based, that makes the proxy objective (18) small.

    ``coordinate`` is the paper's Algorithm 2: start at floor(n/2) (1 for n = 1), set one coordinate after the
    other to its best value while the others stand, until a whole sweep changes nothing. ``exact`` is a branch
    and bound (``exact_proxy``) of at most ``max_nodes``; what comes back carries its ``objective`` and the
    proved ``gap`` (see ``Truncation``), 0 where the minimum is proved.

    Source: 2512.22768, Eq. (18), Algorithm 2. Ties: the smallest k wins. Each change lowers (J, then kappa),
    so that the descent ends.

    Shapes: ``phi_n`` is ``[g, n]``, column j the cumulative loss change of the top j + 1 components, the last
    one the whole; ``phi_max`` is ``[g, n_max]``; ``hps`` ``[g]``, increasing. NumPy in, a ``Truncation`` out;
    torch in, a plain tensor of int64 on the same device. Domain: g >= 2, n_max >= n, tau1, tau2 > 0, finite
    numbers, else an error that names the fault.

    *Laws*: no change of one coordinate improves the result; "exact" is never above "coordinate"; on small
    cases it is the minimum over all n^g truncations; multiplying both profiles by c > 0 changes nothing.

    >>> import numpy as np
    >>> narrow = np.array([[-1.0, -1.5, -1.6], [-1.2, -1.8, -1.9]])
    >>> wide = np.array([[-1.0, -1.6, -1.8, -1.9], [-1.2, -1.9, -2.1, -2.2]])
    >>> kappa = minimize_proxy(narrow, wide, [1.0, 2.0], tau1=0.1, tau2=0.1, method="exact")
    >>> kappa.tolist(), kappa.gap
    ([1, 1], 0.0)
    """
    problem = proxy(phi_n, phi_max, hps, tau1, tau2)
    if method == "coordinate":
        kappa = coordinate_descent(problem)
    elif method == "exact":
        from hptheory.decomposition.exact_proxy import branch_and_bound

        kappa = branch_and_bound(problem, max_nodes)
    else:
        raise UnknownNameError("method", method, ["coordinate", "exact"])
    return like(np.asarray(kappa), phi_n) if is_torch(phi_n) else kappa


def coordinate_descent(problem: Proxy, start: ArrayLike | None = None) -> Truncation:
    """Algorithm 2: sweeps over the coordinates until none changes. ``work`` counts the sweeps."""
    g, n = problem.gap.shape
    kappa = np.full(g, max(1, n // 2)) if start is None else np.array(start, dtype=np.int64)
    candidates = np.arange(1, n + 1)
    sweeps, changed = 0, True
    while changed:
        changed = False
        sweeps += 1
        for i in range(g):
            switched = np.tile(kappa, (n, 1))
            switched[:, i] = candidates
            # Each score is J of the whole truncation, so that equal truncations score equal to the last bit.
            best = int(np.argmin(problem.objective(switched))) + 1
            changed |= best != kappa[i]
            kappa[i] = best
    return Truncation.of(kappa, float(problem.objective(kappa)), None, sweeps)
