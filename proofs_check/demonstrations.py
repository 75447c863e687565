"""A few lines for every erratum that anyone can run: (9), (10) solved by mpmath, mostly without this project.

They are shown, and executed, in docs/errata.md; names are those of the formulas (see `exact.Setting`).
"""

from __future__ import annotations

PREAMBLE = """
from fractions import Fraction as F

from mpmath import diff, findroot, log10, mp, mpf, nstr, sqrt

mp.dps = 30

def solve(model, lam, eta):
    '''m1, m2 > 0 of (9) and of eta times (10); eta = psi1/psi2, and eta = 0 is infinite width.'''
    psi1, u = model[:2]
    v = 1 - u
    def equations(m1, m2):
        last = u*m1*m2*(lam*m1 - 1)
        return (m1 - m2)*(v*m1 + u*m2)/psi1 + last, u*m1*m2 + (m2 - m1)/psi1 + eta*last
    b = lam + v + u - u*psi1
    start = 2/(b + sqrt(b**2 + 4*(lam + v)*u*psi1))             # m1 at eta = 0, by the quadratic formula
    return tuple(findroot(equations, (start, start/(1 + u*psi1*start)), maxsteps=50))

def slope(model, i, lam, eta):
    return diff(lambda x: solve(model, x, eta)[i], lam)

def risk(model, lam, eta):
    A, B = model[2:]
    return -(B*slope(model, 0, lam, eta) + A*slope(model, 1, lam, eta))/solve(model, lam, eta)[0]**2

def optimal_ridge(model, eta, bracket):
    return findroot(lambda lam: diff(lambda x: risk(model, x, eta), lam), bracket, solver="anderson")

def compare(what, measured, printed, corrected):
    print(f"{what}: measured {nstr(measured, 8)}, printed {nstr(printed, 8)}, corrected {nstr(corrected, 8)}")
    assert abs(corrected - measured) < mpf(10)**-9 < mpf(10)**-3 < abs(printed - measured)

model = psi1, u, A, B = mpf(4), mpf(9)/10, mpf(3)/4, mpf(5)/16     # u = mu1^2, v = mu2^2
v = 1 - u
"""

AT_A_RIDGE = """
lam = mpf(1)/5
m1, m2 = solve(model, lam, 0)
dm1, dm2 = slope(model, 0, lam, 0), slope(model, 1, lam, 0)      # by lambda
deta_m1, deta_m2 = (diff(lambda eta: solve(model, lam, eta)[i], 0) for i in (0, 1))
t = 1 + u*psi1*m1
S = psi1*t**2 - (t - 1)**2
detJ = u*S/(psi1*t*(t - 1))
"""

MIXED = """
deta_dm{i} = diff(lambda eta: slope(model, {k}, lam, eta), 0)
script_S = u*m2*(2*lam*m1 - 1)*dm1 + u*m1*(lam*m1 - 1)*dm2 + u*m1**2*m2
K, dK = v*m1 + u*m2, v*dm1 + u*dm2
"""

BEFORE: dict[str, str] = {
    "b4-system-1": """
lam, eta = mpf(1)/5, 1                                           # psi2 = psi1
m1, m2 = solve(model, lam, eta)
T2 = lam*m1 + v*m1 + u*m2 - 1
""",
    "eq-13": AT_A_RIDGE,
    "b4-deta-slope-m1": MIXED.format(i=1, k=0),
    "b4-deta-slope-m2": MIXED.format(i=2, k=1),
    "eq-15": """
Q = ((u*B - v*B + 2*v*A*(psi1 - 1))*t**2
     + (-3*u*B + u*A*(psi1 - 1) + v*B + v*A*(psi1 + 3))*t + 2*u*B + A*(2*u*psi1 + 2*u - 1))
deta_R = diff(lambda eta: risk(model, lam, eta), 0)
""",
    "eq-16": """
lam = optimal_ridge(model, 0, (mpf(1)/100, 1))                   # u B/A - v = 11/40, as (11) says
t = 1 + u*psi1*solve(model, lam, 0)[0]
S = psi1*t**2 - (t - 1)**2
deta_R = diff(lambda eta: risk(model, lam, eta), 0)
""",
    "b4-C-lambda": """
C_lam = diff(lambda eta: optimal_ridge(model, eta, (mpf(1)/100, 1)), 0)
""",
}
"""What the comparison of a formula needs beyond what stands above it on the page."""

