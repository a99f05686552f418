"""Counting a model's classes by the operations that choose one for each object.

Final detections name a class by its ID, and no shape says how many IDs there are; but the scores
that the class was chosen by have an entry for each.
"""

from collections import Counter

from builder.families.match import ClassList
from builder.model.graph import Graph, Node
from builder.model.shape_inference import Shape

_SUPPRESSIONS = ("NonMaxSuppression", "MulticlassNms", "MatrixNms")
"""Operations that take boxes, and scores [images, classes, boxes]."""


def of_labels(graph: Graph, tensor: str) -> ClassList | None:
    """Return the classes that a tensor of class IDs chooses from, or None if that is unknown.

    Args:
        graph: the model's.
        tensor: holds class IDs and nothing else.
    """
    found = {_choice(graph, node, name) for node, name in graph.origins(tensor)}
    return found.pop() if len(found) == 1 else None


def of_rows(graph: Graph, tensor: str) -> ClassList | None:
    """Return the classes that one column of a table chooses from, or None if that is unknown."""
    every = [_choice(graph, node, name) for node, name in graph.origins(tensor)]
    # A count of 1 is one list of boxes per image; the classes were chosen before.
    found = {it.count: it for it in every if it is not None and it.count != 1}
    return next(iter(found.values())) if len(found) == 1 else None


def _choice(graph: Graph, node: Node, name: str) -> ClassList | None:
    """Return the classes that an operation chooses from, or None if it does not choose."""
    if len(node.inputs) > 1 and node.op in _SUPPRESSIONS:
        shape = graph.shapes.get(node.inputs[1], ())
        count = shape[1] if len(shape) == 3 else None
        why = f"{node.op} takes scores of {count} classes"
    elif node.op == "ArgMax" or (node.op == "TopK" and name != node.outputs[0]):
        count = _chosen_from(graph.shapes.get(node.inputs[0], ()), graph.shapes.get(name, ()))
        why = f"{node.op} takes the best of {count} scores"
    elif node.op == "Mod":
        (number, *more) = graph.numbers(node.inputs[1]) or (0.0,)
        count = int(number) if not more and number >= 1 and number.is_integer() else None
        why = f"class IDs are the remainder of a division by {count}"
    else:
        return None
    return None if count is None else ClassList(count, why)


def _chosen_from(before: Shape, after: Shape) -> int | None:
    """Return the size of the axis along which one entry was chosen."""
    if len(before) == len(after):
        sizes = [size for size, left in zip(before, after, strict=True) if left == 1 and size != 1]
    elif len(before) == len(after) + 1:
        sizes = list((Counter(before) - Counter(after)).elements())
    else:
        return None
    return sizes[0] if len(sizes) == 1 else None
