"""Each animal's closed forms against its own losses, minimised numerically."""

import dataclasses
import math

import numpy as np
import pytest
import sympy

from hptheory.errors import DomainError
from hptheory.random_features import RandomFeatures
from hptheory.transfer import zoo
from hptheory.transfer.definitions import is_fast
from hptheory.transfer.families import minimise
from hptheory.transfer.measured_gaps import gaps_of_functions

LIMITED = {name: make for name, make in zoo.ZOO.items() if name != "wrong scaling"}


@pytest.mark.parametrize("name", LIMITED)
@pytest.mark.parametrize("width", [3.0, 64.0, 9000.0, 1e5])
def test_closed_forms_are_those_of_the_losses(name, width):
    family = zoo.ZOO[name]()
    # The funnel is n^-1 wide: the lattice must be finer than that to see it.
    box, points = family.box, 4001
    if name == "moving funnel":
        box = ((family.optimum(width) - 20 / width, family.optimum(width) + 20 / width),)
    found = minimise(dataclasses.replace(family, box=box), width, points)
    assert family.name == name
    assert found.x == pytest.approx(float(family.optimum(width)), abs=2 * found.x_error)
    assert found.value == pytest.approx(float(family.best(width)), abs=2 * found.value_error)
    limit = minimise(family, math.inf, points)
    exact = family.gaps(width)
    assert exact.loss == pytest.approx(abs(family.best(width) - limit.value), rel=1e-12)
    assert exact.hyperparameter == pytest.approx(abs(family.optimum(width) - limit.x), abs=2 * limit.x_error)
    rise = float(family(math.inf, family.optimum(width))) - limit.value
    assert exact.suboptimality == pytest.approx(rise, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("name", sorted(set(LIMITED) - {"jump", "cancelling drift"}))
def test_exponents_are_the_slopes_of_the_gaps(name):
    family = zoo.ZOO[name]()
    one, other = family.gaps(1e6), family.gaps(1e8)

    def slope(gap):
        return -math.log10(getattr(other, gap) / getattr(one, gap)) / 2

    assert slope("loss") == pytest.approx(family.alpha, abs=1e-12)
    assert slope("hyperparameter") == pytest.approx(family.beta, abs=1e-12)
    assert slope("suboptimality") == pytest.approx(2 * family.beta, abs=1e-12)  # c_n = Theta(b_n^2)


def test_speeds():
    speeds = {name: is_fast(make().alpha, make().beta) for name, make in zoo.ZOO.items()}
    assert speeds == {
        "fast": True,
        "slow": False,
        "tied": False,
        "cancelling drift": False,
        "ripples": False,
        "moving funnel": True,
        "jump": True,
        "wrong scaling": False,
    }
    for name in ("tied", "ripples"):
        gaps = zoo.ZOO[name]().gaps(np.geomspace(1.0, 1e9, 5))
        assert np.ptp(gaps.suboptimality / gaps.loss) < 1e-12


def test_gaps_take_symbols():
    n, alpha, beta = sympy.symbols("n alpha beta", positive=True)
    gaps = zoo.quadratic(alpha, beta, curvature=sympy.Integer(1)).gaps(n)
    assert sympy.simplify(gaps.suboptimality / gaps.hyperparameter**2) == sympy.Rational(1, 2)
    assert sympy.limit(gaps.suboptimality.subs({alpha: 1, beta: 1}) / (1 / n), n, sympy.oo) == 0


def test_ripples_closed_form_symbolically():
    """The minimum of u^2/2 + 2 - k sin u at u = pi/6, with k = pi/(3 sqrt 3)."""
    u = sympy.symbols("u")
    k = sympy.pi / (3 * sympy.sqrt(3))
    psi = u**2 / 2 + 2 - k * sympy.sin(u)
    assert sympy.simplify(sympy.diff(psi, u).subs(u, sympy.pi / 6)) == 0
    value = float(psi.subs(u, sympy.pi / 6))
    assert zoo.ripples().gaps(1.0).loss == pytest.approx(value, rel=1e-15)


def test_cancelling_drift_changes_sign_where_it_says():
    family = zoo.cancelling_drift(cancels_at=50.0)
    signs = np.sign(family.optimum(np.array([10.0, 49.0, 50.0, 51.0, 1e4])))
    assert signs.tolist() == [-1, -1, 0, 1, 1]
    far = family.gaps(1e12).hyperparameter / 1e12**-0.5
    assert far == pytest.approx(1, abs=1e-5)


def test_the_jump_jumps():
    family = zoo.jump(jumps_at=100.0)
    assert family.optimum(99.0) == -1
    assert family.optimum(100.0) == 1
    left, right = family(99.0, -1.0), family(99.0, 1.0)
    assert left < right < left + 1e-3
    assert family.gaps(np.array([50.0, 200.0])).hyperparameter.tolist() == [2, 0]


def test_wrong_scaling_drifts_by_the_missing_exponent():
    family = zoo.wrong_scaling(exponent=0.5)
    found = [minimise(family, n).x for n in (16.0, 256.0)]
    assert (found[1] - found[0]) / math.log(16) == pytest.approx(-0.5, abs=1e-9)
    with pytest.raises(DomainError, match="limit"):
        family.gaps(16.0)


def test_random_features_animal():
    model = RandomFeatures(psi1=4.0, mu1_sq=0.93, teacher_mu1_sq=0.73, noise_var=0.0625)
    family = zoo.random_features(model)
    for psi2 in (8.0, 64.0):
        exact, measured = family.gaps(psi2), gaps_of_functions(family, psi2, points=401)
        for name in ("loss", "hyperparameter", "suboptimality"):
            error = getattr(measured.error, name)
            assert getattr(measured, name) == pytest.approx(getattr(exact, name), abs=2 * error + 1e-15), name
    far, farther = family.gaps(1e4), family.gaps(1e6)
    # Next order in eta = psi1/psi2 = 4e-4, over two decades.
    assert math.log10(far.loss / farther.loss) / 2 == pytest.approx(family.alpha, abs=1e-3)
    assert math.log10(far.hyperparameter / farther.hyperparameter) / 2 == pytest.approx(family.beta, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zoo.quadratic(0, 1), "alpha = 0"),
        (lambda: zoo.quadratic(1, -1), "beta = -1"),
        (lambda: zoo.moving_funnel(gamma=1.0), "gamma = 1.0"),
        (lambda: zoo.moving_funnel(beta=1.5), "beta = 1.5"),
        (lambda: zoo.jump(distance=0.01), "distance = 0.01"),
    ],
)
def test_domain(call, message):
    with pytest.raises(DomainError, match=message):
        call()
