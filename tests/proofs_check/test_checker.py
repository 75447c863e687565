"""The independent checker: right items pass, damaged ones are rejected; it imports nothing of the project."""

from __future__ import annotations

import ast
import copy
import json
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check import checker, files, pointwise, sampling, variants
from proofs_check.checker import FORMAT, CertificateError, check, check_item, digest
from proofs_check.checker.__main__ import main
from proofs_check.checker.algebra import Field
from proofs_check.checker.kinds import COMMENT
from proofs_check.checker.univariate import bernstein_minimum, roots_between
from proofs_check.sampling import IDENTITIES, Contradicted, sampled

ZERO = {
    "kind": "zero",
    "what": "a quotient",
    "variables": ["x", "y"],
    "steps": [["f", "(x**2 - y**2)/(x - y)", "x + y", "1"], ["g", "D(f**2, x)"]],
    "zero": ["g - 2*f", "At(f, y, 1/x) - (x**2 + 1)/x"],
}
POSITIVE = {
    "kind": "positive",
    "what": "a sign",
    "variables": ["x", "y"],
    "steps": [["f", "(x**3 + y**3)/(x + y) + x*y", "x**2 + y**2", "1"]],
    "positive": ["f", "1/(1 + x)"],
}
COUNTEREXAMPLE = {
    "kind": "counterexample",
    "what": "freshman's dream",
    "variables": ["x", "y"],
    "point": {"x": "1/2", "y": "3"},
    "conditions": ["x > 0", "y >= x"],
    "fails": "(x + y)**2 == x**2 + y**2",
}
COMBINATION = {
    "kind": "combination",
    "what": "the means",
    "variables": ["a", "b", "c"],
    "positive": ["a"],
    "hypotheses": {"far": "c - 1"},
    "strict": ["far"],
    "relation": ">",
    "conclusion": "a*(b**2 + 1 - 2*b) + c - 1",
    "terms": [{"coefficient": "a", "square": "b - 1", "of": []}, {"coefficient": "1", "of": ["far"]}],
}
ROOTS = {
    "kind": "roots",
    "what": "the root of two",
    "variables": ["x"],
    "polynomial": "x**2 - 2",
    "interval": ["0", None],
    "count": 1,
    "chain": [["-2", "0", "1"], ["0", "2"], ["1"]],
}
BOXES = {
    "kind": "boxes",
    "what": "away from the diagonal",
    "variables": ["x", "y"],
    "polynomial": "(x - y)**2 + 1/10",
    "region": {"x": ["0", "1"], "y": ["0", "1"]},
    "tree": "1/20",
}
AVERAGE = {
    "kind": "average",
    "what": "the mean square",
    "variables": ["x", "y"],
    "polynomial": "x**2 + y",
    "region": {"x": ["-1", "1"], "y": ["0", "1"]},
    "mean": "5/6",
}
POINT = {
    "kind": "point",
    "what": "a size",
    "variables": ["x", "size"],
    "steps": [["square", "x**2"]],
    "point": {"x": "-3/2", "size": "3/2"},
    "conditions": ["size >= 0", "size**2 == square"],
}
RESULTANT = {
    "kind": "resultant",
    "what": "a circle meets a line",
    "variables": ["s", "v"],
    "eliminated": "v",
    "pair": ["s**2 + v**2 - 5", "s - 2*v"],
    "cofactors": ["4", "s + 2*v"],
    "resultant": "5*(s**2 - 4)",
}
MAJORANT = {
    "kind": "majorant",
    "what": "a polynomial in a disc",
    "variables": ["x", "y", "a"],
    "steps": [["f", "x + (a - 1/2)*y - a*x*y**2"]],
    "small": ["x", "y"],
    "polynomial": "f",
    "size": ["a/2", "1"],
    "bound": "2",
    "without": [],
    "region": {"a": ["0", "1"]},
    "tree": "1/4",
}
LOOKALIKE = {"coefficient": "\N{MATHEMATICAL ITALIC SMALL B}", "of": []}
"""Python takes the letter for b, which may be negative."""
DOUBLE = {"count": 2, "chain": [["-2", "5", "-4", "1"], ["5", "-8", "3"], ["-1", "1"]]}
"""A root of (1, 2] would be counted, too, where all of the Sturm chain vanishes at 1."""
RIGHT = [ZERO, POSITIVE, COUNTEREXAMPLE, COMBINATION, ROOTS, AVERAGE, POINT, RESULTANT, MAJORANT]


