"""App. C of 2512.22768: the proxy objective (18), what is measured of curves, and Algorithms 1 and 2.

The library computes in floats; it is compared on integer tables, where every number that occurs is a float
exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from hptheory.decomposition import minimize_proxy, select_truncation
from hptheory.decomposition.grid_measures import convexity_error, lipschitz, second_derivatives
from hptheory.decomposition.proxy import proxy
from proofs_check.certificates import (
    require_combination,
    require_counterexample,
    require_item,
    require_point,
)
from proofs_check.claims import Claim, Refuted, Verdict, refuted

Table = tuple[tuple[int, ...], ...]
Kappa = tuple[int, ...]
Rule = Callable[[list[Fraction], int], int]
"""Which of the candidates 1, ..., n is taken, given their scores and the present one."""

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


def smallest(scores: list[Fraction], present: int) -> int:
    """The smallest of the best candidates."""
    return scores.index(min(scores)) + 1


def other(scores: list[Fraction], present: int) -> int:
    """One of the best candidates, another than the present one where there is one."""
    best = [k for k, score in enumerate(scores, 1) if score == min(scores)]
    return next((k for k in best if k != present), present)


def largest(scores: list[Fraction], present: int) -> int:
    """The largest of the best candidates."""
    return max(k for k, score in enumerate(scores, 1) if score == min(scores))


def worst(scores: list[Fraction], present: int) -> int:
    """The worst candidate."""
    return scores.index(max(scores)) + 1


def descends(rule: Rule = smallest) -> str:
    """Check that each change of Algorithm 2 lowers (J, kappa): as kappa is one of n^g, it ends.

    A change takes a minimiser of the scores, of which the present one is J itself: J does not rise. If J
    stays, the present kappa_i is a minimiser too, and the smallest one, another, lies below it. Run, too, on
    all pairs of tables with entries 0 and 1 for two HPs and two components, from every start.
    """
    rows = list(product((0, 1), repeat=2))
    for own, limit in product(product(rows, repeat=2), repeat=2):
        score = partial(objective, own, limit, (0, 1), (1, 1))
        for start in product((1, 2), repeat=2):
            kappa, changed = list(start), True
            while changed:
                changed = False
                for i in range(2):
                    scores = [score((*kappa[:i], k, *kappa[i + 1 :])) for k in (1, 2)]
                    before, chosen = (score(tuple(kappa)), tuple(kappa)), rule(scores, kappa[i])
                    if chosen != kappa[i]:
                        kappa[i], changed = chosen, True
                        if not (score(tuple(kappa)), tuple(kappa)) < before:
                            raise Refuted(
                                f"tables {own}, {limit}: {before[1]} -> {tuple(kappa)} at J = {before[0]}"
                            )
    names = ["J_present", "J_chosen", "k_present", "k_chosen"]
    least = {"chosen_minimises": "J_present - J_chosen"}
    require_combination("J does not rise", names, least, "J_present - J_chosen", [("1", "chosen_minimises")])
    require_combination(
        "in a tie kappa falls",
        names,
        {"smallest_minimiser": "k_present - k_chosen - 1"},
        "k_present - k_chosen",
        [("1", "smallest_minimiser"), ("1", "")],
        relation=">",
    )
    return "each change lowers (J, kappa): the descent ends, whatever the tables"


def never_ends() -> str:
    """Refute for an argmin that may be any of several: equal columns tie, and the choice can alternate."""
    table = ((-1, -1), (-1, -1))
    scores = [objective(table, table, (0, 1), (1, 1), (k, 1)) for k in (1, 2)]
    point = {"score_1": scores[0], "score_2": scores[1]}
    conditions = ["score_1 <= score_2", "score_2 <= score_1"]  # both are minimisers
    require_counterexample("the scores differ", point, conditions, "score_1 != score_2")
    first, second = (other(scores, present) for present in (1, 2))
    raise Refuted(
        f"equal columns: both scores are {scores[0]}; kappa_1 may go 1 -> {first} -> {second} -> ..."
    )


def stuck() -> str:
    """Check that Algorithm 2 can stop where J = 1 though the minimum is 0, which the exact method finds.

    Two HPs, two components: the first has a gap of 1 and residuals -1, -2 that do not depend on the HP; the
    second none. Switching one HP only makes a residual jump: J(2, 1) = 1/2 + 1 + 2.
    """
    own, limit, hps, taus = ((-1, -2), (-1, -2)), ((0, -2), (0, -2)), (0, 1), (1, 1)
    values = {kappa: objective(own, limit, hps, taus, kappa) for kappa in product((1, 2), repeat=2)}
    point = {f"J{a}{b}": value for (a, b), value in values.items()}
    conditions = ["J11 < J12", "J11 < J21"]
    require_counterexample("the descent ends at the minimum", point, conditions, "J11 <= J22")
    narrow, wide = (np.array(table, dtype=np.float64) for table in (own, limit))
    found = [
        minimize_proxy(narrow, wide, hps, 1, 1, "coordinate").tolist(),
        minimize_proxy(narrow, wide, hps, 1, 1, "exact").tolist(),
    ]
    if found != [[1, 1], [2, 2]]:
        raise Refuted(f"the library finds {found}")
    return "J = 1 at (1, 1), where the descent stays; J = 0 at (2, 2)"


def fails_needlessly() -> str:
    """Check that Algorithm 1 ends, and may say Fail though an acceptable truncation exists.

    Losses x^2 - 4 at x = -1, 0, 1; the first component leaves the residual 2 x - 10, all others none. kappa =
    2 is acceptable, J = 0; the descent stays at kappa = 1, J = 4 tau, whose best HP is 1, not 0. Switching
    one HP makes a slope of 8 at least. The loops of the algorithm run over finite lists.
    """
    x = (-1, 0, 1)
    table = tuple((y**2 - 4 - (2 * y - 10), y**2 - 4) for y in x)
    truncations = [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 2, 2)]
    point = {"J" + "".join(map(str, k)): objective(table, table, x, (1, 1), k) for k in truncations}
    conditions = ["J111 < J211", "J111 < J121", "J111 < J112"]
    require_counterexample("the descent ends at the minimum", point, conditions, "J111 <= J222")
    narrow = np.array(table, dtype=np.float64)
    profiles = {2: narrow, 4: np.concatenate([narrow, narrow[:, 1:], narrow[:, 1:]], axis=1)}
    found = [
        select_truncation(profiles, x, [1], 0, 0, "coordinate")[2],
        select_truncation(profiles, x, [1], 0, 0, "exact")[2],
    ]
    if found[0] is not None or found[1] is None or found[1].tolist() != [2, 2, 2]:
        raise Refuted(f"the library finds {found}")
    return (
        "Algorithm 1 ends; with Algorithm 2 inside it says Fail here, with the exact minimum it finds kappa "
        "= 2"
    )


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
    *refuted(
        id="alg-2",
        place="App. C, Algorithm 2",
        statement=r"\text{Repeat until no coordinate changes: } \kappa_i \leftarrow \arg\min_{k \in [n]} "
        r"\text{score}(k) \text{ terminates}",
        check=never_ends,
        corrected=descends,
        correction=r"\text{With the smallest } k \text{ of several minimizers, each change lowers } "
        r"(\mathcal J, \kappa) \text{, so that the algorithm terminates}",
        corrected_breaks=tuple(
            (rule.__doc__ or "", partial(descends, rule)) for rule in (other, largest, worst)
        ),
        note="As printed the minimizer is not said to be unique. Any fixed order of the candidates serves "
        "as well.",
    ),
    Claim(
        id="alg-2-local",
        place="beyond the paper (what Algorithm 2 reaches)",
        statement=r"\text{Algorithm 2 reaches a point that no change of one coordinate improves; it may be "
        r"arbitrarily worse than the minimum}",
        verdict=Verdict.PROVED,
        check=stuck,
        note=r'`minimize_proxy(..., method="exact")` finds the minimum, with a proof.',
        depends_on=("alg-2-corrected", "eq-18"),
    ),
    Claim(
        id="alg-1",
        place="App. C, Algorithm 1",
        statement=r"\hat\kappa(n) \text{ or Fail, for every } n < n_{max}",
        verdict=Verdict.PROVED,
        check=fails_needlessly,
        note="It ends, given Algorithm 2 does; what it accepts meets both tolerances. Fail does not mean "
        "that no truncation does.",
        depends_on=("alg-2-corrected",),
    ),
)
