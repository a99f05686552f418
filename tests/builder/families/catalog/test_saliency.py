import pytest

from builder.families.catalog.saliency import SALIENCY
from builder.model.graph import Node
from tests.builder.families.made import Shape, decoders, evidence


@pytest.mark.parametrize(
    ("sides", "strength"),
    [
        ([64] * 7, "STRUCTURE"),  # u2net
        ([64] * 3, "STRUCTURE"),
        ([64] * 2, "EVIDENCE"),  # a matting network, and its error
        ([64, 32, 16], "SHAPE"),  # a depth network at three scales
    ],
)
def test_side_outputs_have_one_size(sides: list[int], strength: str) -> None:
    outputs: dict[str, Shape] = {
        f"d{number}": (1, 1, side, side) for number, side in enumerate(sides)
    }
    nodes = [Node("Sigmoid", (f"x{name}",), (name,)) for name in outputs]
    assert decoders(SALIENCY, evidence(outputs, nodes=nodes)) == [("saliency", strength)]
