"""App. C of 2512.22768: Algorithms 1 and 2, whether they end, and what they reach."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np

from hptheory.decomposition import minimize_proxy, select_truncation
from proofs_check.app_c_measures import objective
from proofs_check.certificates import require_combination, require_counterexample
from proofs_check.claims import Claim, Refuted, Verdict, refuted

Rule = Callable[[list[Fraction], int], int]
"""Which of the candidates 1, ..., n is taken, given their scores and the present one."""


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


CLAIMS = (
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