WHOLE: dict[str, str] = {
    "b4-estimator": """
import numpy as np

rng = np.random.default_rng(0)
d, n, N = 150, 400, 300
W, X = rng.normal(size=(d, n))/np.sqrt(d), rng.normal(size=(N, d))
features = np.sin(X @ W)/np.sqrt((1 - np.exp(-2))/2)             # x @ W: the product W x has no meaning
mean_eigenvalue = np.sum(features**2)/N                          # of Phi Phi^T, as printed

large = mpf(10)**8
by_equations = large*(1 - large*solve(model, large, mpf(1)/2)[0])   # of the matrix whose resolvent m1 is
print(f"(9), (10): {nstr(by_equations, 6)};  Phi Phi^T: {mean_eigenvalue:.1f};  /n: {mean_eigenvalue/n:.3f}")
assert abs(by_equations - 1) < mpf(10)**-6 and abs(mean_eigenvalue/n - 1) < 0.05
""",
    "b4-suboptimality": """
special = mpf(1060)/999, mpf(19)/20, mpf(1), {noise}            # linear teacher: A = 1, B = noise variance
around = mpf(1)/20, mpf(1)/2
limit = optimal_ridge(special, 0, around)
shifts = [optimal_ridge(special, eta, around) - limit for eta in (mpf(10)**-3, mpf(10)**-4)]
exponent = log10(shifts[0]/shifts[1])
print(f"b_n ~ psi2^-{nstr(exponent, 4)}, so that c_n ~ psi2^-{nstr(2*exponent, 4)}")
assert abs(exponent - 2) < mpf(1)/100
""",
    "prop-1-tie": """
from math import sin

n = 10.0**8                                                     # phi_n = x^2/2 + (2 + cos(k x - 1)/2)/n
for kind, k in (("equicontinuous", 1), ("not", n**0.5)):
    descent = lambda x: x - sin(k*x - 1)*k/(2*n)
    b = findroot(descent, 0)
    print(f"{kind}: b_n^2/a_n = {nstr(b**2/(2/n), 3)}", end="; " if kind == "equicontinuous" else "\\n")
    assert (b**2/(2/n) > 10**-3) is (kind == "not")
""",
    "sec3-rates": """
from hptheory.random_features import RandomFeatures

still = RandomFeatures(psi1="1060/999", mu1_sq="19/20", teacher_mu1_sq=1, noise_var="197/999")
gaps = [still.gaps(psi2) for psi2 in (10**4, 10**6)]
rates = [log10(getattr(gaps[0], name)/getattr(gaps[1], name))/2
         for name in ("loss", "hyperparameter", "suboptimality")]
print("exponents of a_n, b_n, c_n in 1/psi2:", *(nstr(rate, 4) for rate in rates))
assert all(abs(rate - known) < 0.01 for rate, known in zip(rates, (1, 2, 4)))
""",
    "thm-3": """
import math
from hptheory.random_features import RandomFeatures

noiseless = RandomFeatures(psi1=4, mu1_sq=0.5, teacher_mu1_sq=1, noise_var=0)
gaps = []                                                        # from R* = 0 at lambda*(inf) = -1/2
for psi2 in (1e6, 1e8):
    ridge = noiseless.optimal_ridge(psi2, negative_ridge=True)
    best = noiseless.optimal_risk(psi2, negative_ridge=True)
    gaps.append((best, ridge + 0.5, noiseless.risk(ridge)))
exponents = [math.log(wide / narrow, 100) for narrow, wide in zip(*gaps)]
print("exponents of a_n, b_n, c_n in psi2:", [round(exponent, 3) for exponent in exponents])
assert all(abs(exponent - known) < 0.01 for exponent, known in zip(exponents, (-1, -0.5, -1)))
""",
    "rule-capped": """
import numpy as np
from hptheory.parameterization import scaling_rule

def moved(factor, n):                                            # by Muon's step on a readout [1, n]
    polar = np.ones((1, n))/np.sqrt(n)                           # of the rank-one gradient x^T
    return float(abs((factor*polar @ np.ones(n))[0]))

rule = [moved(scaling_rule("muon", n, 1, base_d_in=16, base_d_out=1).lr, n) for n in (16, 256)]
capped = [moved(max(1, 1/n)**0.5, n) for n in (16, 256)]
print(f"the output moves, at widths 16 and 256: by the rule {rule}, by the capped factor {capped}")
assert rule == [4, 4] and capped == [4, 16]
""",
    "summary-newton-schulz-norm": """
gradient = np.outer(np.ones(4), np.ones(64))/256                 # delta x^T with d_out = 4, d_in = 64
u, sizes, v = np.linalg.svd(gradient, full_matrices=False)
polar = np.outer(u[:, 0], v[0])
print(f"spectral norm {np.linalg.norm(polar, 2):.6f}, not {np.sqrt(64/4)}")
assert abs(np.linalg.norm(polar, 2) - 1) < 1e-12
""",
    "summary-decay": """
import torch

weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
weight.grad = torch.zeros(1, dtype=torch.float64)
torch.optim.AdamW([weight], lr=1e-3, weight_decay=0.01).step()
print(f"a step of AdamW takes {1 - weight.item():.2g} of the weight")
assert abs(1 - weight.item() - 1e-5) < 1e-12
""",
    "newton-schulz-limit": """
x = mpf(1)
for _ in range(5):
    x = mpf("3.4445")*x - mpf("4.7750")*x**3 + mpf("2.0315")*x**5
print(f"five iterations take a singular value of 1 to {nstr(x, 6)}")
assert abs(x - 1) > mpf(1)/20
""",
}
"""Errata that compare no formula."""
