"""The scaling rules of arXiv 2512.05620: each entry of the table, from the function that users call."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.certificates import require_counterexample
from proofs_check.claims import AllOf, Claim, Refuted, Verdict, refuted
from proofs_check.rule import SIZES, Rule

HYPOTHESES = (
    r"$G = \delta x^\top$ with entries of $\delta$ of order $1/(L\,d_{out})$, of $x$ of order 1",
    r"$x\cdot x'$ of order $d_{in}$ (arXiv 2512.05620, Sec. 3.1)",
)
N_BLK = "(d_in - b_in + d_out - b_out)"
"""The logarithm of the number of blocks."""
E = "(e_L + e_R)"
QUARTERS = (Fraction(1, 4), Fraction(1, 4))
HALVES = (Fraction(1, 2), Fraction(1, 2))


def _claim(
    id: str, place: str, statement: str, rules: tuple[Rule, ...], note: str = "", **more: Any
) -> Claim:
    return Claim(
        id=id,
        place=f"2512.05620, {place}",
        statement=statement,
        verdict=Verdict.PROVED,
        check=AllOf(rules) if len(rules) > 1 else rules[0],
        region=SIZES,
        hypotheses=HYPOTHESES,
        note=note,
        breaks=tuple(broken for rule in rules for broken in rule.breaks),
    )


def _roles(optimizer: str, rates: tuple[str, str, str], **options: Any) -> tuple[Rule, ...]:
    """The rates of a hidden layer, an embedding and a readout, as powers of D; what is fixed has log 0."""
    fixed = dict.fromkeys(("b_in", "b_out", "L"), "0")
    shapes = ({"d_in": "D", "d_out": "D"}, {"d_in": "0", "d_out": "D"}, {"d_in": "D", "d_out": "0"})
    return tuple(
        Rule(optimizer, rate=f"{rate}*D", sizes=fixed | shape, **options)
        for rate, shape in zip(rates, shapes, strict=True)
    )


TABLE = "table of scaling rules"
WIDTHS = "rates in the width D"


def capped_factor(d_in: int = 4, d_out: int = 1) -> str:
    """Refute on d_in = 4, d_out = 1: the common factor is 1, muP's is 1/2."""
    require_counterexample(
        "the squares of the two factors", {"d_in": d_in, "d_out": d_out}, ["d_out < d_in"],
        "1 == d_out/d_in",
    )  # fmt: skip
    raise Refuted(
        f"d_out = {d_out}, d_in = {d_in}: 1, but the rule says {Fraction(d_out, d_in)} under the root"
    )


