"""Is transfer fast? b_n = o(a_n^(1/2)), that is beta > alpha/2, judged from two fitted power laws.

The confidence that beta > alpha/2 combines the exact scores of both laws over the confidence distribution of
alpha, with the correlation of their errors. It never rests on a prior: where beta is not identified the
verdict is `undetermined`, and the reason says what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.exponents import Interval, PowerLaw

Floats = NDArray[np.float64]
SURE = 0.95
"""Confidence asked for `fast`; 1 - SURE is that for `slow`."""
CONFIRMED = 0.75
"""The same without the narrowest width, which leaves less to be sure of."""
MOVED = 0.01
"""An optimum whose positions agree at this p-value has not moved: beta is then not identified."""


ONE_SEED = "One run a cell: what another seed would do to whole curves is in none of these numbers."


@dataclass(frozen=True)
class Verdict:
    """`fast`, `slow` or `undetermined`, the confidence in beta > alpha/2 (None: not identified), the reason,
    and whether it is that the exponents still change with width."""

    verdict: str
    probability_fast: float | None
    reason: str
    exponents_change: bool = False


def judge(loss_law: PowerLaw, hp_law: PowerLaw, cross: Floats, drifting: bool = False) -> Verdict:
    """The verdict on two power laws whose errors have the cross-covariance `cross` [loss widths, hp widths].

    Source: 2512.22768, Definition 2: fast iff beta > alpha/2. Fast is never said where beta is not
    identified.
    """
    if hp_law.grid.size == 0:
        return _open("Exponents need at least 3 widths with an interior optimum.")
    if hp_law.moves > MOVED:
        return _open(
            f"The optimum does not move beyond the noise (p = {hp_law.moves:.2g}): beta is not identified."
        )
    if loss_law.exponent.estimate is None or loss_law.moves > MOVED:
        return _open("The optimal loss does not reveal how it converges: alpha is not identified.")
    if hp_law.exponent.estimate is None:
        return _open("The widths cannot tell how fast the optimum converges: beta is not identified.")
    sure = probability_fast(loss_law, hp_law, cross)
    return Verdict(*_words(sure, loss_law, hp_law, drifting))


def confirmed(verdict: Verdict, loss_law: PowerLaw, hp_law: PowerLaw, cross: Floats) -> Verdict:
    """The verdict, if these laws, refitted without the narrowest width, point to it; else `undetermined`.

    A fit through widths whose local exponents still climb, or fall, can be sure of an exponent that none of
    the wide models has. `cross` is as for `judge`.

    *Laws*: an undetermined verdict stays; so does one whose laws hold at every width.
    """
    if verdict.verdict == "undetermined" or hp_law.grid.size == 0 or loss_law.grid.size == 0:
        return verdict
    sure = probability_fast(loss_law, hp_law, cross)
    if (sure if verdict.verdict == "fast" else 1 - sure) >= CONFIRMED:
        return verdict
    beta, half = _text(hp_law.exponent), _text(loss_law.exponent, 0.5)
    text = (
        f"All widths together say {verdict.verdict} (confidence in beta > alpha/2: "
        f"{verdict.probability_fast:.3f}), but without the narrowest beta = {beta}, alpha/2 = {half} "
        f"({sure:.3f}): the exponents may still change with width, so wider models are needed."
    )
    return Verdict("undetermined", None, text, exponents_change=True)


def of_one_seed(verdict: Verdict) -> Verdict:
    """The verdict with its reason qualified, where no run was repeated.

    A seed may lift or tilt a whole curve. One seed does not show by how much; no number is made up for it.

    *Laws*: verdict and confidence stay.
    """
    return replace(verdict, reason=f"{verdict.reason} {ONE_SEED}")


def _open(reason: str) -> Verdict:
    return Verdict("undetermined", None, reason)


def _words(sure: float, loss_law: PowerLaw, hp_law: PowerLaw, drifting: bool) -> tuple[str, float, str]:
    alpha, beta = loss_law.exponent, hp_law.exponent
    numbers = f"beta = {_text(beta)}, alpha/2 = {_text(alpha, 0.5)}; confidence in beta > alpha/2: {sure:.3f}"
    if drifting:
        slope, error = hp_law.log_slope
        drift = f"The optimum drifts like n^({slope:.2f} +- {error:.2f}), no limit in sight: no weak transfer"
        if sure <= 1 - SURE:
            return "slow", sure, f"{drift} ({numbers})."
        return (
            "undetermined",
            sure,
            f"{drift}, or a slow convergence that these widths cannot tell from it ({numbers}).",
        )
    if sure >= SURE:
        return (
            "fast",
            sure,
            f"The optimal HP converges faster than the square root of the loss gap: {numbers}.",
        )
    if sure <= 1 - SURE:
        return (
            "slow",
            sure,
            f"The optimal HP converges no faster than the square root of the loss gap: {numbers}.",
        )
    return "undetermined", sure, f"The intervals of beta and alpha/2 overlap too far: {numbers}."


def _text(interval: Interval, factor: float = 1.0) -> str:
    low, estimate, high = interval.low, interval.estimate, interval.high

    def number(value: float | None, other: str) -> str:
        return other if value is None else f"{factor * value:.2f}"

    return f"{number(estimate, '?')} [{number(low, '-inf')}, {number(high, 'inf')}]"


def probability_fast(loss_law: PowerLaw, hp_law: PowerLaw, cross: Floats) -> float:
    r"""The confidence that beta > alpha/2.

    Formula: E_z Phi((z_beta(alpha(z)/2) - rho z) / sqrt(1 - rho^2)), z standard normal, z_beta the hp law's
    score t as a normal one, Phi^-1(T_df(t)) with Student's cdf T, alpha(z) the exponent at which the loss
    law's is z, rho the correlation of the scores.
    *Laws*: in [0, 1]; with alpha known exactly, the one-sided confidence of beta at alpha/2, so that beyond
    0.95 the 90 % interval of beta excludes it.
    """
    from scipy.special import ndtr

    nodes, weights = _normal_nodes()
    falling = np.minimum.accumulate(_normal_score(loss_law))
    alpha = np.maximum(np.interp(-nodes, -falling, loss_law.grid), 0.0)
    tie = alpha / 2
    rho = _correlation(loss_law, hp_law, cross)
    score = _cautious(hp_law.grid, _normal_score(hp_law), tie)
    return float(np.clip(weights @ ndtr((score - rho * nodes) / np.sqrt(1 - rho**2)), 0.0, 1.0))


def _normal_score(law: PowerLaw) -> Floats:
    """The standard normal score with the tail that each of the law's scores has under Student's
    distribution."""
    from scipy.special import ndtri, stdtr

    # Tails are below 1/2, where they are exact; one that is no number any more stands for 37 deviations.
    tail = np.maximum(stdtr(law.df, -np.abs(law.score)), 1e-300)
    return -np.sign(law.score) * ndtri(tail)


@cache
def _normal_nodes() -> tuple[Floats, Floats]:
    """Nodes and weights of the mean over a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    return nodes, weights / weights.sum()


def _cautious(grid: Floats, score: Floats, at: Floats) -> Floats:
    """The score made monotone towards 0: no smaller exponent may be better supported than a larger one
    rejected."""
    low = np.interp(at, grid, np.minimum.accumulate(score))
    high = np.interp(at, grid, np.maximum.accumulate(score[::-1])[::-1])
    return np.where(low > 0, low, np.where(high < 0, high, 0.0))


def _correlation(loss_law: PowerLaw, hp_law: PowerLaw, cross: Floats) -> float:
    """Correlation of the two scores, at the best alpha and at the tie."""
    alpha = loss_law.exponent.estimate or 0.0
    a = loss_law.direction[np.argmin(np.abs(loss_law.grid - alpha))]
    b = hp_law.direction[np.argmin(np.abs(hp_law.grid - alpha / 2))]
    return float(np.clip(a @ cross @ b, -0.99, 0.99))
