"""Forward factors that muP asks of a network beside its weights' scales: of scores, and of branches."""

from __future__ import annotations

import math
from numbers import Integral

from hptheory.errors import DomainError


def attention_scale(d_head: int, base_d_head: int | None = None) -> float:
    r"""The factor of q . k in attention: sqrt(base_d_head) / d_head; without a base, 1/sqrt(d_head).

    With a fixed size of head, scores are q . k / sqrt(d_head) at every width. With a fixed *number* of heads,
    d_head grows with the width. Once trained, q and k are correlated, so that q . k is of order d_head, not
    sqrt(d_head); the score stays of order one if it is divided by d_head. The constant is chosen such that
    the base model keeps the usual 1/sqrt(d_head).

    Source: arXiv 2203.03466, Definition 4.1 (1/d_head attention) and App. B.1.

    Domain: integers >= 1, else ``DomainError``.

    *Laws*: at the base it is 1/sqrt(d_head); scores of correlated q and k keep their size as d_head grows.

    >>> attention_scale(64), attention_scale(64, base_d_head=16), attention_scale(16, base_d_head=16)
    (0.125, 0.0625, 0.25)
    """
    base = d_head if base_d_head is None else base_d_head
    for name, size in (("d_head", d_head), ("base_d_head", base)):
        _check_count(name, size)
    return math.sqrt(base) / d_head


def residual_multiplier(depth: int, base_depth: int = 1) -> float:
    r"""The factor of every residual branch, base_depth / depth: h <- h + multiplier * branch(h).

    The updates of all branches add up coherently, so that L of them, each moving its branch by order one,
    move the sum by order one only with 1/L in front. It is applied once a branch, not once a weight;
    ``scaling_rule`` takes it into account by its ``depth``.

    Source: arXiv 2512.05620, Sec. 3.1; depth-muP without the square root, arXiv 2505.01618.

    Domain: integers >= 1, else ``DomainError``.

    *Laws*: at the base depth it is 1.

    >>> residual_multiplier(16, base_depth=4)
    0.25
    """
    for name, size in (("depth", depth), ("base_depth", base_depth)):
        _check_count(name, size)
    return base_depth / depth


def forward_text(d_head: int, depth: int, *, base_d_head: int, base_depth: int) -> str:
    """The two factors of a transformer with a fixed number of heads, in words.

    Domain: that of ``attention_scale`` and ``residual_multiplier``.

    >>> print(forward_text(128, 8, base_d_head=16, base_depth=4))
    in the forward pass, besides:
      attention scores: q . k times sqrt(16) / 128 = 0.03125
      residual branches: times 4 / 8 = 0.5
    """
    scale, multiplier = attention_scale(d_head, base_d_head), residual_multiplier(depth, base_depth)
    return (
        "in the forward pass, besides:\n"
        f"  attention scores: q . k times sqrt({base_d_head}) / {d_head} = {scale:.4g}\n"
        f"  residual branches: times {base_depth} / {depth} = {multiplier:.4g}"
    )


def _check_count(name: str, size: int) -> None:
    if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
        raise DomainError(name, size, "an integer >= 1")
