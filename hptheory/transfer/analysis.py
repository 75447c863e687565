"""From a sweep table to a report: optimum per width, power laws, gaps, verdict (2512.22768, Sec. 2-3)."""

from __future__ import annotations

from hptheory.transfer.one_hp import analyse_one
from hptheory.transfer.report import Report
from hptheory.transfer.several_hps import analyse_several
from hptheory.transfer.table import SweepTable


def analyse(table: SweepTable) -> Report:
    r"""The report on a sweep: optimal HP and loss per width, alpha and beta, gaps, and whether transfer is
    fast.

    Formula: phi*_n = phi_inf + A n^-alpha, nu*(n) = nu_inf + B n^-beta with nu = ln HP; fast iff beta >
    alpha/2.
    With several HPs the optimum is that in all of them at once, beta that of the slowest one, and transfer is
    fast if it is fast in each (`several_hps`).

    Source: 2512.22768, Definitions 1 and 2. Intervals are 90 %; what the data cannot tell is None,
    `undetermined`, or a warning. Widths whose optimum is at the grid's edge, flat within noise, or beside
    divergence are not used in the laws.

    *Laws*: the order of rows does not matter; a change of the HP's unit shifts ln HP and nothing else.

    >>> import numpy as np
    >>> n, x = np.meshgrid([64.0, 128.0, 256.0, 512.0], np.linspace(-1.5, 1.5, 9), indexing="ij")
    >>> loss = 1.0 + 3 / n + (x - 20 / n) ** 2
    >>> columns = {"width": n.ravel(), "lr": np.exp(x.ravel()), "loss": loss.ravel()}
    >>> report = analyse(SweepTable.from_columns(columns))
    >>> round(report.loss_exponent.estimate, 3), round(report.hp_exponent.estimate, 3), report.verdict
    (1.0, 1.0, 'fast')
    """
    return analyse_one(table) if len(table.hp_names) == 1 else analyse_several(table)