CLAIMS: tuple[Claim, ...] = (
    _claim(
        "rule-sgd", TABLE, r"\text{SGD: } \eta \propto L\,d_{out}/d_{in}", (Rule("sgd", "L + d_out - d_in"),)
    ),
    _claim(
        "rule-adam",
        TABLE,
        r"\text{Adam: } \eta \propto 1/d_{in},\quad \epsilon \propto 1/(L\,d_{out})",
        (Rule("adam", "-d_in", "-L - d_out"),),
    ),
    _claim(
        "rule-muon",
        TABLE,
        r"\text{Muon: } \eta \propto \sqrt{d_{out}/d_{in}},\quad \epsilon \propto \sqrt{d_{in}/d_{out}}/L",
        (Rule("muon", "(d_out - d_in)/2", "(d_in - d_out)/2 - L"),),
        note="The epsilon is the one added to the Frobenius norm by which Newton-Schulz starts.",
    ),
    _claim(
        "rule-dion",
        TABLE,
        r"\text{Dion: } \eta \propto \sqrt{d_{out}/d_{in}}",
        (Rule("dion", "(d_out - d_in)/2"),),
        note="At any rank: a rank-one momentum is orthogonalised whole.",
    ),
    _claim(
        "rule-adamuon",
        TABLE,
        r"\text{AdaMuon: } \eta \propto 1/d_{in},\quad \epsilon \propto 1/\sqrt{d_{in} d_{out}}",
        (Rule("adamuon", "-d_in", "-(d_in + d_out)/2"),),
    ),
    _claim(
        "rule-shampoo",
        TABLE,
        r"\text{Shampoo}(e_L, e_R): \eta \propto (d_{out}/d_{in})^{1-E} L^{1-2E} n_{blk}^{-E},\quad "
        r"\epsilon \propto d_{in}/(L^2 d_{out} n_{blk}),\quad E = e_L + e_R",
        (
            Rule(
                "shampoo",
                f"(1 - {E})*(d_out - d_in) + (1 - 2*{E})*L - {E}*{N_BLK}",
                f"d_in - 2*L - d_out - {N_BLK}",
                blocked=True,
            ),
            Rule("shampoo", f"(1 - {E})*(d_out - d_in) + (1 - 2*{E})*L", "d_in - 2*L - d_out"),
        ),
        note=r"With and without blocks, for every $e_L, e_R$ and every size of block.",
    ),
    _claim(
        "rule-soap",
        TABLE,
        r"\text{SOAP}: \eta \propto b_{out}^{s_L/2} b_{in}^{s_R/2}/d_{in},\quad "
        r"\epsilon \propto b_{out}^{s_L/2} b_{in}^{s_R/2}/(L\,d_{out}); \text{ unblocked, two-sided: } "
        r"\eta \propto \sqrt{d_{out}/d_{in}}",
        (
            Rule(
                "soap",
                "(s_L*b_out + s_R*b_in)/2 - d_in",
                "(s_L*b_out + s_R*b_in)/2 - L - d_out",
                blocked=True,
            ),
            Rule("soap", "(d_out - d_in)/2", options={"sides": (1, 1)}),
        ),
    ),
    _claim(
        "rule-graft",
        TABLE,
        r"Q_1 \# Q_2: \eta = \eta_{Q_1},\quad \epsilon \propto \sqrt{d_{out}/d_{in}}/\eta_{Q_2}",
        (
            Rule(
                "shampoo",
                "-d_in",
                f"(d_out - d_in)/2 - ((1 - {E})*(d_out - d_in) + (1 - 2*{E})*L)",
                options={"graft": "adam"},
            ),
            Rule("muon", "L + d_out - d_in", "(d_out - d_in)/2 - (d_out - d_in)/2", options={"graft": "sgd"}),
        ),
        note="Checked for Adam # Shampoo with every exponent, and for SGD # Muon.",
    ),
    _claim(
        "rule-spectral",
        TABLE,
        r"\text{spectrally normalised to } \sqrt{d_{out}/d_{in}}: \eta \propto 1",
        (Rule("shampoo", "d_in - d_in", options={"spectral_norm": True}),),
    ),
    *(
        _claim(f"width-{name}", WIDTHS, statement, _roles(optimizer, rates, **options))
        for name, statement, optimizer, rates, options in (
            ("sgd", r"\text{SGD, hidden, embedding, readout: } 1,\ D,\ 1/D", "sgd", ("0", "1", "-1"), {}),
            ("adam", r"\text{Adam: } 1/D,\ 1,\ 1/D", "adam", ("-1", "0", "-1"), {}),
            ("adamuon", r"\text{AdaMuon: } 1/D,\ 1,\ 1/D", "adamuon", ("-1", "0", "-1"), {}),
            ("muon", r"\text{Muon: } 1,\ \sqrt D,\ 1/\sqrt D", "muon", ("0", "1/2", "-1/2"), {}),
            ("dion", r"\text{Dion: } 1,\ \sqrt D,\ 1/\sqrt D", "dion", ("0", "1/2", "-1/2"), {}),
            (
                "adam-graft",
                r"\text{Adam } \# \text{ Shampoo}(1/4, 1/4): 1/D,\ 1,\ 1/D",
                "shampoo",
                ("-1", "0", "-1"),
                {"options": {"exponents": QUARTERS, "graft": "adam"}},
            ),
            (
                "soap",
                r"\text{two-sided SOAP: } 1,\ \sqrt D,\ 1/\sqrt D",
                "soap",
                ("0", "1/2", "-1/2"),
                {"options": {"sides": (1, 1)}},
            ),
            (
                "shampoo-quarter",
                r"\text{Shampoo}(1/4, 1/4): 1,\ \sqrt D,\ 1/\sqrt D",
                "shampoo",
                ("0", "1/2", "-1/2"),
                {"options": {"exponents": QUARTERS}},
            ),
            (
                "shampoo-half",
                r"\text{Shampoo}(1/2, 1/2): 1,\ 1,\ 1",
                "shampoo",
                ("0", "0", "0"),
                {"options": {"exponents": HALVES}},
            ),
            (
                "soap-blocks",
                r"\text{SOAP, blocks of fixed size: } 1/D,\ 1,\ 1/D",
                "soap",
                ("-1", "0", "-1"),
                {"options": {"sides": (1, 1)}, "blocked": True},
            ),
            (
                "shampoo-quarter-blocks",
                r"\text{Shampoo}(1/4, 1/4), \text{fixed blocks: } 1/D,\ 1,\ 1/D",
                "shampoo",
                ("-1", "0", "-1"),
                {"options": {"exponents": QUARTERS}, "blocked": True},
            ),
            (
                "shampoo-half-blocks",
                r"\text{Shampoo}(1/2, 1/2), \text{not grafted, blocks of fixed size: } "
                r"1/D^2,\ 1/D,\ 1/D",
                "shampoo",
                ("-2", "-1", "-1"),
                {"options": {"exponents": HALVES}, "blocked": True},
            ),
        )
    ),
    _claim(
        "rule-vectors",
        "further facts",
        r"\text{vectors } (d_{in} = 1,\ d_{out} = D): \text{Adam } 1,\ \text{SGD } D\,L",
        (
            Rule("adam", "0*D", sizes={"d_in": "0", "d_out": "D"}),
            Rule("sgd", "D + L", sizes={"d_in": "0", "d_out": "D"}),
        ),
    ),
    *refuted(
        id="rule-capped",
        place="Muon's common factor",
        statement=r"\sqrt{\max(1, d_{out}/d_{in})} \text{ is the muP factor of Muon}",
        check=capped_factor,
        correction=r"\text{the factor is } \sqrt{d_{out}/d_{in}} \text{ on either side of the diagonal}",
        corrected=Rule("muon", "(d_out - d_in)/2"),
        corrected_breaks=Rule("muon", "(d_out - d_in)/2").breaks,
        note=r"They agree where $d_{out} \ge d_{in}$, and disagree on a readout or a down projection.",
    ),
)
