"""Sec. 4.1 of 2512.22768: the linearised loss change, its split by the alignment matrix, and Hypothesis 1.

Identities are checked on matrices of symbols; that the library's functions compute them, on integer matrices,
for which its floating-point arithmetic is exact.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from hptheory.decomposition import (
    alignment_matrix,
    alignment_spectrum,
    mean_component_index,
    top_k_loss_change,
)
from proofs_check.certificates import require_combination, require_counterexample, require_item
from proofs_check.claims import Claim, Refuted, Verdict, refuted

ROWS, COLUMNS = 3, 2


def entries(name: str, transposed: bool = False) -> list[list[str]]:
    """Return a matrix of symbols."""
    rows = [[f"{name}{i}{j}" for j in range(COLUMNS)] for i in range(ROWS)]
    return [list(column) for column in zip(*rows, strict=True)] if transposed else rows


def flat(matrix: list[list[str]]) -> list[str]:
    """Return the entries in one list."""
    return [entry for row in matrix for entry in row]


def alignment(g: list[list[str]], w: list[list[str]]) -> list[list[str]]:
    """Return the formulas of (G^T dW + dW^T G)/2."""
    n = len(g[0])
    return [
        [
            "(" + " + ".join(f"{a[i]}*{b[j]} + {b[i]}*{a[j]}" for a, b in zip(g, w, strict=True)) + ")/2"
            for j in range(n)
        ]
        for i in range(n)
    ]


def zero_item(what: str, formulas: list[str], names: list[str]) -> None:
    """Require identities between matrix entries."""
    require_item({"kind": "zero", "what": what, "variables": names, "steps": [], "zero": formulas})


def linearisation_error() -> str:
    """Check L(w + d) - L(w) - <g, d> = d^T H d/2 for a quadratic loss; in general (H/2) ||d||^2 bounds it.

    In general H bounds the second derivative and Taylor's theorem takes the place of the identity, step by
    step.
    """
    loss = "(h11*{0}**2 + 2*h12*{0}*{1} + h22*{1}**2)/2 + c1*{0} + c2*{1}"
    change = f"({loss.format('(x + d)', '(y + e)')}) - ({loss.format('x', 'y')})"
    linear = "(h11*x + h12*y + c1)*d + (h12*x + h22*y + c2)*e"
    rest = "(h11*d**2 + 2*h12*d*e + h22*e**2)/2"
    names = ["h11", "h12", "h22", "c1", "c2", "x", "y", "d", "e"]
    zero_item("one step of a quadratic loss", [f"{change} - ({linear}) - {rest}"], names)
    require_combination(
        "two steps add up",
        ["first", "second", "H", "d", "e"],
        {"one": "H*d**2/2 - first", "two": "H*e**2/2 - second"},
        "H*(d**2 + e**2)/2 - (first + second)",
        [("1", "one"), ("1", "two")],
    )
    return "|Delta L - phi| <= (H/2) sum_t ||dw_t||^2, exact for quadratic losses"


def alignment_is_symmetric() -> str:
    """Check that the alignment matrix is symmetric and that the library computes it."""
    s = alignment(entries("g"), entries("w"))
    names = [*flat(entries("g")), *flat(entries("w"))]
    zero_item("S is symmetric", [f"{s[0][1]} - {s[1][0]}"], names)
    zero_item("S(G, dW) = S(dW, G)", [f"{s[0][1]} - {alignment(entries('w'), entries('g'))[0][1]}"], names)
    g, w = integer_matrices()
    if not np.array_equal(2 * alignment_matrix(g, w), g.T @ w + w.T @ g):
        raise Refuted("the library's alignment matrix is another one")
    return "S is symmetric, symmetric in its arguments, and the library's alignment matrix"


def integer_matrices() -> tuple[np.ndarray, np.ndarray]:
    """Return two integer matrices."""
    g, w = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS), np.arange(6, 0, -1).reshape(ROWS, COLUMNS)
    return g - 2, w - 3


def trace_is_the_change() -> str:
    """Check trace S(G, dW) = <G, dW> = trace S(G^T, dW^T): the row version has the same sum."""
    names = [*flat(entries("g")), *flat(entries("w"))]
    inner = " + ".join(f"g{i}{j}*w{i}{j}" for i, j in product(range(ROWS), range(COLUMNS)))
    for what, transposed in (("trace S = <G, dW>", False), ("the row version", True)):
        s = alignment(entries("g", transposed), entries("w", transposed))
        trace = " + ".join(s[i][i] for i in range(len(s)))
        zero_item(what, [f"{trace} - ({inner})"], names)
    g, w = np.diag([3, 2, 1]), np.diag([-1, 2, 5])  # eigenvalues -3, 4, 5
    if top_k_loss_change(g, w).tolist() != [5, 9, 6] or alignment_spectrum(g, w).tolist() != [5, 4, -3]:
        raise Refuted("the library sums other eigenvalues")
    return "the eigenvalues of S sum up to <G, dW>; the library sums them by decreasing magnitude"


def singular_values() -> str:
    """Refute on G = dW = diag(2, 1): the eigenvalues are 4 and 1, the singular values 2 and 1."""
    require_counterexample(
        "top-1: eigenvalue = singular value", {"sigma": 2}, ["sigma > 0"], "sigma*sigma == sigma"
    )
    found = top_k_loss_change(np.diag([2, 1]), np.diag([2, 1])).tolist()
    raise Refuted(f"G = dW = diag(2, 1): top-k loss changes {found}, sums of singular values [2, 3]")


def squared_singular_values() -> str:
    """Check: for dW = c G, S = c G^T G, whose eigenvalues are c times the squared singular values of G.

    For the orthogonalised update dW = c U V^T, G = U Sigma V^T, S = c V Sigma V^T: there the singular values
    themselves.
    """
    g = entries("g")
    s = alignment(g, [[f"c*{entry}" for entry in row] for row in g])
    formulas = [
        f"{s[i][j]} - c*(" + " + ".join(f"{row[i]}*{row[j]}" for row in g) + ")"
        for i, j in ((0, 0), (0, 1), (1, 1))
    ]
    zero_item("S(G, c G) = c G^T G", formulas, [*flat(g), "c"])
    aligned = alignment([["a", "0*a"], ["0*b", "b"]], [["c", "0*c"], ["0*c", "c"]])
    zero_item(
        "S(Sigma, c I) = c Sigma",
        [f"{aligned[0][0]} - c*a", f"{aligned[1][1]} - c*b", aligned[0][1]],
        ["a", "b", "c"],
    )
    if top_k_loss_change(np.diag([2, 1]), -3 * np.diag([2, 1])).tolist() != [-12, -15]:
        raise Refuted("the library's top-k loss change for dW = -3 G")
    return "for dW = c G the top-k loss change is c times the sum of the top-k squared singular values"


def residual_vanishes() -> str:
    """Check phi^n = phi and phi = phi^kappa + phi^-kappa, on eigenvalues as symbols."""
    zero_item(
        "the whole is top plus residual",
        ["(l1 + l2) + (l3 + l4) - (l1 + l2 + l3 + l4)"],
        ["l1", "l2", "l3", "l4"],
    )
    g, w = integer_matrices()
    if round(float(top_k_loss_change(g, w)[-1])) != int((g * w).sum()):
        raise Refuted("the last top-k loss change is not the whole")
    return "phi_n = phi_n^kappa + phi_n^-kappa, and phi_n^-kappa = 0 for kappa = n"


def samples_and_components() -> str:
    """Check that (delta psi)_ij sums up to <G_i, dW> over j, and to lambda_j in the mean over i; MCI in [1,
    n].

    For orthonormal u_1, u_2 (all rotations are rational in t, up to one); sum_j u_j^T X u_j = trace X for any
    X, and u^T G^T dW u = u^T S u. The index is a mean of 1, ..., n with weights p_j >= 0 that sum up to 1.
    """
    names = ["x11", "x12", "x21", "x22", "t"]
    steps = [["c", "(1 - t**2)/(1 + t**2)"], ["s", "2*t/(1 + t**2)"]]
    forms = [f"(x11*{a}**2 + (x12 + x21)*{a}*{b} + x22*{b}**2)" for a, b in (("c", "s"), ("(-s)", "c"))]
    item = {"kind": "zero", "what": "all components of a sample", "variables": names, "steps": steps}
    require_item(item | {"zero": [f"{forms[0]} + {forms[1]} - x11 - x22"]})
    require_combination(
        "the index is at most n = 3",
        ["p1", "p2", "p3"],
        {"first": "p1", "second": "p2", "one": "1 - p1 - p2 - p3"},
        "3 - (p1 + 2*p2 + 3*p3)",
        [("2", "first"), ("1", "second"), ("3", "one")],
    )
    if mean_component_index(np.array([[1, 0, -1], [0, 1, 1]]) / 1).tolist() != [2, 5 / 2]:
        raise Refuted("the library's mean component index")
    return "sum_j (delta psi)_ij = <G_i, dW>, and 1 <= MCI <= n; the library's index is (6)"


def sufficient_for_fast() -> str:
    """Check what is enough: t_n = o(a_n^(1/2)) makes transfer fast, as b_n <= t_n (Proposition 13)."""
    require_combination(
        "b_n^2 <= e a_n",
        ["b", "t", "e", "a"],
        {"prop_13": "t - b", "small": "e*a - t**2"},
        "e*a - b**2",
        [("t", "prop_13"), ("b", "prop_13"), ("1", "small")],
        positive=["t", "b"],
    )
    return "if t_n^2 <= e_n a_n with e_n -> 0, then b_n^2 <= e_n a_n: fast"


CLAIMS = (
    Claim(
        id="eq-1",
        place="Sec. 4.1, (1)",
        statement=r"\delta\phi(w_t) := \langle g_t, \delta w_t\rangle \approx \delta\mathcal L(w_t), \quad "
        r"\phi(\omega) := \sum_t \delta\phi(w_t) \approx \Delta\mathcal L(\omega)",
        verdict=Verdict.PROVED,
        check=linearisation_error,
        hypotheses=(r"$\lVert\nabla^2\mathcal L\rVert \le H$ along the segments of the trajectory",),
        cites=("Taylor's theorem: Rudin, Principles of Mathematical Analysis, 3rd edition, Theorem 5.15",),
        note=r"What the smoothness conditions have to be: the error is at most $\tfrac H2\sum_t\lVert\delta "
        r"w_t\rVert^2$. Halving the steps halves it.",
    ),
    Claim(
        id="eq-2",
        place="Sec. 4.1, (2)",
        statement=r"\mathcal S(G, \delta W) := \tfrac12(G^\top\delta W + \delta W^\top G)",
        verdict=Verdict.PROVED,
        check=alignment_is_symmetric,
        note="A definition; checked: symmetric, so that its eigenvalues are real.",
    ),
    Claim(
        id="eq-3",
        place="Sec. 4.1, (3)",
        statement=r"\delta\phi(W) = \sum_{i=1}^n \lambda_i, \qquad \delta\phi^k(W) := \sum_{i=1}^k \lambda_i",
        verdict=Verdict.PROVED,
        check=trace_is_the_change,
        note="Checked for the row version, too. Of eigenvalues of one magnitude and opposite sign the order "
        "is a choice, on which "
        r"$\delta\phi^k$ depends; the library takes the negative one first.",
    ),
    *refuted(
        id="eq-3-aligned",
        place="Sec. 4.1, below (3)",
        statement=r"G \propto \delta W \ \Rightarrow\ \delta\phi^k(W) \text{ is the sum of the top-}k\text{ "
        r"singular values of } G",
        check=singular_values,
        corrected=squared_singular_values,
        correction=r"\delta W = c\,G \ \Rightarrow\ \delta\phi^k(W) = c\sum_{i \le k}\sigma_i(G)^2",
        note=r"Singular values without the square, times $c$, belong to the orthogonalised update $\delta W "
        r"= c\,UV^\top$.",
    ),
    Claim(
        id="eq-4",
        place="Sec. 4.1, (4)",
        statement=r"\phi^k(\omega) := \sum_\ell\sum_t \delta\phi^k(W_t^{(\ell)})",
        verdict=Verdict.PROVED,
        check=residual_vanishes,
        note=r"A definition; checked: $\phi^n = \phi$.",
        depends_on=("eq-3",),
    ),
    Claim(
        id="eq-5",
        place="Sec. 4.1, (5)",
        statement=r"\phi_n^\kappa(\nu) := \phi^{\kappa(\nu)}(\omega_n(\nu, \gamma)), \quad \phi_n^{-\kappa} "
        r":= \phi_n - \phi_n^\kappa",
        verdict=Verdict.PROVED,
        check=residual_vanishes,
        note=r"A definition. Where $\kappa(\nu)$ jumps, so does $\phi_n^\kappa$ in general "
        r"(prop-13-smooth). $\phi_\infty^{-\kappa}$ does not vanish for $\kappa \equiv n$.",
        depends_on=("eq-4",),
    ),
    Claim(
        id="eq-6",
        place="Sec. 4.2.3, (6)",
        statement=r"\operatorname{MCI}_i := \sum_j j\,p_j \in [1, n],\quad p_j := "
        r"\frac{\lvert\psi_{ij}\rvert}{\sum_k\lvert\psi_{ik}\rvert}",
        verdict=Verdict.PROVED,
        check=samples_and_components,
        hypotheses=(r"not all $\psi_{ij}$ of the sample are 0",),
        note=r"Checked too: the split of a loss change over samples and components that it is built on.",
        depends_on=("eq-3",),
    ),
    Claim(
        id="hyp-1",
        place="Sec. 1.1, Hypothesis 1",
        statement=r"\text{The top-}k\text{ loss converges rapidly, and its optimal HPs approximately "
        r"determine those of the total loss}",
        verdict=Verdict.OPEN,
        check=sufficient_for_fast,
        note=r"A conjecture about training, in words (rapidly, approximately), so that no proof or "
        r"counterexample can settle it. **For it.** Made precise by the paper's own quantity, $t_n = "
        r"o(a_n^{1/2})$ (rapid and approximate enough together), it is sufficient for fast transfer: "
        r"proved, wherever Proposition 13 holds. **Not an equivalence.** It is not necessary: what "
        r"has to be flat is the difference of the residuals (hp-gap-one-step), and for a fixed "
        r"$\kappa$ the bound $t_n$ does not tend to 0 (b5-fixed-kappa). **What is missing.** Whether "
        r"trained networks meet $t_n = o(a_n^{1/2})$ is a matter of measurement: the paper shows "
        r"figures at five to seven widths, and a sweep can be [decomposed](why-it-transfers.md) "
        r"here; but no finite number of widths decides a limit.",
        depends_on=("prop-13", "def-2"),
    ),
)