@pytest.mark.parametrize("item", RIGHT, ids=lambda item: item["kind"])
def test_what_is_right_passes(item):
    check_item(item)


@pytest.mark.parametrize(
    ("item", "change", "complaint"),
    [
        (ZERO, {"zero": ["g - 3*f"]}, "is not 0"),
        (ZERO, {"zero": []}, "nothing to check"),
        (ZERO, {"steps": [["f", "(x**2 - y**2)/(x - y)", "x - y", "1"]]}, "not equal to its reduced form"),
        (ZERO, {"steps": [["x", "y"]]}, "introduced twice"),
        (ZERO, {"zero": ["h"]}, "has no meaning"),
        (ZERO, {"zero": ["f/(x - x)"]}, "divides by zero"),
        (ZERO, {"zero": ["exp(x)"]}, "is not a formula"),
        (ZERO, {"zero": ["x +"]}, "is not a formula"),
        (ZERO, {"zero": ["x**y"]}, "is not an integer"),
        (ZERO, {"kind": "one"}, "unknown kind"),
        (ZERO, {"variables": None}, "malformed"),
        (POSITIVE, {"positive": ["f - x*y"]}, "both signs"),
        (POSITIVE, {"positive": ["f - f"]}, "or none"),
        (POSITIVE, {"positive": ["-f"]}, "both signs"),
        (COUNTEREXAMPLE, {"point": {"x": "-1", "y": "3"}}, "does not hold"),
        (COUNTEREXAMPLE, {"fails": "(x + y)**2 == x**2 + y**2 + 2*x*y"}, "holds at the point"),
        (COUNTEREXAMPLE, {"fails": "(x + y)**2 > x**2 + y**2"}, "holds at the point"),
        (COUNTEREXAMPLE, {"point": {"x": "1"}}, "a value to each"),
        (COUNTEREXAMPLE, {"fails": "1/(x - 1/2) == 0"}, "vanishes"),
        (COMBINATION, {"positive": []}, "may be negative"),
        (COMBINATION, {"conclusion": "a*(b**2 + 1 - b) + c - 1"}, "do not add up"),
        (COMBINATION, {"strict": []}, "strictly"),
        (COMBINATION, {"conclusion": "b", "terms": [LOOKALIKE]}, "is not in ASCII"),
        (COMBINATION, {"conclusion": "b", "terms": [LOOKALIKE | {"coefficient": "b"}]}, "may be negative"),
        (COUNTEREXAMPLE, {"fails": "\N{MATHEMATICAL ITALIC SMALL X} == y"}, "is not in ASCII"),
        (ZERO, {"zero": ["-" * 5000 + "x"]}, "is not a formula"),
        (ZERO, {"zero": ["x" + " + x" * 1500]}, "malformed"),
        (ZERO, {"steps": [["y", 3]], "variables": ["x"]}, "malformed"),
        (ZERO, {"kind": ["zero"]}, "unknown kind"),
        (POINT, {"point": ["-3/2", "3/2"]}, "malformed"),
        (BOXES, {"region": [["0", "1"]]}, "malformed"),
        (MAJORANT, {"size": ["0", "1"]}, "or is 0"),
        (COMBINATION, {"hypotheses": {}}, "malformed"),
        (ROOTS, {"count": 2}, "1 roots"),
        (ROOTS, {"chain": [["-2", "0", "1"], ["0", "2"], ["-1"]]}, "Sturm chain"),
        (ROOTS, {"polynomial": "x**2 - 3"}, "Sturm chain"),
        (ROOTS, {"polynomial": "1/x"}, "not a polynomial"),
        (AVERAGE, {"mean": "1/2"}, "5/6"),
        (POINT, {"point": {"x": "-3/2", "size": "-3/2"}}, "does not hold"),
        (POINT, {"point": {"x": "1", "size": "3/2"}}, "does not hold"),
        (POINT, {"conditions": []}, "nothing to check"),
        (RESULTANT, {"resultant": "5*(s**2 - 3)"}, "do not add up"),
        (RESULTANT, {"cofactors": ["4", "s - 2*v"]}, "do not add up"),
        (RESULTANT, {"cofactors": ["4", "(s + 2*v)/s"]}, "not all are polynomials"),
        (RESULTANT, {"cofactors": ["0", "0"], "resultant": "0"}, "is 0, or depends"),
        (RESULTANT, {"eliminated": "s"}, "is 0, or depends"),
        (RESULTANT, {"cofactors": ["4"]}, "malformed"),
        (MAJORANT, {"bound": "1"}, "is not shown"),
        (MAJORANT, {"size": ["a/2", "2"]}, "is not shown"),
        (MAJORANT, {"size": ["-a/2", "1"]}, "a size may be negative"),
        (MAJORANT, {"tree": "0"}, "not positive"),
        (MAJORANT, {"tree": "1"}, "is not shown"),
        (MAJORANT, {"small": ["x", "z"], "variables": ["x", "y", "z", "a"]}, "more than the region"),
        (MAJORANT, {"small": ["x", "a"]}, "not two others"),
        (MAJORANT, {"small": ["x", "x"], "polynomial": "x", "bound": "1/3"}, "not two others"),
        (COMBINATION, {"relation": "=="}, "neither > nor >="),
        (COMBINATION, {"relatoin": ">"}, "unknown fields relatoin"),
        (COMBINATION, {"terms": [*COMBINATION["terms"][:1], {"coefficient": "1", "off": []}]}, "fields"),
        (ROOTS, {"interval": ["3", "0"], "count": -1}, "is empty"),
        (ROOTS, {"polynomial": "(x - 1)**2*(x - 2)", "interval": ["0", "1"], **DOUBLE}, "a multiple root"),
        (ZERO, {"steps": [["a", "x**1024"], ["b", "a**1024"]], "zero": ["b - y"]}, "too large"),
        (ZERO, {"steps": [["a", "y", "x**1048576", "1"]]}, "too large"),
        (ZERO, {"steps": [["a", "y + 2**1000000000000"]], "zero": ["a - y"]}, "too large"),
        (ZERO, {"steps": [["a", "y", "2**3*y", "2"]], "zero": ["a - y"]}, "a power of a number"),
        (ZERO, {"variables": ["x", "x"]}, "one of them twice"),
        (POSITIVE, {"zero": ["x"]}, "unknown fields zero"),
        (MAJORANT, {"polynomial": "f/(1 + a)"}, "not a polynomial"),
        (MAJORANT, {"region": {"b": ["0", "1"]}}, "not a box of the variables"),
        (MAJORANT, {"region": {"a": ["1", "0"]}}, "is empty"),
    ],
)
def test_what_is_wrong_is_rejected(item, change, complaint):
    with pytest.raises(CertificateError, match=complaint):
        check_item(item | change)


