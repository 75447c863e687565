"""A plan as a page: the two strategies, which is better, and how that changes with the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hptheory.errors import DomainError
from hptheory.figures.plan_against_budget import plan_against_budget
from hptheory.reports.page import Picture, Section, page, paragraph, short, table
from hptheory.reports.plan_text import better_in_words, price_in_words
from hptheory.transfer import Plan
from hptheory.transfer.planner import ProxyChoice

_FACTORS = 10.0 ** np.linspace(
    -2.0, 2.0, 17
)  # around the budget asked, four to a decade, itself the middle one
_CAPTION = "Left: the expected final loss and its 90 % band. Right: how narrow the proxy of transfer is. "
_CAPTION += "The plan is made anew for every budget."


def plan_page(
    plan_of: Callable[[float], Plan],
    budget: float,
    *,
    title: str = "How to spend a budget",
    unit: str = "runs at width 1",
    scale: str = "width",
    what_was_run: Mapping[str, str] | None = None,
    proxies: Sequence[ProxyChoice] = (),
) -> str:
    """The plan for one budget as one HTML file, with the plans for a hundredth up to a hundred times of it.

    ``plan_of``, ``unit`` and ``scale`` are those of `plan_against_budget`, ``proxies`` the best transfers
    from the widths that were measured. Smaller budgets that pay for no plan are left out; if ``budget``
    itself does not, ``DomainError``.

    >>> from hptheory.transfer import TransferLaw, plan
    >>> law = TransferLaw(loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    ...                   hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0)
    >>> text = plan_page(lambda budget: plan(law, budget), 1e6)
    >>> text.index("better: transfer") < text.index("The plan") < text.index("<img")
    True
    """
    found = plan_of(budget)
    budgets = [b for b in (budget * _FACTORS).tolist() if b >= budget or _pays(plan_of, b)]
    drawing = plan_against_budget(plan_of, budgets, unit=unit, scale=scale)
    picture = Picture.drawn("plan_against_budget", drawing, _CAPTION)
    asked = f"The plan for a budget of {short(budget)} {unit}"
    sections = [
        Section(asked, (_strategies(found, scale), paragraph(price_in_words(found)))),
        Section("Other budgets", (picture.html(),)),
    ]
    if proxies:
        sections.insert(1, Section(f"What one more proxy {scale} buys", (_proxies(proxies, scale),)))
    if what_was_run:
        rows = [[name, text] for name, text in what_was_run.items()]
        sections.append(Section("What was run", (table(["", ""], rows),)))
    return page(title, paragraph(better_in_words(found)), sections)


def _pays(plan_of: Callable[[float], Plan], budget: float) -> bool:
    """Whether the budget pays for a plan; where a larger one does, that is all that can be wrong with it."""
    try:
        plan_of(budget)
    except DomainError:
        return False
    return True


def _strategies(found: Plan, scale: str) -> str:
    header = [
        "strategy",
        f"proxy {scale}",
        "grid points",
        f"target {scale}",
        "loss",
        "90 % from",
        "to",
        "cost",
    ]
    rows = [
        [name, one.proxy_width, one.grid_points, one.target_width, one.loss, one.low, one.high, one.cost]
        for name, one in (("direct", found.direct), ("transfer", found.transfer))
    ]
    return table(header, rows)


def _proxies(choices: Sequence[ProxyChoice], scale: str) -> str:
    header = [
        f"proxy {scale}",
        "grid points",
        f"target {scale}",
        "loss",
        "saved over the one before",
        "90 % from",
        "to",
    ]
    rows = []
    for choice in choices:
        one, gain = choice.transfer, choice.gain or (None, None, None)
        rows.append([one.proxy_width, one.grid_points, one.target_width, one.loss, *gain])
    return table(
        header, rows, "The best transfer from every width that was measured and that the budget pays for."
    )
