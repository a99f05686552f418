"""Known layouts that no decoder reads."""

import numpy as np
import pytest

from builder.families.unsupported import unsupported_layout
from builder.model.graph import Node
from tests.builder.families.made import IMAGE, Shape, evidence

BIG: dict[str, Shape] = {"images": (1, 3, 640, 640)}


@pytest.mark.parametrize(
    ("outputs", "inputs", "name", "hint"),
    [
        ({"loc": (1, 9, 4), "conf": (1, 9, 2), "landms": (1, 9, 10)}, BIG, "RetinaFace", "`sizes`"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_known_layout_has_a_name_and_a_hint(
    outputs: dict[str, Shape], inputs: dict[str, Shape], name: str, hint: str
) -> None:
    found = unsupported_layout(evidence(outputs, inputs, dtypes={"classes": "int64"}))
    assert found is not None
    assert name in found.name
    assert hint in found.hint


def test_text_recognition_is_named() -> None:
    nodes = [Node("Softmax", ("x",), ("y",))]
    found = unsupported_layout(evidence({"y": (None, None, 6625)}, nodes=nodes))
    assert found is not None
    assert "text recognition" in found.name


@pytest.mark.parametrize("values", [-0.5, 1e9])
def test_offsets_from_priors_are_named(values: float) -> None:
    outputs: dict[str, Shape] = {"loc": (1, 8732, 4), "conf": (1, 8732, 21)}
    blank = {"loc": np.full((1, 8732, 4), values), "conf": np.zeros((1, 8732, 21))}
    model = evidence(outputs, {"image": (1, 3, 300, 300)}, blank=blank)
    found = unsupported_layout(model)
    assert found is not None
    assert "loc with offsets from anchors" in found.name


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": (1, 8732, 4), "scores": (1, 8732, 21)},
        {"output0": (1, 7, 84)},
        {"output0": (1, 39, 84), "output1": (1, 32, 16, 16)},
        {"logits": (1, 300, 80), "pred_boxes": (1, 300, 4)},
        {"y": (1, 10)},
    ],
)
def test_other_outputs_are_not_named(outputs: dict[str, Shape]) -> None:
    assert unsupported_layout(evidence(outputs, IMAGE)) is None
