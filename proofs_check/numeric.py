"""The numerical route's table: every name of a formula as a high-precision number, at a few sample models.

The names are those of `exact`; the values come from `implicit` alone. A sample is exact (fractions).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import NamedTuple

import mpmath as mp

from proofs_check.exact import Setting, Values, add_abbreviations
from proofs_check.implicit import (
    DIGITS,
    STEP_ETA,
    STEP_LAM,
    Parameters,
    difference,
    number,
    optimal_ridge,
    risk,
    transforms,
)


class Sample(NamedTuple):
    """A model, a ridge and, for finite width, eta."""

    model: Parameters
    lam: Fraction
    eta: Fraction


def _sample(psi1: str, mu1_sq: str, A: str, B: str, lam: str, eta: str) -> Sample:
    parts = [Fraction(part) for part in (psi1, mu1_sq, A, B, lam, eta)]
    return Sample(Parameters(*parts[:4]), *parts[4:])


SAMPLES = (
    _sample("4", "9/10", "3/4", "5/16", "1/5", "2/3"),
    _sample("2/5", "1/4", "1/5", "2", "7/3", "5/2"),
    _sample("17/10", "3/5", "9/10", "4/5", "1/30", "1/7"),
)
"""All have lambda*(inf) > 0; both orders of psi1, psi2, and psi1 on both sides of 1, occur."""


@cache
def numeric_values(setting: Setting, sample: Sample) -> Values:
    """Return every name of the setting at a sample, to `TOLERANCE` relative to its own size."""
    with mp.workdps(DIGITS):
        if setting is Setting.WIDTH:
            return _at_width(sample)
        if setting is Setting.LIMIT:
            return _in_the_limit(sample.model, number(sample.lam))
        return _at_the_optimum(sample.model)


def _parameters(model: Parameters) -> Values:
    u = number(model.mu1_sq)
    return {"psi1": number(model.psi1), "u": u, "v": 1 - u, "A": number(model.A), "B": number(model.B)}


def _at_width(sample: Sample) -> Values:
    model, lam, eta = sample.model, number(sample.lam), number(sample.eta)
    values = _parameters(model) | {"lam": lam, "eta": eta, "psi2": number(model.psi1) / eta}
    values |= transforms(model, lam, eta)._asdict() | {"R": risk(model, lam, eta)}
    add_abbreviations(values, Setting.WIDTH)
    return values


def _in_the_limit(model: Parameters, lam: mp.mpf) -> Values:
    values = _parameters(model) | {"lam": lam}
    values |= {name: _quantity(model, name, lam, mp.mpf(0)) for name in ("m1", "m2", "dm1", "dm2", "R")}
    for name in ("m1", "m2", "dm1", "dm2", "R"):
        values["deta_" + name] = _by_eta(model, name, lam)
    values["t"] = 1 + values["u"] * values["psi1"] * values["m1"]
    add_abbreviations(values, Setting.LIMIT)
    values |= {"d" + name: _by_lam_abbreviation(model, name, lam) for name in ("T3", "K")}
    values["ddeta_R"] = difference(lambda x: _by_eta(model, "R", x), lam, STEP_LAM)

    by_t = values["u"] * values["psi1"] * values["dm1"]  # dt/dlambda
    values |= {"dt_m1": values["dm1"] / by_t, "dt_m2": values["dm2"] / by_t, "dt_lam": 1 / by_t}
    values["dt_R"] = difference(lambda x: risk(model, x, mp.mpf(0)), lam, STEP_LAM) / by_t
    for name in ("m1", "m2"):
        values["dt_deta_" + name] = values["deta_d" + name] / by_t  # derivatives commute
    values["dt_deta_R"] = values["ddeta_R"] / by_t
    return values


def _at_the_optimum(model: Parameters) -> Values:
    zero = mp.mpf(0)
    lam = optimal_ridge(model, zero)
    values = _in_the_limit(model, lam)
    values["dR"] = difference(lambda x: risk(model, x, zero), lam, STEP_LAM)
    around = [risk(model, lam + k * STEP_ETA, zero) for k in (-1, 0, 1)]
    values["ddR"] = (around[0] - 2 * around[1] + around[2]) / STEP_ETA**2
    wider, narrower = optimal_ridge(model, -STEP_ETA), optimal_ridge(model, STEP_ETA)
    values["C_lam"] = (narrower - wider) / (2 * STEP_ETA)
    values["dRopt"] = (risk(model, narrower, STEP_ETA) - risk(model, wider, -STEP_ETA)) / (2 * STEP_ETA)
    return values


def _quantity(model: Parameters, name: str, lam: mp.mpf, eta: mp.mpf) -> mp.mpf:
    return risk(model, lam, eta) if name == "R" else getattr(transforms(model, lam, eta), name)


def _by_eta(model: Parameters, name: str, lam: mp.mpf) -> mp.mpf:
    return difference(lambda eta: _quantity(model, name, lam, eta), mp.mpf(0), STEP_ETA)


def _by_lam_abbreviation(model: Parameters, name: str, lam: mp.mpf) -> mp.mpf:
    def value(x: mp.mpf) -> mp.mpf:
        names = _parameters(model) | {"lam": x} | transforms(model, x, mp.mpf(0))._asdict()
        add_abbreviations(names, Setting.WIDTH)
        return names[name]

    return difference(value, lam, STEP_LAM)
