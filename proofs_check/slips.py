"""A formula with one slip of the pen: a sign, a factor 2, an exponent, an index."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any

from proofs_check.formulas import INDEX_PARTNERS


def slips(text: str, known: Collection[str]) -> Iterator[str]:
    """Yield a formula with one slip of the pen: a sign, a factor 2, an exponent, an index that has a meaning.

    >>> list(slips("u - s**2", {"u", "v", "s"}))
    ['u + s ** 2', '2 * u - s ** 2', 'v - s ** 2', 'u - s ** 3', 'u - s', 'u - (2 * s) ** 2']
    """
    tree = ast.parse(text, mode="eval")
    original = ast.unparse(tree)
    by = [id(node.args[1]) for node in ast.walk(tree) if isinstance(node, ast.Call)]  # D(f, x): x stays
    for node in (node for node in ast.walk(tree) if id(node) not in by):
        for broken in _broken(node, known):
            result = ast.unparse(_Replace(node, broken).visit(ast.parse(text, mode="eval"), tree))
            if result != original:
                yield result


class _Replace:
    """Put another node in place of one node of a tree; the copy is walked beside the original."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, copy: Any, original: Any) -> Any:
        if original is self.old:
            return self.new
        for name, value in ast.iter_fields(original):
            if isinstance(value, ast.AST):
                setattr(copy, name, self.visit(getattr(copy, name), value))
            elif isinstance(value, list):
                parts = zip(getattr(copy, name), value, strict=True)
                setattr(
                    copy,
                    name,
                    [self.visit(*pair) if isinstance(pair[1], ast.AST) else pair[0] for pair in parts],
                )
        return copy


def _broken(node: ast.AST, known: Collection[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield ast.BinOp(left, ast.Sub(), right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield ast.BinOp(left, ast.Add(), right)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
            yield ast.BinOp(left, ast.Pow(), ast.Constant(exponent + 1))
            yield ast.BinOp(left, ast.Pow(), ast.Constant(exponent - 1)) if exponent != 2 else left
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            yield ast.BinOp(ast.Constant(2), ast.Mult(), node)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.Name(id=name) if name not in ("D", "At"):
            yield ast.BinOp(ast.Constant(2), ast.Mult(), node)
            partners = INDEX_PARTNERS | {second: first for first, second in INDEX_PARTNERS.items()}
            if partners.get(name) in known:
                yield ast.Name(partners[name])
