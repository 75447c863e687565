"""A plan in words and columns, for the command line."""

from __future__ import annotations

from collections.abc import Sequence

from hptheory.transfer import Plan
from hptheory.transfer.planner import ProxyChoice


def plan_text(found: Plan) -> str:
    """The two strategies in a row each, the prices, and which is better, by how much and how surely.

    >>> from hptheory.transfer import TransferLaw, plan
    >>> law = TransferLaw(loss_limit=2.0, loss_amplitude=5.0, loss_exponent=0.5, hp_limit=-6.0,
    ...                   hp_amplitude=2.0, hp_exponent=1.0, curvature=0.3, hp_radius=2.0)
    >>> print(plan_text(plan(law, budget=1e6)).splitlines()[0])
    strategy  proxy width  grid points  target width        loss           90 % interval        cost
    """
    lines = [
        f"strategy  {'proxy width':>11}  {'grid points':>11}  {'target width':>12}  {'loss':>10}"
        f"  {'90 % interval':>22}  {'cost':>10}"
    ]
    for name, one in (("direct", found.direct), ("transfer", found.transfer)):
        interval = f"[{one.low:.4g}, {one.high:.4g}]"
        lines.append(
            f"{name:<8}  {one.proxy_width:>11.6g}  {one.grid_points:>11}  {one.target_width:>12.6g}"
            f"  {one.loss:>10.4g}  {interval:>22}  {one.cost:>10.4g}"
        )
    return "\n".join([*lines, price_in_words(found), better_in_words(found)])


def price_in_words(found: Plan) -> str:
    """What a run was taken to cost."""
    prices = found.prices
    return f"prices: a run at width n costs {prices.run_cost:.4g} n^{prices.cost_exponent:.4g}."


def better_in_words(found: Plan) -> str:
    """A sentence on which strategy is better, by how much and how surely."""
    saving, low, high = found.saving
    return (
        f"better: {found.better}. Transfer saves {saving:.2g} [{low:.2g}, {high:.2g}] in loss against direct "
        f"tuning, on average over where the grids fall, and is better with probability "
        f"{found.probability_transfer_better:.2f}."
    )


def proxies_text(choices: Sequence[ProxyChoice], scale: str) -> list[str]:
    """What one more proxy width buys, a line a width that was measured; nothing where there are none."""
    if not choices:
        return []
    lines = [f"what one more proxy {scale} buys (loss saved over the one before, with its 90 % interval):"]
    for choice in choices:
        one, gain = choice.transfer, ""
        if choice.gain is not None:
            gain = f"{choice.gain[0]:+.2g} [{choice.gain[1]:+.2g}, {choice.gain[2]:+.2g}]"
        lines.append(
            f"{one.proxy_width:>9.6g}  {one.grid_points:>4} points, then {one.target_width:.6g}: "
            f"loss {one.loss:.4g}  {gain}".rstrip()
        )
    return lines
