"""How many classes a model tells apart, by the operations that choose one for each object.

What is finished inside a model names a class by its number, and no shape says how many numbers
there are; but the scores that the class was chosen by have an entry for each.
"""

from collections import Counter

from builder.families.match import ClassList
from builder.model.graph import Graph, Node
from builder.model.shape_inference import Shape

_SUPPRESSIONS = ("NonMaxSuppression", "MulticlassNms", "MatrixNms")
"""They take boxes, and scores [images, classes, boxes]."""


def of_labels(graph: Graph, tensor: str) -> ClassList | None:
    """The classes that the numbers in a tensor are of; None where that is not certain.

    Args:
        graph: the model's.
        tensor: it holds class numbers and nothing else.
    """
    origins = graph.origins(tensor)
    found = {_told_apart(graph, node, name) for node, name in origins}
    return found.pop() if len(found) == 1 else None


def of_rows(graph: Graph, tensor: str) -> ClassList | None:
    """The same for a table of which one column holds class numbers."""
    every = [_told_apart(graph, node, name) for node, name in graph.origins(tensor)]
    # Where each image has one list of boxes, classes were told apart before.
    found = {it.count: it for it in every if it is not None and it.count != 1}
    return next(iter(found.values())) if len(found) == 1 else None


def _told_apart(graph: Graph, node: Node, name: str) -> ClassList | None:
    """Among how many classes an operation chose; None if it did not, or nobody knows."""
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
        why = f"class numbers are what is left of a division by {count}"
    else:
        return None
    return None if count is None else ClassList(count, why)


def _chosen_from(before: Shape, after: Shape) -> int | None:
    """The size of the axis along which one entry was chosen."""
    if len(before) == len(after):
        sizes = [size for size, left in zip(before, after, strict=True) if left == 1 and size != 1]
    elif len(before) == len(after) + 1:
        sizes = list((Counter(before) - Counter(after)).elements())
    else:
        return None
    return sizes[0] if len(sizes) == 1 else None
