"""The maximal-update (muP) scaling of a layer, for every optimizer, as ratios to a base shape.

Theory: ``hptheory.parameterization.rank_one``, which derives how far an update moves the layer's output. What
it does not say: the initial scale keeps y of order one, std ~ 1/sqrt(d_in); a readout, whose d_out does not
grow, takes std ~ 1/d_in instead, since then the layer below receives delta = W^T delta_y of order 1/d_in,
which is what the rank-one argument assumes of it. Sizes that do not grow with the model drop out of every
ratio, so the same formulas serve input, hidden and readout matrices and, as d_in = 1, vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.rank_one import UPDATES, rank_one_response

OPTIMIZERS: tuple[str, ...] = tuple(UPDATES)
"""Optimizers that have a rule: sgd (with or without momentum), adam, muon, adamuon, shampoo, soap, dion."""
BLOCKED = ("shampoo", "soap")
SHAMPOO_EXPONENTS = (Fraction(1, 4), Fraction(1, 4))  # of the original Shampoo, arXiv 1802.09568

_MOVES: Mapping[str, str] = {
    "sgd": "an SGD update of a rank-one gradient moves the output by lr * d_in/d_out",
    "adam": "an Adam update of a rank-one gradient moves the output by lr * d_in",
    "muon": "an orthogonalised rank-one gradient moves the output by lr * sqrt(d_in/d_out)",
    "adamuon": "the signs of an orthogonalised rank-one gradient move the output by lr * d_in",
    "shampoo": "a rank-one gradient over the power {total} of its squared norm (of a block's, if blocked) "
    "moves the output by lr * (d_in/d_out) / (norm^2)^{total}",
    "soap": "Adam in the eigenbasis of a rank-one gradient moves the output by lr * d_in/sqrt({rotated})",
    "dion": "a rank-one gradient is orthogonalised exactly at any rank, and moves the output by "
    "lr * sqrt(d_in/d_out)",
}


def scaling_rule(
    optimizer: str,
    d_in: int,
    d_out: int,
    *,
    base_d_in: int,
    base_d_out: int,
    depth: int = 1,
    base_depth: int = 1,
    exponents: tuple[float, float] | None = None,
    block: int | tuple[int, int] | None = None,
    sides: tuple[int, int] = (1, 1),
    graft: str | None = None,
    spectral_norm: bool = False,
    relative_damping: bool = False,
    width: int | None = None,
    base_width: int | None = None,
) -> LayerScaling:
    r"""The muP ratios of rate, epsilon, decay and initial scale of a layer to those of its base shape.

    Each is a quotient of the following at the shape and at the base shape, with L the depth, E = e_L + e_R,
    and blocks b_out x b_in (the whole matrix where there are none), n_blk of them:

        optimizer        lr                                             epsilon
        sgd              L d_out / d_in                                 -
        adam             1 / d_in                                       1 / (L d_out)
        muon, dion       sqrt(d_out / d_in)                             sqrt(d_in / d_out) / L
        adamuon          1 / d_in                                       1 / sqrt(d_in d_out)
        shampoo          (d_out/d_in)^(1-E) L^(1-2E) n_blk^(-E)         d_in / (L^2 d_out n_blk)
        soap             sqrt(b_out^s_L b_in^s_R) / d_in                sqrt(b_out^s_L b_in^s_R) / (L d_out)
        Q1 # Q2          that of Q1                                     sqrt(d_out/d_in) / lr_Q2
        spectral norm    1                                              1

        init_std         1/d_in where only d_in grows (a readout), 1/sqrt(d_in) elsewhere
        weight_decay     1/width on matrices; 0 on vectors (d_in = 1), which are not decayed

    ``exponents`` = (e_L, e_R) of Shampoo, output side first, by default (1/4, 1/4); ``block`` is a size, or
    (b_out, b_in), of Shampoo and SOAP, cut to the matrix where that is smaller; ``sides`` = (s_L, s_R) are
    SOAP's rotated sides; ``graft`` names the optimizer Q1 whose norm the update of ``optimizer`` = Q2 gets.
    Its epsilon is added to the norm of Q2's update; those of Q1 and Q2 are given by their own rules.
    ``relative_damping``: Shampoo's epsilon is relative to the largest eigenvalue, so its ratio is 1.
    ``depth`` counts for layers in residual branches that are multiplied by 1/L (``residual_multiplier``).
    Without ``width``, decay follows d_in where that grows, else d_out. The forward multiplier is 1;
    ``LayerScaling.rescaled`` trades it against the others.

    Source: derived in ``hptheory.parameterization.rank_one``; agrees with arXiv 2512.05620, Table 1, and for
    SGD and Adam with arXiv 2203.03466, Table 3. Decay is that paper's finding (Sec. 3.4), not derived. The
    paper (arXiv 2512.22768) prints no table of its own.

    Domain: sizes, depths and blocks are integers >= 1, exponents >= 0, sides 0 or 1 and not both 0, else
    ``DomainError``, as is an option that the optimizer does not have; names are in ``OPTIMIZERS``, else
    ``UnknownNameError``. Weights are [d_out, d_in]; a bias or gain of n entries is d_in = 1, d_out = n; so is
    the lookup of an embedding, whose one-hot input is of size one.

    *Laws*: at the base shape every ratio is 1; ratios compose (base to a, times a to b, is base to b) while
    the same dimensions grow; one update of a rank-one gradient moves the output by the same order at every
    width and depth; the closed forms are the table above.

    >>> [scaling_rule("adam", d_in, d_out, base_d_in=base_in, base_d_out=base_out).lr
    ...  for d_in, d_out, base_in, base_out in [(64, 256, 64, 32), (256, 256, 32, 32), (256, 10, 32, 10)]]
    [1.0, 0.125, 0.125]

    The second route: Muon's update of a rank-one gradient moves the output as much at width 256 as at 16.

    >>> import numpy as np
    >>> def moved(n):
    ...     u, _, v = np.linalg.svd(np.outer(np.ones(8), np.ones(n)), full_matrices=False)
    ...     update = scaling_rule("muon", n, 8, base_d_in=16, base_d_out=8).lr * np.outer(u[:, 0], v[0])
    ...     return float((update @ np.ones(n))[0])
    >>> bool(np.isclose(moved(16), moved(256)))
    True
    """
    _check_names(optimizer, graft)
    sizes = {"d_in": d_in, "d_out": d_out, "base_d_in": base_d_in, "base_d_out": base_d_out}
    _check_sizes(**sizes, depth=depth, base_depth=base_depth)
    options = _options(optimizer, exponents, block, sides, relative_damping)

    r_in, r_out, r_depth = d_in / base_d_in, d_out / base_d_out, depth / base_depth
    # Every size is a monomial in the dimensions, so that its ratio is its value at the ratios; what does not
    # grow is then exactly 1, and drops out without rounding.
    answer = rank_one_response(
        optimizer,
        r_in,
        r_out,
        depth=r_depth,
        exponents=options["exponents"],
        block=_growth(options["block"], (d_out, d_in), (base_d_out, base_d_in)),
        sides=options["sides"],
        graft=graft,
        spectral_norm=spectral_norm,
    )
    no_epsilon = answer.compared is None or (relative_damping and graft is None)
    readout = d_out == base_d_out and d_in != base_d_in
    return LayerScaling(
        optimizer=optimizer,
        init_std=1 / r_in if readout else 1 / math.sqrt(r_in),
        multiplier=1.0,
        lr=float(1 / (answer.entry * r_in)),
        epsilon=1.0 if no_epsilon else float(answer.compared),
        weight_decay=_decay(d_in, r_in, r_out, width, base_width),
        why=_reason(optimizer, options, graft, spectral_norm, readout, (r_in, r_out, r_depth)),
        degree=float(answer.degree),
        epsilon_degree=0.0 if no_epsilon else float(answer.compared_degree),
    )


def _decay(d_in: int, r_in: float, r_out: float, width: int | None, base_width: int | None) -> float:
    """The ratio of independent decay: 1/width on matrices, none on vectors."""
    if (width is None) != (base_width is None):
        raise DomainError("width, base_width", (width, base_width), "given together or not at all")
    if d_in == 1:
        return 0.0
    if width is None or base_width is None:
        return 1 / (r_in if r_in != 1 else r_out)
    _check_sizes(width=width, base_width=base_width)
    return base_width / width


def _options(
    optimizer: str,
    exponents: tuple[float, float] | None,
    block: int | tuple[int, int] | None,
    sides: tuple[int, int],
    relative_damping: bool,
) -> dict[str, Any]:
    """Shampoo's exponents and the block as a pair, checked; an option of another optimizer is an error."""
    if optimizer != "shampoo" and (exponents is not None or relative_damping):
        name, value = ("exponents", exponents) if exponents is not None else ("relative_damping", True)
        raise DomainError(name, value, f"left out for {optimizer}", "only shampoo has it")
    if optimizer not in BLOCKED and block is not None:
        raise DomainError("block", block, f"left out for {optimizer}", "only shampoo and soap act on blocks")
    pair: tuple[Any, ...] = SHAMPOO_EXPONENTS if exponents is None else _entries(exponents)
    if len(pair) != 2 or not all(isinstance(e, Real) and 0 <= float(e) < math.inf for e in pair):
        raise DomainError("exponents", exponents, "two finite numbers >= 0, of output and input side")
    if _entries(sides) not in [(1, 1), (1, 0), (0, 1)]:
        raise DomainError("sides", sides, "(1, 1), (1, 0) or (0, 1)", "with no side rotated it is adam")
    if optimizer != "soap" and tuple(sides) != (1, 1):
        raise DomainError("sides", sides, f"left out for {optimizer}", "only soap has them")
    if isinstance(block, tuple) and len(block) != 2:
        raise DomainError("block", block, "a size, or a pair (b_out, b_in)")
    blocks = block if isinstance(block, tuple) else None if block is None else (block, block)
    for size in blocks or ():
        _check_sizes(block=size)
    return {"exponents": pair, "block": blocks, "sides": tuple(sides), "relative": relative_damping}


