"""Theorem 2: how the loss falls with the compute budget, tuned directly or transferred from a proxy.

With a_n ~ n^-alpha, b_n ~ n^-beta, h hyperparameters searched on a grid of covering radius rho (so about
rho^-h runs) and n^r flops a run, a budget of F flops buys::

    direct    loss gap ~ rho^2 + n^-alpha                 F ~ n^r rho^-h
    transfer  loss gap ~ rho^2 + n^-(2 beta) + M^-alpha   F ~ n^r rho^-h + M^r

and both are minimised over what is free. Source: 2512.22768, Theorem 2, Sec. 3.1 and App. B.3. The printed
last line "b_n = o(a_n)" has lost its root: it is b_n = o(a_n^(1/2)), which for powers is beta > alpha/2.
The exponents are written with r/alpha and r/beta, so that alpha = inf (no loss gap) and beta = inf (no
drift) are ordinary values.
"""

from __future__ import annotations

from dataclasses import dataclass

from hptheory.transfer.number_kinds import Number, minimum, require


@dataclass(frozen=True)
class DirectRates:
    """Exponents of the budget F under direct tuning: loss gap ~ F^-loss, width ~ F^width, runs ~ F^grid."""

    loss_exponent: Number
    width_exponent: Number
    grid_exponent: Number


@dataclass(frozen=True)
class TransferRates:
    """Exponents of the budget F under transfer; the loss gap is F^-training_exponent + F^-search_exponent.

    The first five are the theorem's: the loss gap ~ F^-loss_exponent, with loss_exponent the smaller of the
    two parts' exponents, is reached at proxy width ~ F^proxy_width_exponent, on a grid of
    ~ F^grid_exponent points, and at target width ~ F^target_width_exponent.

    The theorem's widths are rate-optimal: no other choice has a better exponent. They are the growth of the
    *exact* optimum only in part (``hptheory.transfer.grid_search`` computes it; derivation there):

    - training is the bottleneck (training_exponent < search_exponent): M* ~ F^(1/r) is exact, even
      M* / (F/kappa)^(1/r) -> 1; the search then deserves a vanishing share of the budget, and the exact
      n* grows more slowly than the printed F^(1/(h beta + r)).
    - the search is the bottleneck: n* ~ F^(1/(h beta + r)) is exact; the exact M* grows more slowly than
      F^(1/r), and any M that grows at least like F^smallest_target_width_exponent keeps the rate.
    - a tie: both printed widths are exact, with a constant share of the budget for each.
    """

    loss_exponent: Number
    proxy_width_exponent: Number
    target_width_exponent: Number
    grid_exponent: Number
    training_exponent: Number
    search_exponent: Number
    smallest_target_width_exponent: Number
    exact_proxy_width_exponent: Number
    exact_target_width_exponent: Number


def direct_tuning(alpha: Number, h: Number = 1, r: Number = 2) -> DirectRates:
    """The rates of a grid search at one width, the compute-optimal one.

    loss_exponent = 2 alpha / (h alpha + 2 r), width_exponent = 2 / (h alpha + 2 r), and the number of grid
    points grows with h alpha / (h alpha + 2 r).

    Source: 2512.22768, Theorem 2(a). Operators only: floats, Fractions, arrays, SymPy, mpmath, balls.
    Domain: alpha, h, r > 0, else ``DomainError``.

    *Laws*: loss_exponent = alpha * width_exponent; r * width_exponent + grid_exponent = 1 (the budget is
    spent); loss_exponent < alpha / r, the rate of a model that needs no tuning, and tends to it as h -> 0.

    >>> from fractions import Fraction
    >>> rates = direct_tuning(Fraction(1), h=1, r=2)
    >>> rates.loss_exponent, rates.width_exponent, rates.grid_exponent
    (Fraction(2, 5), Fraction(2, 5), Fraction(1, 5))
    """
    _check_positive(alpha=alpha, h=h, r=r)
    return DirectRates(
        loss_exponent=2 / (h + 2 * r / alpha),
        width_exponent=2 / (h * alpha + 2 * r),
        grid_exponent=h / (h + 2 * r / alpha),
    )


def transfer_tuning(alpha: Number, beta: Number, h: Number = 1, r: Number = 2) -> TransferRates:
    """The rates of a grid search on a proxy followed by one run at a larger target width.

    loss_exponent = min(alpha / r, 2 beta / (h beta + r)), proxy_width_exponent = 1 / (h beta + r),
    target_width_exponent = 1 / r.

    Source: 2512.22768, Theorem 2(b); what is exact and what only rate-optimal: ``TransferRates``. Operators
    only. Domain: alpha, beta, h, r > 0, else ``DomainError``; beta <= 0 is a drift without limit.

    *Laws*: against ``direct_tuning``, loss_exponent is larger, equal or smaller as beta is larger than,
    equal to or smaller than alpha/2, for every h and r; r * proxy_width_exponent + grid_exponent = 1.

    >>> from fractions import Fraction
    >>> rates = transfer_tuning(Fraction(1), Fraction(1), h=1, r=2)
    >>> rates.loss_exponent, rates.proxy_width_exponent, rates.target_width_exponent
    (Fraction(1, 2), Fraction(1, 3), Fraction(1, 2))
    >>> transfer_tuning(Fraction(1), Fraction(1, 2)).loss_exponent == direct_tuning(Fraction(1)).loss_exponent
    True
    """
    _check_positive(alpha=alpha, beta=beta, h=h, r=r)
    training, search = alpha / r, 2 / (h + r / beta)
    loss = minimum(training, search)
    published_proxy, published_target = 1 / (h * beta + r), alpha**0 / r  # 1/r, in the kind of alpha
    return TransferRates(
        loss_exponent=loss,
        proxy_width_exponent=published_proxy,
        target_width_exponent=published_target,
        grid_exponent=h / (h + r / beta),
        training_exponent=training,
        search_exponent=search,
        smallest_target_width_exponent=loss / alpha,
        exact_proxy_width_exponent=published_proxy * minimum(1, (training + 1) / (search + 1)),
        exact_target_width_exponent=published_target * minimum(1, (search + 1) / (training + 1)),
    )


def is_useful(alpha: Number, beta: Number, h: Number = 1, r: Number = 2) -> bool:
    """Whether transfer has the better loss exponent than direct tuning: beta > alpha/2, whatever h and r.

    At the tie beta = alpha/2 the exponents are equal and the answer is False; the constants then decide
    (``hptheory.transfer.crossover``). Arrays give an array of truth values, SymPy symbols a relation.

    Source: 2512.22768, Theorem 2, with its lost root restored. Domain: alpha, beta, h, r > 0, else
    ``DomainError``. *Law*: the same answer as comparing the two ``loss_exponent``.

    >>> is_useful(alpha=1, beta=0.6), is_useful(alpha=1, beta=0.5)
    (True, False)
    """
    _check_positive(alpha=alpha, beta=beta, h=h, r=r)
    return 2 * beta > alpha


def _check_positive(**values: Number) -> None:
    for name, value in values.items():
        require(value > 0, name, value, "> 0")
