"""Detectors that decode and suppress inside: SSD, R-CNNs, MMDeploy, EfficientNMS."""

from collections.abc import Iterator

from builder.families.class_count import of_labels
from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Entry, Evidence, Match, step
from builder.families.preprocessing import bgr, letterbox, mmdet, sized, unit
from runtimes.signature import Tensor

_RECTANGLE = step("rectangle", "boxes")
_POLYGON = step("polygon", "outlines; or `mask`")


def _is_int(tensor: Tensor) -> bool:
    return tensor.dtype.startswith(("int", "uint"))


def _opencv(facts: Facts) -> tuple[Entry, ...]:
    """What OpenVINO's models and TensorFlow's through OpenVINO take: BGR as it is."""
    return (
        sized(facts, "resize", "SSD kinds stretch images", side=300),
        *bgr(facts, "OpenVINO's models take images as OpenCV reads them", guessed=True),
    )


def ssd(facts: Facts) -> Iterator[Match]:
    """Rows of a DetectionOutput layer: [1, 1, N, 7]."""
    if len(facts.outputs) != 1 or not fits(facts.outputs[0], (1, 1, None, 7)):
        return
    (tensor,) = facts.outputs
    if tensor.shape[3] is None:
        return
    decoder = step("ssd", f"{tensor}: class 0 taken for the background", guessed=True)
    classes = ClassList(None)
    priors = _of_priors(facts, tensor)
    if priors is not None:
        background, count = priors
        why = f"DetectionOutput takes scores of {count} classes"
        classes = ClassList(count, why)
        if background == 0:
            classes = ClassList(count - 1, f"{why}, the first of them the background")
            decoder = step("ssd", f"{tensor}: class 0 is DetectionOutput's background")
        elif background < 0:
            decoder = step("ssd", "DetectionOutput knows no background", background=False)
    yield Match(
        "SSD with DetectionOutput",
        Evidence.STRUCTURE,
        (f"{tensor}: image, class, score, corners",),
        _opencv(facts),
        (decoder, _RECTANGLE),
        classes,
    )


def _of_priors(facts: Facts, tensor: Tensor) -> tuple[int, int] | None:
    """The number of the background, and of all classes, of OpenVINO's DetectionOutput.

    Its inputs are box_logits, class_preds [images, priors * classes] and proposals
    [images, 1 or 2, priors * 4], with one more number for each prior where they are in pixels
    (OpenVINO's operation specification, DetectionOutput-8).
    """
    node = facts.graph.giver(facts.graph.source(tensor.name))
    if node is None or node.op != "DetectionOutput" or len(node.inputs) < 3:
        return None
    scores, proposals = (facts.graph.shapes.get(name, ()) for name in node.inputs[1:3])
    numbers = 4 if node.settings.get("normalized", "false") in ("true", "1") else 5
    if len(scores) != 2 or len(proposals) != 3 or not scores[1] or not proposals[2]:
        return None
    classes, left = divmod(scores[1] * numbers, proposals[2])
    background = node.settings.get("background_label_id", "0")
    if left or classes < 2 or not background.removeprefix("-").isdecimal():
        return None
    return int(background), classes


def mask_rcnn_openvino(facts: Facts) -> Iterator[Match]:
    """TensorFlow's Mask R-CNN through OpenVINO: [N, 7] and masks [N, classes, 33, 33]."""
    tables = [it for it in facts.outputs if fits(it, (None, 7), (1, 1, None, 7))]
    masks = [it for it in facts.of_rank(4) if it not in tables and it.shape[2] == it.shape[3]]
    if len(facts.outputs) != 2 or len(tables) != 1 or len(masks) != 1 or masks[0].shape[2] is None:
        return
    yield Match(
        "Mask R-CNN of TensorFlow, through OpenVINO",
        Evidence.STRUCTURE,
        (f"{tables[0]} and {masks[0]}: rows and a small mask for each class",),
        _opencv(facts),
        (step("mask_rcnn_openvino", f"{tables[0]}, {masks[0]}"), _POLYGON),
        ClassList(masks[0].shape[1], f"{masks[0]}: a mask for each class"),
    )


def openvino_boxes(facts: Facts) -> Iterator[Match]:
    """Boxes [N, 5] and labels [N], as OpenVINO's face-detection-0205."""
    boxes = [it for it in facts.of_rank(2) if it.shape[1] == 5]
    if len(facts.outputs) != 2 or len(boxes) != 1:
        return
    (other,) = (tensor for tensor in facts.outputs if tensor is not boxes[0])
    if len(other.shape) != 1:
        return
    yield Match(
        "OpenVINO boxes and labels",
        Evidence.STRUCTURE,
        (f"{boxes[0]} and {other}: corners with scores, labels",),
        _opencv(facts),
        (step("openvino_boxes", f"{boxes[0]}: corners in pixels, score"), _RECTANGLE),
        of_labels(facts.graph, other.name) or ClassList(None),
    )


