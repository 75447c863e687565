"""The further facts of the two summaries beside the papers: initialisation, attention, decay, parameters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from hptheory.parameterization import attention_scale, scaling_rule
from hptheory.parameterization.layers import llama_layers
from proofs_check.certificates import require_combination, require_counterexample, require_item, require_zero
from proofs_check.claims import Claim, Refuted, Verdict, refuted
from proofs_check.formulas import evaluate, parse
from proofs_check.rational import generators
from proofs_check.region import Region

NEAR = Fraction(1, 10**12)
"""Floats that are compared here went through a few roundings."""

DECAY = "independent decay: a step multiplies a weight by 1 - lambda (times the schedule)"
SOURCE = "arXiv 2512.05620"


def initial_size(power: Fraction = Fraction(1, 2)) -> str:
    """Check that sigma = d_in^-power keeps a hidden layer's outputs at the size of its inputs.

    A sum of d_in independent terms of variance sigma^2 x^2 has the variance d_in sigma^2 x^2. A readout with
    sigma = 1/D gives outputs of variance 1/D: they vanish at the start, and aligned ones do not grow.
    """
    size, depth = generators("log_d_in", "log_D")
    require_zero(size - 2 * power * size, "hidden: the variance keeps its size")
    require_zero((depth - 2 * depth) + depth, "readout: the variance is 1/D")
    require_zero(depth - depth, "readout: D aligned terms of size 1/D add up to 1")
    for d_in, base in ((256, 64), (96, 32), (64, 64)):
        found = scaling_rule("adam", d_in, d_in, base_d_in=base, base_d_out=base).init_std
        if abs(Fraction(found) ** 2 - Fraction(base, d_in)) > NEAR:
            raise Refuted(f"the library's hidden init ratio at {d_in} over {base} is {found}")
    return "hidden: sigma ~ d_in^(-1/2); readout: 1/D at most; the library's ratios are these"


def attention(power: int = 1) -> str:
    """Check that q . k of aligned entries of order 1 needs the factor base^(1/2)/d_head^power, power 1.

    d_head aligned terms add up to d_head. At the base the factor is the usual 1/sqrt(d_head).
    """
    log_d, log_base = generators("log_d_head", "log_base")
    require_zero(log_d + (log_base / 2 - power * log_d) - log_base / 2, "scores do not grow with d_head")
    at_base = (log_base / 2 - power * log_d).substitute("log_d_head", log_base)
    require_zero(at_base + log_base / 2, "at the base it is 1/sqrt(d_head)")
    for d_head, base in ((64, 16), (16, 16), (48, 12)):
        found = Fraction(attention_scale(d_head, base_d_head=base))
        if abs((found * d_head**power) ** 2 - base) > NEAR:
            raise Refuted(f"the library's factor at {d_head} over {base} is {found}")
    return "scores of aligned queries and keys keep their size; the library's factor is sqrt(base)/d_head"


def decay_follows_steps(extra: str = "0") -> str:
    """Check that lambda T stays the same iff lambda ~ D^(b - p), for T ~ D^(p - b) steps.

    T steps multiply a weight by (1 - lambda)^T, about exp(-lambda T): the share of the training that a weight
    remembers is 1/(lambda T). With a fixed number of tokens per parameter, N ~ D^p parameters and batches of
    D^b tokens take T ~ D^(p - b) steps. So 1/D needs p - b = 1: p = 1 with fixed batches, or p = 2 with
    batches that grow like D. With p = 2 and fixed batches it would be 1/D^2.
    """
    log_d, p, b = generators("log_D", "p", "b")
    names = {"log_D": log_d, "p": p, "b": b}
    log_steps, log_decay = (p - b) * log_d, (b - p) * log_d + evaluate(parse(extra), names)
    require_zero(log_decay + log_steps, "lambda T does not depend on D")
    inverse = log_decay + log_d
    require_zero(inverse.substitute("b", p - 1), "1/D where p - b = 1")
    return "lambda ~ 1/T: 1/D iff the number of steps grows like D"


def parameters_are_quadratic(degree: int = 2) -> str:
    """Check by the library's layers that a Llama has a D^2 + b D parameters, a, b > 0: Theta(D^2).

    Second differences of the count are constant. For D >= 1 it lies between a D^2 and (a + b) D^2; where a D
    <= b (a large vocabulary, a small width) between b D and 2 b D: linear.
    """
    counts = [
        sum(layer.count * layer.d_in * layer.d_out for layer in llama_layers(width))
        for width in (64, 128, 192, 256)
    ]
    second = [counts[k + 2] - 2 * counts[k + 1] + counts[k] for k in range(2)]
    a = Fraction(second[0], 2 * 64**2)
    b = Fraction(counts[0], 64) - 64 * a
    if second[0] != second[1] or any(a * w**2 + b * w != n for w, n in zip((64, 128), counts, strict=False)):
        raise Refuted(f"the counts {counts} are no a D^2 + b D")
    power = f"D**{degree}"
    names, positive = ["a", "b", "D"], ["a", "b", "D"]
    require_combination("at least a D^2", names, {}, f"a*D**2 + b*D - a*{power}", [("b*D", "")], positive)
    require_combination(
        "at most (a + b) D^2",
        names,
        {"wide": "D - 1"},
        f"(a + b)*{power} - (a*D**2 + b*D)",
        [("b*D", "wide")],
        positive,
    )
    require_combination(
        "at most 2 b D where a D <= b",
        ["a", "b", "D"],
        {"narrow": "b - a*D"},
        "2*b*D - (a*D**2 + b*D)",
        [("D", "narrow")],
        positive=["a", "b", "D"],
    )
    return f"{a} D^2 + {b} D parameters (4 layers, 32,000 words)"


def spectral_norm_by_rank(power: int = 1) -> str:
    """Check that at a given Frobenius norm the spectral norm falls as the stable rank grows.

    The stable rank is the square of their quotient.
    """
    fro_sq, rank = generators("fro_sq", "rank")
    spectral_sq = fro_sq / rank**power
    require_zero(fro_sq / spectral_sq - rank, "stable rank")
    item = {"kind": "positive", "what": "it falls", "variables": ["fro_sq", "rank"]}
    require_item(item | {"steps": [], "positive": ["-D(fro_sq/rank, rank)"]})
    return "spectral norm^2 = Frobenius norm^2/stable rank"


def model_sizes(smallest: int = 190, largest: int = 1400) -> str:
    """Refute by the sizes themselves, 190M and 1.4B: their quotient is below 10."""
    point = {"smallest": smallest, "largest": largest}
    require_counterexample("four orders", point, ["largest > smallest"], "largest/smallest >= 10**4")
    raise Refuted(f"{largest}/{smallest} = {float(Fraction(largest, smallest)):.3g}: less than one order")


def model_sizes_span(orders: int = 1) -> str:
    """Check that 190M to 1.4B parameters are less than one order of magnitude."""
    if not Fraction(1400, 190) < 10**orders or not Fraction(1400, 190) > 10 ** (orders - 1):
        raise Refuted(f"1400/190 lies not between 10^{orders - 1} and 10^{orders}")
    item = {"kind": "point", "what": "the quotient of the sizes", "variables": ["q"], "steps": []}
    require_item(item | {"point": {"q": str(Fraction(1400, 190))}, "conditions": ["q > 7", "q < 8"]})
    return "a factor of 7.4"


def _breaks(function: Callable[..., str], *arguments: object) -> tuple[tuple[str, Callable[[], str]], ...]:
    return tuple((f"{function.__name__}({argument})", partial(function, argument)) for argument in arguments)


WIDE = Region({"D": "D", "a": "a", "b": "b"}, ("D >= 1", "a > 0", "b > 0"), dict.fromkeys("Dab", Fraction(1)))

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="rank-one-gradient",
        place="2512.05620, Sec. 3.1",
        statement=r"G = \delta x^\top,\quad \delta = \Theta(1/d_{out}),\ x = \Theta(1),\ x^\top x' = "
        r"\Theta(d_{in})",
        verdict=Verdict.CITED,
        cites=(f"{SOURCE}, Sec. 3.1",),
        note="The hypothesis of every rule below: the first step of a layer in the infinite-width limit, for "
        "one example. With batches or steps that grow with the width it fails, as the source says.",
    ),
    Claim(
        id="rule-init",
        place="2512.05620, further facts",
        statement=r"\text{hidden } \sigma \propto 1/\sqrt{d_{in}},\quad \text{readout } \sigma = O(1/D)",
        verdict=Verdict.PROVED,
        check=initial_size,
        hypotheses=("independent entries at the start; activations of order 1",),
        note="The embedding's 0.1, and 0 for readout, attention output and down projection, are choices.",
        breaks=_breaks(initial_size, Fraction(1), Fraction(0), Fraction(1, 3)),
    ),
    Claim(
        id="rule-attention",
        place="2512.05620, further facts",
        statement=r"\text{scores } q\cdot k\,\sqrt{d_{head,base}}/d_{head}; \text{ at a fixed head size } "
        r"1/\sqrt{d_{head}}",
        verdict=Verdict.PROVED,
        check=attention,
        hypotheses=("trained queries and keys are aligned: $q\\cdot k$ of order $d_{head}$",),
        breaks=_breaks(attention, 2, 0, -1),
    ),
    Claim(
        id="parameters-quadratic",
        place="summary of 2512.05620, mechanism 2",
        statement=r"N = a D^2 + b D = \Theta(D^2) \text{ parameters}; \quad b D \le N \le 2 b D "
        r"\text{ where } a D \le b",
        verdict=Verdict.PROVED,
        check=parameters_are_quadratic,
        region=WIDE,
        hypotheses=("depth, vocabulary and the expansion of feed-forward layers are fixed",),
        note='Both sentences of the summary, quadratic and "approximately linearly with width at small '
        'scales", are right, in different ranges. Counted on the layers that the library lists.',
        breaks=_breaks(parameters_are_quadratic, 1, 3, 4),
    ),
    Claim(
        id="decay-timescale",
        place="summary of 2512.05620, mechanism 2",
        statement=r"\lambda\,T = \text{const} \iff \lambda \propto D^{b - p},\quad T \propto D^{p - b} "
        r"\text{ steps};\quad \lambda \propto 1/D \iff p - b = 1",
        verdict=Verdict.PROVED,
        check=decay_follows_steps,
        hypotheses=(
            DECAY,
            r"tokens per parameter are fixed, $N \propto D^p$, a batch has $\propto D^b$ tokens",
        ),
        note=r"What the printed mechanism assumes. With $N = \Theta(D^2)$ and a fixed batch a constant "
        r"timescale would ask for $1/D^2$, not $1/D$; $1/D$ fits $N \propto D$ (parameters-quadratic), or "
        r"batches that grow with the width. With a fixed number of steps, $p = b$, it is muP's $\Theta(1)$.",
        depends_on=("parameters-quadratic",),
        breaks=_breaks(decay_follows_steps, "log_D", "-log_D", "p*log_D"),
    ),
    Claim(
        id="decay-inverse-width",
        place="2512.05620, Sec. 3.4 and Figure 5",
        statement=r"\text{the optimal independent weight decay scales like } 1/D",
        verdict=Verdict.CITED,
        cites=(f"{SOURCE}, Sec. 3.4, Figure 5 (a measurement)",),
        note="Nothing here measures it. What a derivation has to assume is decay-timescale.",
        depends_on=("decay-timescale",),
    ),
    Claim(
        id="stable-rank",
        place="summary of 2512.05620, mechanism 3",
        statement=r"\lVert U\rVert_2^2 = \lVert U\rVert_F^2/\operatorname{srank}(U): \text{ normalised to "
        r"one RMS, the spectral norm falls as the stable rank grows}",
        verdict=Verdict.PROVED,
        check=spectral_norm_by_rank,
        note="Why AdaMuon and grafted Shampoo drift, as the source explains it; that the stable rank grows "
        "during training is a measurement.",
        breaks=_breaks(spectral_norm_by_rank, 2, 0, -1),
    ),
    Claim(
        id="compute-multiplier",
        place="2512.05620, abstract and further facts",
        statement=r"\text{compute at equal loss: } 1.4\times \text{ over AdamW from 190M to 1.4B parameters; "
        r"} 1.1\times \text{ at 1.4B without the rules}",
        verdict=Verdict.CITED,
        cites=(f"{SOURCE}, abstract (a measurement)",),
    ),
    *refuted(
        id="summary-four-orders",
        place="summary of 2512.05620, executive summary",
        statement=r"\text{190M to 1.4B parameters are four orders of magnitude in model size}",
        check=model_sizes,
        corrected=model_sizes_span,
        correction=r"\text{they are a factor of 7.4, less than one order}",
        corrected_breaks=_breaks(model_sizes_span, 0, 2, 4),
        note="Four model scales are meant, as the summary says elsewhere.",
    ),
)