def test_boxes_must_cover_the_region_with_bounds_that_hold():
    def tree(*leaves):
        return {"tree": ["x", "1/2", ["y", "1/2", leaves[0], leaves[1]], ["y", "1/2", leaves[2], leaves[3]]]}

    item = BOXES | {"polynomial": "x**2 + y**2 - x*y + 1/10"}
    check_item(item | tree("1/40", "1/40", "1/40", "1/40"))
    with pytest.raises(CertificateError, match="is not shown"):
        check_item(item | tree("1/40", "1/40", "1/40", "1"))
    with pytest.raises(CertificateError, match="is not shown"):  # a bound must be positive
        check_item(item | tree("0", "1/40", "1/40", "1/40"))
    with pytest.raises(CertificateError, match="outside"):
        check_item(item | {"tree": ["x", "3/2", "1/10", "1/10"]})
    with pytest.raises(CertificateError, match="is not shown"):  # true, but one box is too coarse
        check_item(BOXES)


def certificate(*items):
    body = {"format": FORMAT, "claim": "test", "items": list(items)}
    return body | {"digest": digest(body)}


def test_a_certificate_is_bound_to_its_digest_and_format():
    good = certificate(ZERO, POSITIVE, POSITIVE)
    assert check(good) == "1 identity, 2 signs by coefficients"
    with pytest.raises(CertificateError, match="damaged"):
        check(good | {"claim": "other"})
    with pytest.raises(CertificateError, match="has format 2"):
        check(good | {"format": 2})
    with pytest.raises(CertificateError, match="has format none"):
        check({})
    with pytest.raises(CertificateError, match="empty"):
        check(certificate())
    with pytest.raises(CertificateError, match="unknown kind"):
        check(certificate("zero"))
    nothing = {"format": FORMAT, "claim": "test"}
    with pytest.raises(CertificateError, match="empty"):
        check(nothing | {"digest": digest(nothing)})