def efficient_nms(facts: Facts) -> Iterator[Match]:
    """The four outputs of TensorRT's EfficientNMS plug-in."""
    if len(facts.outputs) != 4:
        return
    boxes = [it for it in facts.outputs if fits(it, (1, None, 4)) and len(it.shape) == 3]
    counts = [it for it in facts.outputs if it.shape in ((1, 1), (1,), (None, 1)) and _is_int(it)]
    if len(boxes) != 1 or not counts:
        return
    labels = facts.output("class") or boxes[0]
    classes = ClassList(facts.said.names, "metadata names")
    if classes.count is None:
        classes = of_labels(facts.graph, labels.name) or ClassList(None)
    listing = ", ".join(tensor.name for tensor in facts.outputs)
    yield Match(
        "YOLO with EfficientNMS",
        Evidence.STRUCTURE,
        (f"{listing}: a number, boxes, scores, classes",),
        (letterbox(facts), *unit(facts, "YOLO takes 0..1")),
        (step("efficient_nms", "num_dets, det_boxes, det_scores, det_classes"), _RECTANGLE),
        classes,
    )


def torchvision(facts: Facts) -> Iterator[Match]:
    """Torchvision's detectors: boxes [N, 4], labels [N], scores [N], maybe masks or keypoints."""
    boxes = [it for it in facts.of_rank(2) if it.shape[1] == 4]
    lines = facts.of_rank(1)
    labels = [tensor for tensor in lines if _is_int(tensor)]
    scores = [tensor for tensor in lines if not _is_int(tensor)]
    if len(boxes) != 1 or len(labels) != 1 or len(scores) != 1:
        return
    masks = [it for it in facts.of_rank(4) if it.shape[1] in (1, None)]
    points = [it for it in facts.of_rank(3) if it.shape[2] == 3]
    count = facts.graph.class_count(scores[0].name, "Softmax")
    why = "the layer before the Softmax of the scores, without its background"
    if count is None:
        # RetinaNet, SSD and FCOS score each class on its own.
        count = facts.graph.class_count(scores[0].name, "Sigmoid")
        why = "the layer before the Sigmoid of the scores"
    elif count > 1:
        count -= 1
    else:
        count = None
    shape = _POLYGON if masks else _RECTANGLE
    keypoints = 0
    if points and not masks:
        shape = step("skeleton", "keypoints; or `points`")
        keypoints = points[0].shape[1] or 17
    kind = "Mask" if masks else "Keypoint" if keypoints else "Faster"
    image = facts.image
    fixed = image is not None and (image.height or image.width)
    resizing = [letterbox(facts, "torchvision keeps the aspect ratio", fill=0)] if fixed else []
    yield Match(
        f"torchvision: {kind} R-CNN and its kin",
        Evidence.STRUCTURE,
        (f"{boxes[0]}, {labels[0]}, {scores[0]}: finished instances",),
        (*resizing, *unit(facts, "torchvision takes 0..1, and normalises and resizes itself")),
        (step("torchvision", "boxes, labels, scores; class 0 is the background"), shape),
        ClassList(count, why),
        keypoints,
    )


def mmdeploy(facts: Facts) -> Iterator[Match]:
    """MMDeploy's detectors: dets [1, N, 5], labels [1, N], maybe masks."""
    dets = [it for it in facts.of_rank(3) if it.shape[2] == 5]
    labels = [it for it in facts.of_rank(2) if _is_int(it)]
    if len(dets) != 1 or len(labels) != 1 or len(facts.outputs) > 3:
        return
    masks = len(facts.outputs) == 3 and bool(facts.of_rank(4))
    classes = of_labels(facts.graph, labels[0].name) or ClassList(
        facts.graph.class_count(dets[0].name, "Sigmoid"),
        "the layer before the Sigmoid of the scores",
    )
    yield Match(
        "MMDeploy (RTMDet and others)",
        Evidence.STRUCTURE,
        (f"{dets[0]}, {labels[0]}: corners with scores, labels",),
        (
            letterbox(facts, "RTMDet pads right and bottom", align="top_left"),
            *mmdet(facts, "RTMDet's; others of MMDetection take RGB", guessed=True),
        ),
        (step("mmdeploy", "dets and labels"), _POLYGON if masks else _RECTANGLE),
        classes,
    )
