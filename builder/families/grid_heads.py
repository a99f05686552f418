"""Outputs of detectors with one candidate, or several, in each cell of grids over the image."""

from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.match import ClassList
from builder.families.other_tasks import is_text_recognition
from runtimes.signature import Tensor

STRIDES = (8, 16, 32)
"""Pixels of the input per cell of YOLO's three grids."""
_ALL_STRIDES = (4, *STRIDES, 64)
STRIDE_SETS = (
    STRIDES,
    (*STRIDES, 64),
    (4, *STRIDES),
    *(_ALL_STRIDES[first:last] for first in range(5) for last in range(first + 1, 6)),
)
"""The strides of the heads of known models, then all neighboring strides that models may have."""
MOST_ROWS = 1000
"""No output with final detections has more rows; raw candidates are thousands."""


def strides_of(evidence: Evidence, candidates: int, anchors: int = 1) -> tuple[int, ...] | None:
    """Return the strides of the grids that have so many candidates, or None if no grids have.

    Args:
        evidence: of the model; the size of its input is known.
        candidates: their number.
        anchors: the number of candidates per cell.
    """
    for strides in STRIDE_SETS:
        if evidence.cell_count(strides) == candidates / anchors:
            return strides
    return None


def fits_grid(evidence: Evidence, candidates: int | None) -> bool:
    """Whether grids over the input can have so many candidates; True if a number is unknown."""
    if candidates is None or evidence.size is None:
        return True
    return strides_of(evidence, candidates) is not None


def scores_fit(
    evidence: Evidence, tensor: Tensor, first: int, last: int | None = None
) -> bool | None:
    """Whether columns of [1, rows, columns] are scores in 0..1 in each run; None without a run."""
    runs = [it[0, :, first:last] for it in evidence.values(tensor) if it.ndim == 3]
    return are_fractions(runs)


def rows_of_candidates(evidence: Evidence) -> Tensor | None:
    """Return the only output if it can be raw candidates with objectness, one per row."""
    if len(evidence.outputs) != 1 or not fits(evidence.outputs[0], (1, None, None)):
        return None
    (tensor,) = evidence.outputs
    rows, columns = tensor.shape[1:]
    if evidence.ultralytics.task not in (None, "detect") or columns is None or columns < 6:
        return None
    if is_text_recognition(evidence, tensor):
        return None
    return None if rows is None or rows <= columns else tensor


def rows_and_prototypes(evidence: Evidence) -> tuple[Tensor | None, Tensor | None]:
    """Return the only output with three axes, and the prototypes of masks if there are any.

    Returns:
        None and None if there are further outputs.
    """
    rows, maps = evidence.outputs_of_rank(3), evidence.outputs_of_rank(4)
    if len(rows) != 1 or len(rows) + len(maps) != len(evidence.outputs) or len(maps) > 1:
        return None, None
    return rows[0], maps[0] if maps else None


def objectness_classes(tensor: Tensor) -> ClassList:
    """Count the classes of candidates in rows with a box and an objectness in front."""
    count = (tensor.shape[-1] or 6) - 5
    return ClassList(count, f"{tensor}: 5 for box and objectness + {count} classes")


def boxes_are_decoded(evidence: Evidence, tensor: Tensor) -> tuple[bool | None, str]:
    """Whether boxes of candidates are in pixels (YOLOv5, 6, 7) or in cells (YOLOX).

    Returns:
        None if nothing tells; the reason.
    """
    values = evidence.blank_outputs.get(tensor.name)
    if values is not None and evidence.size is not None and values.ndim == 3 and len(values[0]):
        centers = values[0, :, 0]
        spread = float(centers.max() - centers.min())
        if spread > evidence.size[1] / 2:
            return True, f"{tensor}: centers are spread over {spread:.0f} pixels of a blank image"
        if spread < evidence.size[1] / 8 and (values[0] != 0).any():
            return False, f"{tensor}: centers are within {spread:.1f} of their cells"
    unknown = None, f"{tensor}: candidates in rows"
    parts = evidence.graph.parts(tensor.name)
    boxes = evidence.graph.producer(parts[0]) if len(parts) > 1 else None
    if boxes is None:
        return unknown
    if boxes.op == "Conv":
        return False, "boxes leave the graph as a convolution gives them"
    if boxes.op in ("Mul", "Add", "Pow", "Exp", "Div"):
        return True, f"the graph decodes its boxes ({boxes.op})"
    return unknown
