"""Transformers that give a fixed number of queries."""

from collections.abc import Iterator

from builder.families.class_count import of_labels
from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Evidence, Match, step
from builder.families.preprocessing import imagenet, sized, unit
from runtimes.signature import Tensor

_RECTANGLE = step("rectangle", "boxes")


def logits_and_boxes(facts: Facts) -> Iterator[Match]:
    """DETR, RT-DETR, D-FINE and RF-DETR: logits [1, queries, classes], boxes [1, queries, 4]."""
    boxes = facts.output("pred_boxes", "dets", "box")
    if boxes is None:
        four = [it for it in facts.of_rank(3) if it.shape[2] == 4]
        boxes = four[0] if len(four) == 1 else None
    if boxes is None or not fits(boxes, (1, None, 4)) or boxes.shape[2] is None:
        return
    others = [
        tensor
        for tensor in facts.outputs
        if tensor is not boxes and tensor.dtype.startswith("float") and fits(tensor, (1, "q", None))
    ]
    if boxes.shape[1] is not None:
        others = [it for it in others if it.shape[1] in (boxes.shape[1], None)]
    named = [it for it in others if "logit" in it.name.lower() or it.name.lower() == "labels"]
    others = named[:1] or others
    if len(others) != 1 or len((facts.image and facts.signature.inputs) or ()) != 1:
        return
    (logits,) = others
    if (logits.shape[1] or boxes.shape[1] or 0) > 2000:
        return
    if boxes.name.lower() == "dets" and logits.name.lower() == "labels":
        yield _rfdetr(facts, logits)
        return
    ops = facts.graph.ops
    # Deformable attention samples by GridSample, the best of many queries are taken by TopK;
    # DETR has fixed queries and looks everywhere.
    signs = sorted({"GridSample", "TopK"} & ops)
    attends = {"Softmax", "MatMul"} <= ops
    if signs:
        why = f"the graph selects and samples queries ({', '.join(signs)})"
        yield _rtdetr(facts, logits, Evidence.STRUCTURE, why)
    elif attends:
        yield _detr(facts, logits, Evidence.STRUCTURE, "fixed queries: no TopK, no GridSample")
    else:
        why = f"{logits}, {boxes}"
        yield _detr(facts, logits, Evidence.SHAPE, why)
        yield _rtdetr(facts, logits, Evidence.SHAPE, why)


def _detr(facts: Facts, logits: Tensor, evidence: Evidence, why: str) -> Match:
    """DETR: a softmax with a last class for nothing."""
    count = None if logits.shape[2] is None else logits.shape[2] - 1
    return Match(
        "DETR",
        evidence,
        (why,),
        (
            sized(facts, "resize", "as transformers resizes", side=800, antialias=True),
            *imagenet(facts, "DETR's mean and std are ImageNet's"),
        ),
        (step("detr", f"{logits}: softmax, the last class is nothing"), _RECTANGLE),
        ClassList(count, f"{logits}: {count} classes + nothing"),
    )


def _rtdetr(facts: Facts, logits: Tensor, evidence: Evidence, why: str) -> Match:
    """RT-DETR or D-FINE: a sigmoid over queries and classes."""
    return Match(
        "RT-DETR, D-FINE (transformers)",
        evidence,
        (why,),
        (
            sized(facts, "resize", "as transformers resizes", antialias=True),
            *unit(facts, "RT-DETR takes 0..1"),
        ),
        (step("rtdetr", f"{logits}: sigmoid, the best of all queries and classes"), _RECTANGLE),
        ClassList(logits.shape[2], f"{logits}"),
    )


def _rfdetr(facts: Facts, logits: Tensor) -> Match:
    """RF-DETR."""
    return Match(
        "RF-DETR",
        Evidence.STRUCTURE,
        ("the outputs are called dets and labels, and labels are fractions",),
        (
            sized(facts, "resize", "RF-DETR stretches images", side=560),
            *imagenet(facts, "RF-DETR's mean and std are ImageNet's"),
        ),
        (step("rtdetr", f"{logits}: sigmoid, the best of all queries and classes"), _RECTANGLE),
        ClassList(logits.shape[2], f"{logits}"),
    )


def deployed(facts: Facts) -> Iterator[Match]:
    """RT-DETR, D-FINE and DEIM as their authors deploy them: labels, boxes, scores."""
    if facts.input("orig_target_sizes") is None or len(facts.outputs) != 3:
        return
    boxes = [tensor for tensor in facts.outputs if fits(tensor, (1, None, 4))]
    if len(boxes) != 1 or sum(fits(tensor, (1, None)) for tensor in facts.outputs) != 2:
        return
    # The model multiplies the index of each query and class: its layer knows how many there are.
    labels, scores = facts.output("label"), facts.output("score")
    classes = of_labels(facts.graph, labels.name) if labels else None
    if classes is None:
        count = facts.graph.class_count(scores.name, "Sigmoid") if scores else None
        classes = ClassList(count, "the layer before the Sigmoid of the scores")
    yield Match(
        "RT-DETR, D-FINE, DEIM (deployed)",
        Evidence.STRUCTURE,
        ("the input orig_target_sizes; labels, boxes and scores",),
        (sized(facts, "resize", "RT-DETR stretches images"), *unit(facts, "RT-DETR takes 0..1")),
        (step("rtdetr_deploy", "labels, boxes and scores, decoded in the graph"), _RECTANGLE),
        classes,
    )


def concatenated(facts: Facts) -> Iterator[Match]:
    """RT-DETR as Ultralytics exports it: [1, queries, 4 + classes]."""
    if len(facts.outputs) != 1 or not fits(facts.outputs[0], (1, None, None)):
        return
    (tensor,) = facts.outputs
    queries, columns = tensor.shape[1:]
    said = facts.said
    if columns is None or columns < 5 or (queries is not None and not 50 <= queries <= 1000):
        return
    if facts.cells((8, 16, 32)) == columns:  # candidates of a raw head
        return
    signs = "GridSample" in facts.graph.ops
    if said.rtdetr:
        evidence, why = Evidence.METADATA, "metadata description: RT-DETR"
    elif said.task == "detect" and said.names == columns - 4 and columns != 6:
        evidence, why = Evidence.METADATA, f"{tensor}: 4 for the box + {said.names} named classes"
    elif said.task is None and signs:
        evidence, why = Evidence.STRUCTURE, f"{tensor}, and the graph samples (GridSample)"
    elif said.task is None and columns == 4 + 80:
        evidence, why = Evidence.STRUCTURE, f"{tensor}: 4 for the box + 80 classes, as COCO has"
    else:
        return
    yield Match(
        "RT-DETR (Ultralytics)",
        evidence,
        (why,),
        (sized(facts, "resize", "RT-DETR stretches images"), *unit(facts, "RT-DETR takes 0..1")),
        (step("rtdetr_concat", f"{tensor}: boxes in 0..1 and class scores"), _RECTANGLE),
        ClassList(columns - 4, f"{tensor}: 4 for the box + {columns - 4} classes"),
    )