def test_the_command_rejects_what_is_damaged(tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(certificate(ZERO)))
    bad.write_text(json.dumps(certificate(ZERO)).replace("2*f", "2*g"))
    assert main([str(good)]) == 0
    assert main([str(good), str(bad), str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().out.count("REJECTED") == 2
    assert main([]) == 2


@pytest.mark.parametrize(
    "content", [b"[]", b"\xff\xfe", b"{", b"[" * 100_000, b'{"format": 1, "digest": "\\ud800"}', b"null"]
)
def test_a_file_that_is_no_certificate_does_not_keep_the_next_from_being_checked(tmp_path, capsys, content):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(certificate(ZERO)))
    bad.write_bytes(content)
    assert main([str(bad), str(good)]) == 1
    rejected, accepted = capsys.readouterr().out.splitlines()
    assert "REJECTED" in rejected
    assert accepted.endswith("1 identity")


def test_what_a_certificate_says_can_be_printed(tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(certificate(ZERO | {"kind": "\ud800"})))
    assert main([str(bad)]) == 1
    assert r"unknown kind \ud800" in capsys.readouterr().out


COMMITTED = sorted(files.FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_damaged_committed_certificate_is_rejected_or_still_true(path):
    """One text of an item is changed, and the digest made to fit: the mathematics must object.

    In a reduced form, a formula, a point, a bound: whatever forty draws hit. What the checker accepts all the
    same (another counterexample, a factor of what is 0) has to hold at random points, evaluated in fractions
    without the checker; `Contradicted` is a checker that accepts too much.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    light = [item for item in stored["items"] if len(json.dumps(item)) < 20_000]
    if not light:
        pytest.skip("all items are large")
    generator, rejected = random.Random(path.stem), 0
    for _ in range(40):
        item = copy.deepcopy(generator.choice(light))
        holder, key, other = generator.choice(list(damages(item)))
        where = f"{item['what']}: {key}: {holder[key]} -> {other}"
        if other is None:
            del holder[key]
        else:
            holder[key] = other
        try:
            check_item(item)
        except CertificateError:
            rejected += 1
            continue
        try:
            assert sampled(item) or by_flint(item), f"accepted, and nothing else bears it out: {where}"
        except Contradicted as contradiction:
            pytest.fail(f"accepted, and false: {where}: {contradiction}")
    assert rejected > 0


def by_flint(item):
    """Formulas without a value at any point (0 for x in 1/(1/x)) are computed as functions, by flint."""
    return item["kind"] in ("zero", "positive") and variants.holds(item)


def damages(item):
    """Where a text of an item can be changed, and to what; None is left out.

    One number or sign, a relation, or the last entry of a list. Words for a reader are no part of it.
    """
    stack = [(None, item)]
    while stack:
        place, node = stack.pop()
        if place in LISTS and node:
            yield node, len(node) - 1, None
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key in (*COMMENT, "kind", "variables", "chain"):  # a chain is compared as a whole
                continue
            if isinstance(value, (dict, list)):
                stack.append((key, value))
            elif isinstance(value, str) and not (key == 0 and len(node) > 1 and value.isidentifier()):
                for match in re.finditer(r"(?<![A-Za-z_\d])\d+| - |[<>]=?|[!=]=", value):
                    for other in others(match.group()):
                        yield node, key, value[: match.start()] + other + value[match.end() :]


LISTS = ("zero", "positive", "conditions", "terms", "strict", "of", "without")


def others(found):
    if found == " - ":
        return [" + "]
    if found.isdigit():
        return [str(int(found) + 1), *(["0"] if int(found) else [])]
    return [{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "=="}[found]]


@pytest.mark.parametrize("item", RIGHT, ids=lambda item: item["kind"])
def test_what_is_right_holds_at_sampled_points(item):
    assert sampled(item) == IDENTITIES


@pytest.mark.parametrize(
    ("item", "change"),
    [
        (ZERO, {"zero": ["g - 3*f"]}),
        (ZERO, {"steps": [["f", "(x**2 - y**2)/(x - y)", "x - y", "1"]], "zero": ["f - x + y"]}),
        (POSITIVE, {"positive": ["f - 1"]}),
        (POSITIVE, {"positive": ["f - f"]}),
        (COUNTEREXAMPLE, {"fails": "(x + y)**2 > x**2 + y**2"}),
        (COUNTEREXAMPLE, {"point": {"x": "-1", "y": "3"}}),
        (POINT, {"point": {"x": "1", "size": "3/2"}}),
        (COMBINATION, {"conclusion": "a*(b**2 + 1 - b) + c - 1"}),
        (COMBINATION, {"strict": []}),
        (COMBINATION, {"terms": [{"coefficient": "-a", "square": "b - 1", "of": []}]}),
        (ROOTS, {"count": 2}),
        (ROOTS, {"polynomial": "x**2 + 2"}),
        (ROOTS, {"polynomial": "x**3 - 2"}),
        (BOXES, {"tree": "1/2"}),
        (BOXES, {"tree": "0"}),
        (AVERAGE, {"mean": "1/2"}),
        (RESULTANT, {"resultant": "5*(s**2 - 3)"}),
        (RESULTANT, {"cofactors": ["4 + (s - 2*v)/s", "s + 2*v - (s**2 + v**2 - 5)/s"]}),
        (RESULTANT, {"eliminated": "s"}),
        (RESULTANT, {"cofactors": ["0", "0"], "resultant": "0"}),
        (MAJORANT, {"bound": "1"}),
        (MAJORANT, {"size": ["-a/2", "1"]}),
        (MAJORANT, {"tree": "1"}),
    ],
)
def test_what_is_false_is_contradicted_at_sampled_points(item, change):
    with pytest.raises(Contradicted):
        sampled(item | change)


def test_sampling_shares_no_code_with_the_checker():
    for module in (pointwise, sampling):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert "checker" not in node.module


def test_the_checker_imports_nothing_of_the_project_nor_any_package():
    allowed = {"__future__", "ast", "collections", "fractions", "functools", "hashlib", "itertools", "json"}
    allowed |= {"math", "pathlib", "re", "sys", "typing"}
    for source in Path(checker.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                assert name.partition(".")[0] in allowed or name.startswith("proofs_check.checker"), source


integers = st.integers(-5, 5)


@given(*[integers] * 6)
def test_the_field_agrees_with_fractions(a, b, c, d, x, y):
    field, point = Field(["x", "y"]), {"x": Fraction(x), "y": Fraction(y)}
    text = f"({a}*x**2 + {b}*y + 1)/(x**2 + y**2 + 1) - ({c}*x*y - {d})**2/3"
    expected = Fraction(a * x**2 + b * y + 1, x**2 + y**2 + 1) - Fraction((c * x * y - d) ** 2, 3)
    assert field.at_point(field.value(text.replace("*-", "*(0-1)*"), {}), point) == expected


@given(st.lists(integers, min_size=1, max_size=5, unique=True), integers, integers)
def test_sturm_counts_the_roots_of_a_product(zeros, low, high):
    p = [Fraction(1)]
    for zero in zeros:
        p = [a - zero * b for a, b in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)]
    low, high = Fraction(2 * min(low, high) - 1, 2), Fraction(2 * max(low, high) + 1, 2)
    assert roots_between(p, low, high) == sum(low < zero < high for zero in zeros)
    assert roots_between(p, None, None) == len(zeros)


@given(*[integers] * 4, st.fractions(0, 1), st.fractions(0, 1))
def test_bernstein_bounds_from_below_and_is_exact_at_a_corner(a, b, c, d, x, y):
    terms = {(2, 0): Fraction(a), (1, 1): Fraction(b), (0, 1): Fraction(c), (0, 0): Fraction(d)}
    least = bernstein_minimum(terms, [(Fraction(0), Fraction(1))] * 2)
    assert least <= a * x**2 + b * x * y + c * y + d
    assert bernstein_minimum({(1, 1): Fraction(1)}, [(Fraction(2), Fraction(3))] * 2) == 4
