import pytest

from builder.families.catalog.torchvision import TORCHVISION
from builder.model.graph import Node
from tests.builder.families.made import Shape, evidence, matches

FASTER: dict[str, Shape] = {"boxes": (None, 4), "labels": (None,), "scores": (None,)}
LABELS = {"labels": "int64"}


@pytest.mark.parametrize(
    ("more", "name", "shape", "keypoints"),
    [
        ({}, "torchvision: Faster R-CNN and similar", "rectangle", 0),
        ({"masks": (None, 1, 64, 64)}, "torchvision: Mask R-CNN and similar", "polygon", 0),
        ({"keypoints": (None, 5, 3)}, "torchvision: Keypoint R-CNN and similar", "skeleton", 5),
        ({"keypoints": (None, None, 3)}, "torchvision: Keypoint R-CNN and similar", "skeleton", 17),
    ],
)
def test_further_outputs_tell_the_shape(
    more: dict[str, Shape], name: str, shape: str, keypoints: int
) -> None:
    (match,) = matches(TORCHVISION, evidence({**FASTER, **more}, dtypes=LABELS))
    assert (match.name, match.keypoints) == (name, keypoints)
    assert match.postprocess[1].name == shape


@pytest.mark.parametrize(
    ("op", "width", "count"), [("Softmax", 91, 90), ("Softmax", 1, None), ("Sigmoid", 91, 91)]
)
def test_only_a_softmax_has_a_background(op: str, width: int, count: int | None) -> None:
    nodes = [
        Node("MatMul", ("x", "w"), ("logits",)),
        Node(op, ("logits",), ("sure",)),
        Node("ReduceMax", ("sure",), ("scores",)),
    ]
    constants = {"w": (0.0,) * width}
    (match,) = matches(
        TORCHVISION, evidence(FASTER, dtypes=LABELS, nodes=nodes, constants=constants)
    )
    assert match.classes is not None
    assert match.classes.count == count


@pytest.mark.parametrize(
    ("size", "steps"), [(64, ["letterbox", "normalize"]), (None, ["normalize"])]
)
def test_only_a_fixed_input_is_letterboxed(size: int | None, steps: list[str]) -> None:
    found = evidence(FASTER, {"image": (3, size, size)}, dtypes=LABELS)
    (match,) = matches(TORCHVISION, found)
    assert [it.name for it in match.preprocess] == steps


@pytest.mark.parametrize("missing", ["boxes", "labels", "scores"])
def test_all_three_outputs_are_needed(missing: str) -> None:
    outputs = {name: shape for name, shape in FASTER.items() if name != missing}
    assert matches(TORCHVISION, evidence(outputs, dtypes=LABELS)) == []


@pytest.mark.parametrize("name", ["pred_classes", "3417"])
def test_detectron2_is_told_by_its_classes_or_by_the_size_of_the_image(name: str) -> None:
    outputs: dict[str, Shape] = {
        "boxes": (None, 4),
        name: (None,),
        "masks": (None, 1, 28, 28),
        "scores": (None,),
        "size": (2,),
    }
    if name == "pred_classes":
        del outputs["size"]
    found = evidence(outputs, {"x": (3, 800, 800)}, dtypes={name: "int64", "size": "int64"})
    (match,) = matches(TORCHVISION, found)
    assert match.name == "Detectron2: R-CNN and similar"
    assert match.postprocess[0].fields == {"background": False}
    assert [it.name for it in match.preprocess] == ["letterbox", "channels", "normalize"]
