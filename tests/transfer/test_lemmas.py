"""The lemmas on random families that meet their hypotheses, on animals that do not, and broken on purpose."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptheory.transfer import zoo
from hptheory.transfer.families import Family
from hptheory.transfer.lemmas import Bound, curvature_bound, lemma_10, lemma_11, lemma_12, proposition_1
from hptheory.transfer.survey import is_convex, survey

BOX = ((-2.0, 2.0),)


def all_bounds(s):
    return [lemma_10(s), *lemma_11(s), lemma_12(s), *proposition_1(s), curvature_bound(s)]


@st.composite
def random_families(draw):
    """A convex limit and a smooth perturbation: phi_inf + amplitude (1 + tilt x + wave sin(k x)) / n."""
    quartic, amplitude = draw(st.floats(0.0, 1.0)), draw(st.floats(0.01, 1.0))
    tilt, wave, k = draw(st.floats(-1.0, 1.0)), draw(st.floats(-0.5, 0.5)), draw(st.floats(0.5, 4.0))

    def phi(n, x):
        return x**2 / 2 + quartic * x**4 + amplitude / n * (1 + tilt * x + wave * np.sin(k * x))

    return Family(phi, BOX)


@given(random_families(), st.floats(0.0, 5.0).map(math.exp), st.floats(0.1, 1.5), st.floats(0.1, 1.5))
def test_bounds_hold_where_their_hypotheses_do(family, width, radius, delta):
    s = survey(family, width, radius, delta, points=401)
    for bound in all_bounds(s):
        # The suprema and infima are taken on lattices, so a bound may be off by a cell's worth: 1 %.
        slack = 0.01 * bound.upper + 1e-9
        if bound.applies:
            assert bound.lower * 0.99 - 1e-9 <= bound.value <= bound.upper + slack, bound


def test_every_bound_applies_somewhere():
    """Otherwise the test above would be empty: tilt 1/4 at n = 100 meets all the hypotheses."""
    family = Family(lambda n, x: x**2 / 2 + (1 + x / 4) / n, BOX)
    for bound in all_bounds(survey(family, 100.0, radius=1.0)):
        assert bound.applies, bound
        assert bound.satisfied, bound
        assert bound.value > 0


def test_constants_of_an_exact_case():
    """phi_n = x^2/2 + (1 + x/4)/n: b = 1/(4n), c = 1/(32 n^2), a = 1/n - 1/(32 n^2), abar = 1.5/n."""
    n = 100.0
    s = survey(Family(lambda n, x: x**2 / 2 + (1 + x / 4) / n, BOX), n, radius=1.0)
    assert lemma_10(s).upper == pytest.approx(2 * math.sqrt(1.5 / n), rel=1e-6)
    displacement, growth = lemma_11(s)
    assert displacement.upper == pytest.approx(2 * math.sqrt(1.5 / n), rel=1e-6)
    assert (growth.lower, growth.value, growth.upper) == pytest.approx((1 / 32e4,) * 3, rel=1e-6)
    tight = lemma_12(s)
    assert (tight.lower, tight.value, tight.upper) == pytest.approx(
        (0.75e-2, 1e-2 - 1 / 32e4, 1.25e-2), rel=1e-9
    )
    b, c = proposition_1(s)
    assert b.upper == pytest.approx(2 * math.sqrt((1e-2 - 1 / 32e4) / 0.5), rel=1e-6)  # c of tightness: 0.5
    assert c.upper == pytest.approx(b.upper**2 / 2, rel=1e-6)
    # The tilt has no curvature: along reach = 1 the oscillation is 2 x 1/(4n), and the bound 2 b_n.
    assert curvature_bound(s).upper == pytest.approx(2 / (4 * n), rel=1e-4)


def test_ripples_meet_proposition_1_with_a_constant_ratio():
    """Tight and convex, and b_n = Theta(a_n^(1/2)): the rate of Proposition 1 is reached."""
    ratios = []
    for n in (1e2, 1e4):
        b, c = proposition_1(survey(zoo.ripples(), n, radius=1.0, points=20_001))
        assert all(bound.applies and bound.satisfied for bound in (b, c))
        ratios.append(b.value / b.upper)
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-3)
    assert ratios[0] > 0.1


def test_tight_and_equicontinuous_is_fast():
    """curvature_bound / a_n^(1/2) -> 0 where phi_n'' -> phi_inf''; for ripples, where not, it stays."""

    def decay(family, radius):
        bounds = [curvature_bound(survey(family, n, radius, points=20_001)) for n in (1e2, 1e4)]
        assert all(bound.satisfied for bound in bounds)
        return bounds[1].upper / bounds[0].upper / math.sqrt(1e-2)

    smooth = Family(lambda n, x: x**2 / 2 + (1 + np.sin(3 * x) / 2) / n, BOX)
    assert decay(smooth, 0.5) == pytest.approx(
        0.1, rel=0.02
    )  # the bound falls like 1/n, a_n^(1/2) like n^-0.5
    assert decay(zoo.ripples(), 0.5) == pytest.approx(1, rel=0.02)


def test_violated_hypotheses_are_named():
    two_wells = Family(lambda n, x: (x**2 - 1) ** 2 + 0.1 * x * (1 if math.isinf(n) else -1), BOX)
    s = survey(two_wells, 10.0, radius=0.5)
    displacement, growth = lemma_11(s)
    failed = {h.statement for h in (*displacement.hypotheses, *growth.hypotheses) if not h.holds}
    assert {"phi_inf is convex", "b_n <= delta"} <= failed
    assert not displacement.applies
    slow = survey(zoo.slow(), 1e4, radius=0.5)
    assert not lemma_12(slow).applies
    assert any("tight" in h.statement for h in lemma_12(slow).hypotheses if not h.holds)
    assert proposition_1(slow)[0].upper == math.inf


def test_a_wrong_constant_is_caught():
    """Mutation: without the 2 of Lemma 10 the bound fails for a family that reaches the true one."""
    # phi_n = max(phi_inf - e, ...) flattened up to height 2e: its minimiser can lie 2 sqrt(e/tau) away.
    e = 0.01

    def phi(n, x):
        parabola = x**2 / 2
        return parabola if math.isinf(n) else np.where(x > 1.99 * math.sqrt(e), parabola - e, parabola + e)

    # The kink is at 1.99 sqrt(e), where the parabola's 1.98 e - e is just below the minimum e elsewhere.
    bound = lemma_10(survey(Family(phi, BOX), 1.0, radius=1.0, points=200_001))
    assert bound.applies
    assert bound.satisfied
    assert bound.value > 0.99 * bound.upper
    assert not dataclasses.replace(bound, upper=bound.upper / 2).satisfied


def test_several_hyperparameters():
    def phi(n, x):
        return x[..., 0] ** 2 / 2 + x[..., 1] ** 2 + (1 + 0.2 * x[..., 0] - 0.1 * x[..., 1]) / n

    s = survey(Family(phi, BOX * 2), 50.0, radius=1.0)
    for bound in all_bounds(s):
        assert bound.applies, bound
        assert bound.satisfied, bound
    assert is_convex(Family(phi, BOX * 2), 50.0)
    assert not is_convex(Family(lambda n, x: x[..., 0] * x[..., 1], BOX * 2), 1.0)


def test_a_bound_reads_its_hypotheses():
    claim = Bound("b_n", 0.0, 1.0, 2.0, ())
    assert claim.applies
    assert claim.satisfied
    assert not dataclasses.replace(claim, value=3.0).satisfied
