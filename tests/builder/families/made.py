"""Evidence of models that exist in the test alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.match import Match
from builder.model.file import Model
from builder.model.graph import Graph, Node
from runtimes.arrays import Array
from runtimes.signature import Signature, Tensor

Shape = tuple[int | None, ...]
IMAGE = {"images": (1, 3, 64, 64)}
"""The input of most models here: an image of 64 x 64."""


def tensors(shapes: Mapping[str, Shape], dtypes: Mapping[str, str] | None = None) -> list[Tensor]:
    """Tensors by name, float32 where `dtypes` has no other type."""
    return [
        Tensor(name, shape, (dtypes or {}).get(name, "float32")) for name, shape in shapes.items()
    ]


def evidence(
    outputs: Mapping[str, Shape],
    inputs: Mapping[str, Shape] = IMAGE,
    *,
    nodes: Sequence[Node] = (),
    constants: Mapping[str, tuple[float, ...]] | None = None,
    metadata: Mapping[str, str] | None = None,
    dtypes: Mapping[str, str] | None = None,
    blank: Mapping[str, Array] | None = None,
    opset: int | None = 17,
) -> Evidence:
    """Evidence of a model with these tensors, operations and metadata.

    Args:
        outputs: name -> shape.
        inputs: name -> shape.
        nodes: the graph.
        constants: name of a constant -> its numbers.
        metadata: of the file.
        dtypes: name of a tensor -> its type.
        blank: the outputs for a blank image.
        opset: None for OpenVINO IR.
    """
    given = dict(metadata or {})
    weights = {name: (len(numbers),) for name, numbers in (constants or {}).items()}
    graph = Graph("test", opset, (), given, tuple(nodes), weights, constants or {})
    signature = Signature(tuple(tensors(inputs, dtypes)), tuple(tensors(outputs, dtypes)), given)
    found = Evidence.of(Model("onnx", signature, {}, lambda: graph))
    return replace(found, blank_outputs=blank or {})


def matches(family: Family, found: Evidence) -> list[Match]:
    """The matches of a family."""
    assert family.recognize
    return list(family.recognize(found))


def decoders(family: Family, found: Evidence) -> list[tuple[str, str]]:
    """Decoder and strength of each match of a family."""
    return [(it.postprocess[0].name, it.strength.name) for it in matches(family, found)]
