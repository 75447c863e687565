"""Power laws y_n = limit + amplitude n**-exponent from a few widths: exponents with exact intervals.

Three parameters from four or five widths leave the usual machinery (bootstrap, normal theory, log-log
regression after subtracting the last point) far from its nominal coverage. But for a *given* exponent e the
law is linear. Regress y on 1, q_e(n) and its derivative d q_e/de: under the law with exponent e the last
coefficient is zero, and its t-ratio is exactly Student (Halperin, JRSS B 25, 1963), whatever the amplitude,
even zero. Inverting that test gives intervals that hold when the exponent is barely identified, and are
unbounded when it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LOWEST, HIGHEST = -2.0, 8.0
"""The exponents looked at: below 0 (drift) to where only the smallest width feels the law."""


PASSES = 6
REMOTE = 16.0
"""Drop of chi-square beyond which an exponent is rejected outright."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; None where it is not identified or infinite."""

    estimate: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The three numbers by name."""
        return {"estimate": self.estimate, "low": self.low, "high": self.high}


def exponent_grid() -> Floats:
    """Exponents from LOWEST to HIGHEST, finer where exponents are met; 0 is among them."""
    return np.concatenate([np.arange(-50, 75) * 0.04, 3.0 + np.arange(0, 51) * 0.1])


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """The fit of limit + amplitude (n/scale)**-exponent, and the test of every exponent.

    `score` is the signed t-ratio at each exponent of `grid`: positive where the data ask for a larger one;
    it is `direction @ y`; `amplitudes` are those of the best law with each exponent. `moves` is the p-value
    of "y does not depend on n", `chi_square` the misfit of the best law with `spare` degrees of freedom,
    `log_slope` is dy/d(ln n) in y = c + slope ln n, with its standard error. `df` is that of the errors.
    """

    exponent: Interval
    limit: Interval
    amplitude: float
    scale: float
    log_slope: tuple[float, float]
    moves: float
    chi_square: float
    spare: int
    misfit: float
    grid: Floats
    score: Floats
    direction: Floats
    amplitudes: Floats
    left_out: int = 0
    inflation: float = 1.0
    df: float = np.inf

    def gap(self, width: Floats) -> Floats:
        """|amplitude| (width/scale)**-exponent of the best fit; nan where the exponent is not identified or
        0."""
        exponent = self.exponent.estimate
        return abs(self.amplitude) * (np.asarray(width) / self.scale) ** -(exponent or 0.0)

    def band(self, width: Floats) -> tuple[Floats, Floats]:
        """The least and the largest gap, at each width, of the laws whose exponent lies in the interval."""
        low, high = self.exponent.low or 0.0, np.inf if self.exponent.high is None else self.exponent.high
        use = (self.grid > max(low, 1e-2)) & (self.grid < high)
        if not use.any():
            return self.gap(width), self.gap(width)
        laws = np.abs(self.amplitudes[use, None]) * (np.asarray(width) / self.scale) ** -self.grid[use, None]
        return laws.min(axis=0), laws.max(axis=0)


def fit_power_law(width: Floats, y: Floats, covariance: Floats, df: float, level: float = 0.90) -> PowerLaw:
    r"""The power law through y at these widths, whose errors have this covariance (known up to a scale with
    df).

    Formula: t(e) = \hat c_3 / se(\hat c_3) in y = c_1 + c_2 q_e + c_3 dq_e/de, q_e(u) = (1 - u^{-e})/e; the
    interval is the hull of {e : |t(e)| <= t_quantile}; that of the limit is the profile-likelihood interval.
    Source: 2512.22768, Def. 1 (a_n ~ n^-alpha, b_n ~ n^-beta); Halperin (1963) for the test.
    Domain: at least 3 widths, ascending and positive; with fewer nothing is identified and all is None.

    *Laws*: invariant under a change of the width's unit; exact coverage for Gaussian y, at any amplitude.

    >>> n = np.array([1.0, 2.0, 4.0, 8.0])
    >>> law = fit_power_law(n, 0.5 + 0.3 * n**-0.75, 1e-10 * np.eye(4), df=100)
    >>> abs(law.exponent.estimate - 0.75) < 1e-4 and abs(law.limit.estimate - 0.5) < 1e-4
    True
    """
    from scipy.special import fdtrc, stdtrit

    u = width / width[0]
    slope, moves = _log_slope(u, y, covariance), _moves(y, covariance, df)
    if width.size < 3:
        nothing, none = Interval(None, None, None), np.zeros(0)
        return PowerLaw(
            nothing,
            nothing,
            np.nan,
            float(width[0]),
            slope,
            moves,
            0.0,
            0,
            1.0,
            none,
            none,
            none,
            none,
            df=df,
        )
    whiten = np.linalg.inv(np.linalg.cholesky(covariance))
    scan = _scan(u, y, whiten, exponent_grid())
    for _ in range(PASSES):  # Newton steps bring the fine grid onto the zero of the score
        scan = _scan(u, y, whiten, _refined(scan))
        if np.min(np.abs(scan.score)) < 0.2:
            break
    quantile = float(stdtrit(df, 0.5 + level / 2))
    exponent = _exponent_interval(scan, quantile)
    amplitudes = -scan.slope / np.where(scan.grid == 0, np.nan, scan.grid)
    amplitude = float(np.interp(exponent.estimate, scan.grid, amplitudes)) if exponent.estimate else np.nan
    chi_square, spare = max(float(scan.chi_square.min()), 0.0), width.size - 3
    return PowerLaw(
        exponent, _limit_interval(scan, quantile, exponent), amplitude, float(width[0]), slope, moves,
        chi_square, spare, float(fdtrc(spare, df, chi_square / spare)) if spare else 1.0,
        scan.grid, scan.score, scan.direction, amplitudes, df=df,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Scan:
    """The linear fits y = c + slope q_e at every exponent of the grid, and the score of each."""

    grid: Floats
    score: Floats
    direction: Floats
    chi_square: Floats
    slope: Floats
    limit: Floats
    limit_error: Floats


def _scan(u: Floats, y: Floats, whiten: Floats, grid: Floats) -> _Scan:
    target = whiten @ y
    base, tangent = _columns(u, grid)
    ortho, upper = np.linalg.qr(whiten @ base)
    inside = np.swapaxes(ortho, 1, 2) @ target
    coefficients = np.linalg.solve(upper, inside[..., None])[..., 0]
    direction = tangent @ whiten.T
    direction -= np.einsum("gij,gj->gi", ortho, np.einsum("gij,gi->gj", ortho, direction))
    # From the residuals themselves: the difference of two squares would be rounding where noise is tiny.
    chi_square = np.sum((target - np.einsum("gij,gj->gi", ortho, inside)) ** 2, axis=1)
    # One sign for all exponents, that of the best law: far from it the fitted slope may point anywhere.
    sign = np.sign(coefficients[np.argmin(chi_square), 1])
    direction *= (sign / np.linalg.norm(direction, axis=1))[:, None]
    # The limit is c + slope/e: at e = 0 it is infinite, and the grid point is not used for it.
    contrast = np.stack([np.ones_like(grid), 1.0 / np.where(grid == 0, np.inf, grid)], axis=1)
    solved = np.linalg.solve(np.swapaxes(upper, 1, 2), contrast[..., None])[..., 0]
    # Far from the best law the score may cross zero again, at a worst law; there the likelihood's signed root
    # takes its place. Below REMOTE, where the truth lies but for odds of 1e-4, the exact test stands.
    drop = chi_square - chi_square.min()
    root = np.sign(grid[np.argmin(chi_square)] - grid) * np.sqrt(drop)
    score = np.where(drop > REMOTE, root, direction @ target)
    return _Scan(
        grid=grid,
        score=score,
        direction=direction @ whiten,
        chi_square=chi_square,
        slope=coefficients[:, 1],
        limit=np.sum(contrast * coefficients, axis=1),
        limit_error=np.linalg.norm(solved, axis=1),
    )


def _columns(u: Floats, grid: Floats) -> tuple[Floats, Floats]:
    """The columns 1, q_e [grid, widths, 2] and dq_e/de [grid, widths] (at e = 0: ln u and -ln^2 u / 2)."""
    log, e = np.log(u)[None, :], grid[:, None]
    safe = np.where(e == 0, 1.0, e)
    q = np.where(e == 0, log, -np.expm1(-safe * log) / safe)
    tangent = np.where(e == 0, -(log**2) / 2, (log * np.exp(-safe * log) - q) / safe)
    return np.stack([np.ones_like(q), q], axis=2), tangent


def _refined(scan: _Scan) -> Floats:
    """The grid with 81 more exponents within five standard errors of the best one."""
    best = int(np.argmin(scan.chi_square))
    steepness = max(float(np.abs(np.gradient(scan.score, scan.grid))[best]), 1.0)
    centre = scan.grid[best] + scan.score[best] / steepness
    near = centre + np.linspace(-5.0, 5.0, 81) / steepness
    return np.unique(np.concatenate([scan.grid, near[(near > LOWEST) & (near < HIGHEST)]]))


def _exponent_interval(scan: _Scan, quantile: float) -> Interval:
    """The hull of the exponents that are not rejected; those below 0 are shown as 0: no convergence.

    Where even the best exponent is rejected no law describes the values, as on a path that turns back:
    nothing is identified.
    """
    grid, score = scan.grid, scan.score
    best = int(np.argmin(scan.chi_square))
    inside = np.flatnonzero(np.abs(score) <= quantile)
    first, last = (int(inside[0]), int(inside[-1])) if inside.size else (best, best)
    if not first <= best <= last or (best == 0 and not inside.size):
        return Interval(None, None, None)
    low = _crossing(grid, score, first - 1, quantile) if first > 0 else LOWEST
    high = None if last == grid.size - 1 else max(0.0, _crossing(grid, score, last, -quantile))
    if low <= 0 and high is None:
        return Interval(None, None, None)
    return Interval(_best_exponent(grid, score, best), max(low, 0.0), high)


def _best_exponent(grid: Floats, score: Floats, best: int) -> float | None:
    """The zero of the score at the least chi-square; None at the upper end, 0 where the data ask for less
    than 0."""
    if best == grid.size - 1:
        return None
    if best == 0:
        return 0.0
    return max(0.0, _crossing(grid, score, best if score[best] >= 0 else best - 1, 0.0))


def _crossing(grid: Floats, score: Floats, left: int, level: float) -> float:
    """Where the score crosses the level after this grid point, by linear interpolation."""
    a, b = float(score[left]), float(score[left + 1])
    share = (a - level) / (a - b) if (a - level) * (b - level) < 0 else 0.0
    return float(grid[left] + (grid[left + 1] - grid[left]) * share)


def _limit_interval(scan: _Scan, quantile: float, exponent: Interval) -> Interval:
    """The union over exponents e > 0 of the limits within the profile likelihood's drop."""
    if not exponent.estimate:
        return Interval(None, None, None)
    positive = scan.grid > 0
    room = quantile**2 - (scan.chi_square - scan.chi_square.min())
    use = positive & (room > 0)
    if not use.any():
        return Interval(None, None, None)
    half = scan.limit_error[use] * np.sqrt(room[use])
    low, high = float(np.min(scan.limit[use] - half)), float(np.max(scan.limit[use] + half))
    estimate = float(np.interp(exponent.estimate, scan.grid[positive], scan.limit[positive]))
    # Towards e = 0 the limit runs away to one side: unbounded there, where e = 0 is not excluded.
    if room[scan.grid <= 0].max() > 0:
        return (
            Interval(estimate, None, high) if scan.limit[use][0] < estimate else Interval(estimate, low, None)
        )
    return Interval(estimate, low, high)


def _log_slope(u: Floats, y: Floats, covariance: Floats) -> tuple[float, float]:
    """Slope of y against ln u and its standard error, by generalised least squares."""
    if u.size < 2:
        return float("nan"), float("nan")
    design = np.stack([np.ones_like(u), np.log(u)], axis=1)
    weighted = np.linalg.solve(covariance, design)
    normal = np.linalg.inv(design.T @ weighted)
    return float((normal @ weighted.T @ y)[1]), float(np.sqrt(normal[1, 1]))


def _moves(y: Floats, covariance: Floats, df: float) -> float:
    """The p-value of "y is the same at every width" (F test)."""
    from scipy.special import fdtrc

    if y.size < 2:
        return 1.0
    ones = np.ones_like(y)
    weight = np.linalg.inv(covariance)
    centred = y - (ones @ weight @ y) / (ones @ weight @ ones)
    return float(fdtrc(y.size - 1, df, centred @ weight @ centred / (y.size - 1)))
