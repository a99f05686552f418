import pytest

from builder.families.catalog.efficient_nms import EFFICIENT_NMS
from builder.families.catalog.final_boxes import FINAL_BOXES
from builder.families.catalog.torchvision import TORCHVISION
from builder.families.evidence import Evidence
from builder.model.graph import Node
from runtimes.classes import Classes
from runtimes.decoders.final_boxes import FinalBoxes
from tests.builder.families.made import Shape, evidence, matches

BYTES: dict[str, Shape] = {"input_tensor": (1, None, None, 3)}
TENSORFLOW: dict[str, Shape] = {
    "num_detections": (1,),
    "detection_boxes": (1, 100, 4),
    "detection_classes": (1, 100),
    "detection_scores": (1, 100),
}
RAW: dict[str, Shape] = {"raw_detection_boxes": (1, 1917, 4), "detection_anchor_indices": (1, 100)}
MASKS: dict[str, Shape] = {"detection_masks": (1, 100, 33, 33)}


def tensorflow(inputs: dict[str, Shape], **more: Shape) -> Evidence:
    dtypes = {"input_tensor": "uint8", "num_detections": "int32"}
    return evidence({**more, **TENSORFLOW}, inputs, dtypes=dtypes)


@pytest.mark.parametrize(
    ("inputs", "more", "steps", "shape"),
    [
        (BYTES, {}, [], "rectangle"),
        (BYTES, RAW, [], "rectangle"),
        (BYTES, {**RAW, **MASKS}, [], "polygon"),
        ({"input_tensor": (1, 300, 300, 3)}, {}, ["resize"], "rectangle"),
    ],
)
def test_tensorflows_names_are_recognized(
    inputs: dict[str, Shape], more: dict[str, Shape], steps: list[str], shape: str
) -> None:
    (match,) = matches(FINAL_BOXES, tensorflow(inputs, **more))
    assert (match.name, match.strength.name) == ("TensorFlow object detection", "EVIDENCE")
    assert [it.name for it in match.preprocess] == steps
    decoder, drawn = match.postprocess
    assert dict(decoder.fields) == {"box": "yx_corners", "unit": "fraction", "background": True}
    assert drawn.name == shape


def test_names_with_a_number_are_spelled_out() -> None:
    outputs = {f"{name}:0": shape for name, shape in {**RAW, **TENSORFLOW}.items()}
    model = evidence(outputs, BYTES, dtypes={"input_tensor": "uint8"})
    (match,) = matches(FINAL_BOXES, model)
    decoder = FinalBoxes(**match.postprocess[0].fields)
    bound = decoder.bind(model.signature, Classes(1, exact=False))
    assert (bound.boxes, bound.scores) == ("detection_boxes:0", "detection_scores:0")
    assert (bound.classes, bound.count) == ("detection_classes:0", "num_detections:0")


def test_tensorflows_outputs_are_not_those_of_efficient_nms() -> None:
    assert matches(EFFICIENT_NMS, tensorflow(BYTES)) == []


def azure(metadata: dict[str, str], *batch: int) -> Evidence:
    outputs: dict[str, Shape] = {
        "detected_boxes": (*batch, None, 4),
        "detected_classes": (*batch, None),
        "detected_scores": (*batch, None),
    }
    dtypes = {"detected_classes": "int64"}
    nodes = [Node("NonMaxSuppression", ("b", "s"), ("x",))]
    return evidence(outputs, metadata=metadata, dtypes=dtypes, nodes=nodes)


@pytest.mark.parametrize(
    ("metadata", "steps"),
    [
        ({}, ["resize", "normalize"]),
        ({"Image.BitmapPixelFormat": "Rgb8"}, ["resize", "normalize"]),
        ({"Image.BitmapPixelFormat": "Bgr8"}, ["resize", "channels", "normalize"]),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, ["resize"]),
    ],
)
@pytest.mark.parametrize("batch", [(), (1,)])
def test_azures_metadata_decide_on_the_input(
    metadata: dict[str, str], steps: list[str], batch: tuple[int, ...]
) -> None:
    model = azure(metadata, *batch)
    (match,) = matches(FINAL_BOXES, model)
    assert match.name == "Azure Custom Vision"
    assert [it.name for it in match.preprocess] == steps
    assert dict(match.postprocess[0].fields) == {"unit": "fraction"}
    assert matches(TORCHVISION, model) == []


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": (1, 9, 4), "classes": (1, 9), "scores": (1, 9)},
        {"detection_boxes": (1, 9, 4), "detection_scores": (1, 9)},
        {"detection_boxes": (1, 9, 5), "detection_scores": (1, 9), "detection_classes": (1, 9)},
    ],
)
def test_other_outputs_are_not(outputs: dict[str, Shape]) -> None:
    assert matches(FINAL_BOXES, evidence(outputs)) == []
