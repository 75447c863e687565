"""The HP gap of measured sweeps beside its bounds: t_n, its two parts, and b_n (2512.22768, App. B.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hptheory.decomposition.arrays import Array, to_numpy
from hptheory.decomposition.bounds import (
    Decomposed,
    decomposition_objective,
    flatness_part,
    invariance_part,
    one_step_value,
)
from hptheory.decomposition.grid_measures import Floats
from hptheory.decomposition.loss_curves import GridCurve
from hptheory.decomposition.truncation import checked_profiles, top_loss


@dataclass(frozen=True)
class HPGapRow:
    """One width: the measured HP gap, and bounds on it that hold on the grid. All are differences of HPs.

    ``bound`` (t_n) is the least of ``invariance + flatness`` over all constant truncations and the one given;
    ``kappa`` is that truncation, an index or one for each HP. ``one_step`` is the least of the second bound,
    reached at the constant ``one_step_k`` (0: nothing but residual). ``printed`` is the paper's J at
    ``kappa``, with its suprema taken over the grid, which is no theorem there. Infinite: the curves have no
    curvature, or two HPs tie.
    """

    width: int
    hp_gap: float
    bound: float
    invariance: float
    flatness: float
    kappa: int | tuple[int, ...]
    one_step: float
    one_step_k: int
    printed: float

    @property
    def holds(self) -> bool:
        """Whether the measured gap is below both bounds, which is a theorem (up to rounding)."""
        return self.hp_gap <= min(self.bound, self.one_step) * (1 + 1e-9)


def hp_gap_table(
    profiles: Mapping[int, Array], hps: ArrayLike, truncations: Mapping[int, ArrayLike | None] | None = None
) -> list[HPGapRow]:
    """A row for each width but the widest, which stands for infinity: b_n and what bounds it.

    Source: 2512.22768, Definition 6 and Proposition 13, in the form that holds on grids (``three_steps``) and
    ``one_step``. ``truncations`` are those of ``select_truncation``; None (Fail) is left out.

    Shapes: ``profiles[n]`` is ``[g, n]``, ``hps`` ``[g]``, increasing; bounds are in the unit of ``hps`` as
    passed. Domain: that of ``select_truncation``.

    *Laws*: b_n <= bound, b_n <= one_step; both are 0 where profiles do not depend on width.

    >>> import numpy as np
    >>> x = np.linspace(-1.0, 1.0, 5)
    >>> phi = (x**2 - 2)[:, None] * np.array([0.5, 0.75, 0.875, 1.0])
    >>> (row,) = hp_gap_table({4: phi + np.array([0.0, 0.0, 0.0, 0.125]), 8: phi}, x)
    >>> row.hp_gap, row.bound, row.one_step             # a shift common to all HPs moves nothing
    (0.0, 0.0, 0.0)
    """
    x = np.asarray(to_numpy(hps), dtype=np.float64)
    tables, widest = checked_profiles(profiles, x)
    given = truncations or {}
    return [
        _row(width, tables[width], tables[widest], x, given.get(width))
        for width in sorted(tables)
        if width != widest
    ]


def decomposed(phi_n: Floats, phi_max: Floats, hps: Floats, tops: Sequence[Floats]) -> Decomposed:
    """The four curves for top-kappa losses ``[..., g]`` of both widths."""
    return Decomposed(
        GridCurve(hps, phi_n[:, -1]), GridCurve(hps, phi_max[:, -1]), *(GridCurve(hps, top) for top in tops)
    )


def format_hp_gap_table(rows: Sequence[HPGapRow]) -> str:
    """The table as text, one line a width.

    >>> print(format_hp_gap_table([HPGapRow(64, 0.5, 2.0, 1.5, 0.5, 7, 1.0, 0, 3.0)]))
       width        b_n   t_n = inv. + flat.  = invariance    + flatness  kappa   one step   as printed
          64        0.5                    2           1.5           0.5      7          1            3
    """
    lines = [
        f"{'width':>8} {'b_n':>10} {'t_n = inv. + flat.':>20} {'= invariance':>13} {'+ flatness':>13} "
        f"{'kappa':>6} {'one step':>10} {'as printed':>12}"
    ]
    for row in rows:
        kappa = row.kappa if isinstance(row.kappa, int) else "hat"
        lines.append(
            f"{row.width:>8} {row.hp_gap:>10.4g} {row.bound:>20.4g} {row.invariance:>13.4g} "
            f"{row.flatness:>13.4g} {kappa:>6} {row.one_step:>10.4g} {row.printed:>12.4g}"
        )
    return "\n".join(lines)


def _row(width: int, phi_n: Floats, phi_max: Floats, hps: Floats, kappa: ArrayLike | None) -> HPGapRow:
    n = min(phi_n.shape[1], phi_max.shape[1])
    tops = [phi[:, :n].T for phi in (phi_n, phi_max)]
    labels: list[int | tuple[int, ...]] = list(range(1, n + 1))
    if kappa is not None:
        tops = [
            np.vstack([top, top_loss(phi, kappa)]) for top, phi in zip(tops, (phi_n, phi_max), strict=True)
        ]
        labels.append(tuple(int(k) for k in np.asarray(to_numpy(kappa))))
    curves = decomposed(phi_n, phi_max, hps, tops)
    invariance, flatness = invariance_part(curves), flatness_part(curves)
    best = int(np.argmin(invariance + flatness))
    nothing = [np.zeros((1, hps.size))] * 2
    with_none = decomposed(phi_n, phi_max, hps, [np.vstack(pair) for pair in zip(nothing, tops, strict=True)])
    single = one_step_value(with_none)[: n + 1]
    return HPGapRow(
        width=width,
        hp_gap=float(curves.hp_gap),
        bound=float(invariance[best] + flatness[best]),
        invariance=float(invariance[best]),
        flatness=float(flatness[best]),
        kappa=labels[best],
        one_step=float(single.min()),
        one_step_k=int(np.argmin(single)),
        printed=float(decomposition_objective(curves)[best]),
    )
