"""Mutants of this project's modules: small changes of their source that a test should notice.

Uses the operators of cosmic-ray, which is installed for development only, and `SwapFunction`.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator, operator_names

SWAPS = {
    "round": "int",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmin": "argmax",
    "argmax": "argmin",
}
"""Function -> the one that `SwapFunction` calls instead."""


class SwapFunction(Operator):
    """Call a similar function, such as `int` for `round`."""

    def mutation_positions(self, node):
        """See Operator.mutation_positions."""
        if node.type == "name" and node.value in SWAPS:
            follower, leader = node.get_next_leaf(), node.get_previous_leaf()
            defined = leader is not None and leader.value == "def"
            if follower is not None and follower.value == "(" and not defined:
                yield (node.start_pos, node.end_pos)

    def mutate(self, node, index):
        """See Operator.mutate."""
        node.value = SWAPS[node.value]
        return node

    @classmethod
    def examples(cls):
        """See Operator.examples."""
        return (Example("x = round(y)", "x = int(y)"),)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    module: str
    """Path of the module below the root, such as `runtimes/masks.py`."""
    definition: str
    """Qualified name of the function or class around the change; empty at the module's level."""
    operator: str
    """Name of cosmic-ray's operator, or SwapFunction."""
    occurrence: int
    """Index among the changes that the operator can make in the module."""
    line: int
    """Number of the changed line."""

    def source(self, original: str) -> str | None:
        """Return the mutated source; None where it is not valid Python."""
        mutated = mutate_code(original, operators()[self.operator], self.occurrence)
        try:
            ast.parse(mutated)
        except SyntaxError:
            return None
        return mutated


def operators() -> dict[str, Operator]:
    """Return all operators that need no arguments, by name."""
    classes = {name.partition("/")[2]: get_operator(name) for name in operator_names()}
    found = {name: cls() for name, cls in classes.items() if not cls.arguments()}
    return {**found, "SwapFunction": SwapFunction()}


def change(original: str, mutated: str) -> tuple[str, str]:
    """Return the removed and the added lines of a mutant, without their indentation."""
    lines = list(difflib.ndiff(original.splitlines(), mutated.splitlines()))
    removed = [line[2:].strip() for line in lines if line.startswith("- ")]
    added = [line[2:].strip() for line in lines if line.startswith("+ ")]
    return "\n".join(removed), "\n".join(added)


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield each mutant of a module that may change its behavior, see `inert`."""
    tree = get_ast(source)
    nodes = list(ast_nodes(tree))
    excluded = list(inert(ast.parse(source)))
    for name, operator in operators().items():
        places = ((node, start) for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(places):
            if is_separator(node) or any(first <= start < last for first, last in excluded):
                continue
            yield Mutant(module, qualified_name(node), name, occurrence, start[0])


def qualified_name(node: parso.tree.NodeOrLeaf) -> str:
    """Return the names of the class and function around a node, such as `Mask.__call__`."""
    names = []
    scope = node.search_ancestor("funcdef", "classdef")
    while scope is not None:
        names.append(scope.name.value)
        scope = scope.search_ancestor("funcdef", "classdef")
    return ".".join(reversed(names))


def is_separator(node: parso.tree.NodeOrLeaf) -> bool:
    """Return whether a node is the `*` or `/` of a list of parameters, which is no operation."""
    return node.parent is not None and node.parent.type == "parameters"


Position = tuple[int, int]
"""Number of a line, from 1, and of a character in it, from 0."""


def inert(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """Yield first and end position of all code that cannot change the behavior of a module.

    That is: annotations, docstrings, imports under `if TYPE_CHECKING`, the arguments `frozen` and
    `slots` of a data class, which refuse assignments as mypy does, and `strict` of `zip`, which
    asserts equal lengths. Python evaluates annotations, but a mutated one only fails to be
    evaluated, which says nothing about tests.
    """
    for node in ast.walk(tree):
        match node:
            case ast.AnnAssign(annotation=part) | ast.arg(annotation=ast.expr() as part):
                yield span(part)
            case ast.FunctionDef(returns=ast.expr() as part):
                yield span(part)
            case (
                ast.Expr(value=ast.Constant())
                | ast.If(test=ast.Name(id="TYPE_CHECKING"))
                | ast.keyword(arg="frozen" | "slots" | "strict")
            ):
                yield span(node)


def span(node: ast.expr | ast.stmt | ast.keyword) -> tuple[Position, Position]:
    """Return the first and the end position of a node."""
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
