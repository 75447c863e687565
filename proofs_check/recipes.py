"""The names of a setting, each defined from the ones before: what the certificates of formulas start from.

The curve of `hptheory.random_features.curve`, written out. A definition here is never trusted: whenever a
formula is checked, the value of every name it needs is compared with what the library's functions give.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache

from proofs_check.exact import ABBREVIATIONS, JACOBIAN, LIMIT_ABBREVIATIONS, Setting, exact_values
from proofs_check.rational import OPERATORS, RationalFunction, from_field, generators
from proofs_check.recording import Item, reduced_form

_NAME = re.compile(r"[A-Za-z_]\w*")

VARIABLES = {
    Setting.WIDTH: ("s", "psi1", "u", "q", "A", "B"),
    Setting.LIMIT: ("s", "psi1", "u", "q", "A", "B"),
    Setting.OPTIMUM: ("s", "psi1", "u", "q", "A", "free_B"),
}
"""The coordinates: s = m1/m2 - 1 along the curve, q = 1/(psi2 u), and the parameters of the model."""

_CURVE = {
    "v": "1 - u",
    "curve_t": "1 + s",
    "g": "s*(v + u/curve_t)",
    "e": "s*(v + u/curve_t**2)",
    "delta": "psi1*u - g",
    "epsilon": "1 - q*g",
    "branch": "delta*epsilon + e*(epsilon + q*delta)",
    "curve_lam": "delta*epsilon/s",
    "curve_m1": "s/(psi1*u*epsilon)",
    "curve_m2": "curve_m1/curve_t",
    "curve_R": "psi1*u*(B*(epsilon + q*e) + A*(1 + q*v*s**2)/curve_t**2)/branch",
    "curve_dm1": "D(curve_m1, s)/D(curve_lam, s)",
    "curve_dm2": "D(curve_m2, s)/D(curve_lam, s)",
}
_JACOBIAN = {name: f"{row}_by_{column}" for name, (row, column) in JACOBIAN.items()}
_SLOPES = {
    "T2_by_m1": "lam + v",
    "T2_by_m2": "u",
    "T1_by_m1": "u*m2 - 1/psi1",
    "T1_by_m2": "u*m1 + 1/psi1",
}


def _at_any_width() -> dict[str, str]:
    names = {"psi2": "1/(q*u)", "eta": "q*psi1*u"}
    names |= {name: f"curve_{name}" for name in ("lam", "m1", "m2", "R", "dm1", "dm2")}
    return _CURVE | names | ABBREVIATIONS


def _in_the_limit() -> dict[str, str]:
    names = {name: f"At(curve_{name}, q, 0)" for name in ("lam", "m1", "m2", "R", "dm1", "dm2")}
    names["t"] = "1 + u*psi1*m1"
    names["drift"] = "At(D(curve_lam, q), q, 0)/D(lam, s)"
    for name in ("m1", "m2", "R", "dm1", "dm2"):
        names[f"deta_{name}"] = f"(At(D(curve_{name}, q), q, 0) - D({name}, s)*drift)/(psi1*u)"
    names |= ABBREVIATIONS | _SLOPES | _JACOBIAN | {"detJ": "J11*J22 - J12*J21"} | LIMIT_ABBREVIATIONS
    names |= {f"d{name}": f"D({name}, s)/D(lam, s)" for name in ("T3", "K", "deta_R")}
    names |= {
        f"dt_{name}": f"D({name}, s)/D(t, s)"
        for name in ("m1", "m2", "lam", "R", "deta_m1", "deta_m2", "deta_R")
    }
    return _CURVE | names


def _at_the_optimum() -> dict[str, str]:
    limit = _in_the_limit()
    limit |= {"dR": "D(R, s)/D(lam, s)", "ddR": "D(dR, s)/D(lam, s)"}
    limit |= {"C_lam": "-ddeta_R/ddR", "dRopt": "deta_R + dR*C_lam"}
    renamed = re.compile(r"\b(B|" + "|".join(limit) + r")\b")
    free = {f"free_{name}": renamed.sub(r"free_\1", text) for name, text in limit.items()}
    stationary = {"B": "A*(psi1*free_t - s)/(free_t*s)"}
    return free | stationary | {name: f"At(free_{name}, free_B, B)" for name in limit}


RECIPES: dict[Setting, Callable[[], dict[str, str]]] = {
    Setting.WIDTH: _at_any_width,
    Setting.LIMIT: _in_the_limit,
    Setting.OPTIMUM: _at_the_optimum,
}


@cache
def recipe(setting: Setting) -> dict[str, str]:
    """Return the definitions of a setting, in an order in which each uses only those before."""
    return RECIPES[setting]()


@cache
def value(setting: Setting, name: str) -> RationalFunction:
    """Return the value of a name of a recipe; where the library has one, it must be the same.

    >>> value(Setting.LIMIT, "t")
    (s + 1)/(1)
    """
    variables = dict(zip(VARIABLES[setting], generators(*VARIABLES[setting]), strict=True))
    if name in variables:
        return variables[name]
    found = _function(evaluate(recipe(setting)[name], lambda other: value(setting, other)))
    known = exact_values(setting).get(name)
    if known is not None and from_field(known, found) != found:
        raise ValueError(f"{name} is {known} by the library, but {found} by its recipe")
    return found


def steps(setting: Setting, formulas: tuple[str, ...]) -> list[list[str]]:
    """Return the definitions that formulas need, each with its reduced form."""
    needed: dict[str, None] = {}

    def visit(text: str) -> None:
        for name in _NAME.findall(text):
            if name in recipe(setting) and name not in needed:
                visit(recipe(setting)[name])
                needed[name] = None

    for text in formulas:
        visit(text)
    return [[name, recipe(setting)[name], *reduced_form(value(setting, name))] for name in needed]


def item(setting: Setting, kind: str, what: str, formulas: tuple[str, ...]) -> Item:
    """Return the beginning of an item about formulas in the names of a setting."""
    return {
        "kind": kind,
        "what": what,
        "variables": list(VARIABLES[setting]),
        "steps": steps(setting, formulas),
    }


def evaluate(text: str, value_of: Callable[[str], RationalFunction]) -> RationalFunction | Fraction:
    """Return the value of a formula with D and At."""

    def visit(node: ast.expr) -> RationalFunction | Fraction:
        match node:
            case ast.Constant(value=int(number)):
                return Fraction(number)
            case ast.Name(id=name):
                return value_of(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -visit(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                return visit(left) ** exponent
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.UnaryOp(operand=ast.Constant(value=int(k)))):
                return 1 / visit(left) ** k
            case ast.BinOp(left=left, op=sign, right=right):
                return OPERATORS[_SIGNS[type(sign)]](visit(left), visit(right))
            case ast.Call(func=ast.Name(id="D"), args=[of, ast.Name(id=by)]):
                return _function(visit(of)).diff(by)
            case ast.Call(func=ast.Name(id="At"), args=[of, ast.Name(id=by), at]):
                function = _function(visit(of))
                return function.substitute(by, function.lifted(visit(at)))
        raise ValueError(f"{ast.unparse(node)} is not a formula")

    return visit(ast.parse(text, mode="eval").body)


def split_relation(text: str) -> tuple[str, str, str]:
    """Return left side, sign and right side of a relation.

    >>> split_relation("u + v == 1")
    ('u + v', '==', '1')
    """
    left, sign, right = re.split(r"\s*(==|!=|>=|<=|>|<)\s*", text)
    return left, sign, right


_SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def _function(value: RationalFunction | Fraction) -> RationalFunction:
    if isinstance(value, Fraction):
        raise ValueError(f"{value} is a number, not a function")
    return value
