"""Outputs of transformers with a fixed number of queries: logits and boxes."""

from builder.families.evidence import Evidence, fits
from builder.families.grid_heads import strides_of
from runtimes.signature import Tensor

_USUAL_QUERIES, _MOST_QUERIES = 500, 2000


def logits_and_boxes(evidence: Evidence) -> tuple[Tensor | None, Tensor | None]:
    """Return the outputs with logits, [1, queries, classes], and with boxes, [1, queries, 4].

    Returns:
        None and None if the model has other outputs, or takes more than an image.
    """
    nothing = None, None
    boxes = evidence.output_named("pred_boxes", "dets", "box")
    if boxes is None:
        four = [it for it in evidence.outputs_of_rank(3) if it.shape[2] == 4]
        boxes = four[0] if len(four) == 1 else None
    if boxes is None or not fits(boxes, (1, None, 4)) or boxes.shape[2] is None:
        return nothing
    others = [
        tensor
        for tensor in evidence.outputs
        if tensor is not boxes and tensor.dtype.startswith("float") and fits(tensor, (1, "q", None))
    ]
    if boxes.shape[1] is not None:
        others = [it for it in others if it.shape[1] in (boxes.shape[1], None)]
    named = [it for it in others if "logit" in it.name.lower() or it.name.lower() == "labels"]
    others = named[:1] or others
    inputs = [it for it in evidence.signature.inputs if it.name != "pixel_mask"]
    if len(others) != 1 or evidence.image is None or len(inputs) != 1:
        return nothing
    (logits,) = others
    count = logits.shape[1] or boxes.shape[1] or 0
    if count > _MOST_QUERIES or (count > _USUAL_QUERIES and _are_cells(evidence, count)):
        return nothing
    return logits, boxes


def _are_cells(evidence: Evidence, count: int) -> bool:
    """Whether grids over the input have so many cells, so that these are raw candidates."""
    return evidence.size is not None and strides_of(evidence, count) is not None


def selecting_operations(evidence: Evidence) -> list[str]:
    """Return the operations that select or sample queries, by which DETR's successors are known.

    Deformable attention samples by GridSample, and TopK takes the best of many queries; DETR has
    fixed queries and looks everywhere.
    """
    return sorted({"GridSample", "TopK"} & evidence.graph.ops)


def is_rfdetr(logits: Tensor, boxes: Tensor) -> bool:
    """Whether outputs have RF-DETR's names: `labels`, which are logits, and `dets`."""
    return boxes.name.lower() == "dets" and logits.name.lower() == "labels"
