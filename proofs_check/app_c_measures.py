"""App. C of 2512.22768: the proxy objective (18), and what is measured of curves.

The library computes in floats; it is compared on integer tables, where every number that occurs is a float
exactly.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from hptheory.decomposition.grid_measures import convexity_error, lipschitz, second_derivatives
from hptheory.decomposition.proxy import proxy
from proofs_check.certificates import require_combination, require_item, require_point
from proofs_check.claims import Claim, Refuted, Verdict

Table = tuple[tuple[int, ...], ...]
Kappa = tuple[int, ...]

ESTIMATE = "2*(y0/((x0 - x1)*(x0 - x2)) + y1/((x1 - x0)*(x1 - x2)) + y2/((x2 - x0)*(x2 - x1)))"
"""The three-point estimate of the second derivative, as printed."""


def objective(own: Table, limit: Table, hps: Kappa, taus: tuple[int, int], kappa: Kappa) -> Fraction:
    """Return (18) in fractions: mean gap + tau1 Lip(residual of n) + tau2 Lip(residual of n_max)."""
    tops = [[table[i][k - 1] for i, k in enumerate(kappa)] for table in (own, limit)]
    rests = [
        [row[-1] - top for row, top in zip(table, t, strict=True)]
        for table, t in zip((own, limit), tops, strict=True)
    ]
    gaps = [abs(a - b) for a, b in zip(*tops, strict=True)]
    slopes = [
        max(abs(Fraction(rest[i + 1] - rest[i], hps[i + 1] - hps[i])) for i in range(len(hps) - 1))
        for rest in rests
    ]
    return Fraction(sum(gaps), len(gaps)) + taus[0] * slopes[0] + taus[1] * slopes[1]


def library_objective(taus: tuple[int, int] = (1, 2)) -> str:
    """Check that the library's (18) is the one in fractions, on integer tables and all truncations.

    Four HPs, two components; every number that occurs is a float exactly. The certificate says what makes it
    (18): each gap is a size, each Lipschitz constant the largest of three sizes, attained.
    """
    own, limit, hps = ((3, -1), (1, -5), (-2, 6), (4, 4)), ((3, 5), (-9, 7), (3, 2), (0, -6)), (0, 1, 3, 4)
    problem = proxy(np.array(own), np.array(limit), hps, 1, 2)
    for kappa in product((1, 2), repeat=4):
        found = Fraction(float(problem.objective(kappa)))
        if found != objective(own, limit, hps, taus, kappa):
            raise Refuted(f"J{kappa} = {found}, not {objective(own, limit, hps, taus, kappa)}")
        _record_objective(own, limit, hps, kappa, found)
    return "the library's objective is (18), on integer tables"


def _record_objective(own: Table, limit: Table, hps: Kappa, kappa: Kappa, found: Fraction) -> None:
    """The value that the library found, by what defines (18)."""
    point: dict[str, Fraction | int] = {"J": found, "tau1": 1, "tau2": 2}
    conditions = ["J == (gap0 + gap1 + gap2 + gap3)/4 + tau1*Lip_own + tau2*Lip_limit"]
    for i, k in enumerate(kappa):
        point |= {f"nu{i}": hps[i], f"top_own{i}": own[i][k - 1], f"top_limit{i}": limit[i][k - 1]}
        point |= {
            f"rest_own{i}": own[i][-1] - own[i][k - 1],
            f"rest_limit{i}": limit[i][-1] - limit[i][k - 1],
        }
        point[f"gap{i}"] = abs(own[i][k - 1] - limit[i][k - 1])
        conditions += [f"gap{i} >= 0", f"gap{i}**2 == (top_own{i} - top_limit{i})**2"]
    for table in ("own", "limit"):
        slopes = [f"((rest_{table}{i + 1} - rest_{table}{i})/(nu{i + 1} - nu{i}))" for i in range(3)]
        rests = [Fraction(point[f"rest_{table}{i}"]) for i in range(4)]
        point[f"Lip_{table}"] = max(abs(rests[i + 1] - rests[i]) / (hps[i + 1] - hps[i]) for i in range(3))
        conditions += [f"Lip_{table} >= 0", *(f"Lip_{table}**2 >= {slope}**2" for slope in slopes)]
        conditions.append("*".join(f"(Lip_{table}**2 - {slope}**2)" for slope in slopes) + " == 0")
    require_point(f"J at kappa = {kappa}", point, conditions)


def parabola_is_exact() -> str:
    """Check that the three-point estimate is 2 c for y = a + b x + c x^2 on any grid."""
    names = ["x0", "x1", "x2", "a", "b", "c"]
    steps = [[f"y{i}", f"a + b*x{i} + c*x{i}**2"] for i in range(3)]
    item = {"kind": "zero", "what": "exact for parabolas", "variables": names, "steps": steps}
    require_item(item | {"zero": [f"{ESTIMATE} - 2*c"]})
    slopes = "2*((y2 - y1)/(x2 - x1) - (y1 - y0)/(x1 - x0))/(x2 - x0)"
    item = {
        "kind": "zero",
        "what": "the change of slope",
        "variables": ["x0", "x1", "x2", "y0", "y1", "y2"],
        "steps": [],
    }
    require_item(item | {"zero": [f"{ESTIMATE} - {slopes}"]})
    if second_derivatives((0, 1, 3), (5, 8, 20)).tolist() != [2]:  # 5 + 2 x + x^2
        raise Refuted("the library's estimate of a parabola's second derivative")
    return "2 c for every parabola; the change of slope over half the two cells, as the library computes it"


def sign_of_estimate() -> str:
    """Check that the estimate has the sign of chord less value: so ConvErr = 0 iff convex.

    With cells p, q > 0 it is 2/(p q) times (q y0 + p y2)/(p + q) - y1.
    """
    item = {"kind": "zero", "what": "chord less value", "variables": ["x1", "p", "q", "y0", "y1", "y2"]}
    steps = [["x0", "x1 - p"], ["x2", "x1 + q"]]
    chord = "2/(p*q)*((q*y0 + p*y2)/(p + q) - y1)"
    require_item(item | {"steps": steps, "zero": [f"{ESTIMATE} - {chord}"]})
    found = [float(convexity_error((0, 1, 3, 4), y)) for y in ((0, 1, 9, 16), (0, 1, 0, 1), (0, -1, -9, -16))]
    if [Fraction(share) for share in found] != [0, Fraction(1, 2), 1]:
        raise Refuted(f"the library's convexity errors: {found}")
    return "the estimate is negative exactly where the value lies above the chord of its neighbours"


def lipschitz_of_interpolation() -> str:
    """Check |y2 - y0| <= Lip (x2 - x0) if the slopes of both cells are at most Lip."""
    cells = {"first": "L*p - (y1 - y0)", "second": "L*q - (y2 - y1)"}
    names = ["y0", "y1", "y2", "p", "q", "L"]
    require_combination(
        "over two cells", names, cells, "L*(p + q) - (y2 - y0)", [("1", "first"), ("1", "second")]
    )
    if lipschitz((0, 1, 3), (0, 2, 0)).tolist() != 2:
        raise Refuted("the library's Lipschitz constant")
    return "slopes of sums of cells are at most the largest slope, which is attained"


CLAIMS = (
    Claim(
        id="eq-18",
        place="App. C, (18)",
        statement=r"\mathcal J_{proxy}(\kappa; \tau) := \frac1g\sum_i\lvert\phi_n^{\kappa_i}(\nu_i) - "
        r"\phi_{n_{max}}^{\kappa_i}(\nu_i)\rvert + \tau_1\operatorname{Lip}(\phi_n^{-\kappa}) + "
        r"\tau_2\operatorname{Lip}(\phi_{n_{max}}^{-\kappa})",
        verdict=Verdict.PROVED,
        check=library_objective,
        breaks=tuple(
            (f"weights {taus}", partial(library_objective, taus)) for taus in ((2, 1), (1, 1), (0, 2))
        ),
        note="A definition; checked: the library computes it.",
    ),
    Claim(
        id="c-second-derivative",
        place="App. C, above (19)",
        statement=r"\hat f''(\nu_i) := 2\Bigl(\frac{y_{i-1}}{(\nu_{i-1} - \nu_i)(\nu_{i-1} - \nu_{i+1})} + "
        r"\frac{y_i}{(\nu_i - \nu_{i-1})(\nu_i - \nu_{i+1})} + \frac{y_{i+1}}{(\nu_{i+1} - "
        r"\nu_{i-1})(\nu_{i+1} - \nu_i)}\Bigr)",
        verdict=Verdict.PROVED,
        check=parabola_is_exact,
    ),
    Claim(
        id="eq-19",
        place="App. C, (19)",
        statement=r"\operatorname{ConvErr} := \frac{1}{g - 2}\sum_{i=2}^{g-1} 1\{\hat f''(\nu_i) < 0\}",
        verdict=Verdict.PROVED,
        check=sign_of_estimate,
        note="0 exactly for curves whose interpolation is convex.",
        depends_on=("c-second-derivative",),
    ),
    Claim(
        id="eq-20",
        place="App. C, (20)",
        statement=r"\operatorname{Lip} := \max_i \Bigl\lvert\frac{y_{i+1} - y_i}{\nu_{i+1} - "
        r"\nu_i}\Bigr\rvert",
        verdict=Verdict.PROVED,
        check=lipschitz_of_interpolation,
        note="The Lipschitz constant of the interpolated curve.",
    ),
)