def _entries(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) else (value,)


def _growth(
    block: tuple[int, int] | None, shape: tuple[int, int], base: tuple[int, int]
) -> tuple[float, float] | None:
    """How the blocks, cut to the matrix, grow from the base shape to this one: (b_out, b_in) ratios."""
    if block is None:
        return None
    out, into = (min(b, d) / min(b, d0) for b, d, d0 in zip(block, shape, base, strict=True))
    return out, into


def _check_names(optimizer: str, graft: str | None) -> None:
    for kind, name in (("optimizer", optimizer), ("optimizer to graft from", graft)):
        if name is not None and name not in OPTIMIZERS:
            raise UnknownNameError(kind, name, list(OPTIMIZERS))


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise DomainError(name, size, "an integer >= 1")


def _reason(
    optimizer: str,
    options: dict[str, Any],
    graft: str | None,
    spectral_norm: bool,
    readout: bool,
    ratios: tuple[float, float, float],
) -> str:
    """The rule that was applied, in words."""
    if ratios == (1, 1, 1):
        return "the base shape: every ratio is 1"
    letter = "d" if options["block"] is None else "b"
    rotated = " ".join(
        f"{letter}_{side}" for side, on in zip(("out", "in"), options["sides"], strict=True) if on
    )
    rate = _MOVES[optimizer].format(total=f"{float(sum(options['exponents'])):g}", rotated=rotated)
    if graft is not None:
        rate = (
            f"the update has the norm of {graft}'s: {_MOVES[graft].format(total='0.5', rotated='d_out d_in')}"
        )
    if spectral_norm:
        rate = "the update has the spectral norm sqrt(d_out/d_in), which moves the output by lr"
    if optimizer == "shampoo" and graft is None and not spectral_norm:
        damping = "relative to the largest eigenvalue" if options["relative"] else "absolute"
        rate += f"; epsilon is {damping}"
    start = (
        "a readout starts at 1/d_in, so that the layer below sees gradients of order 1/d_in"
        if readout
        else "the initial scale 1/sqrt(d_in) keeps the output of order one"
    )
    return f"{rate}; {start}"
