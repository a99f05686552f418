"""YuNet and SCRFD: faces with landmarks, from raw outputs for each stride."""

from collections.abc import Iterator
from typing import Any

from builder.families.evidence import Evidence, are_fractions
from builder.families.face_keypoints import FACE, FACES
from builder.families.family import Family
from builder.families.grid_heads import STRIDES
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import Match, Setting, step
from builder.families.sureness import Strength
from runtimes.decoders.scrfd import Scrfd
from runtimes.decoders.yunet import Yunet
from runtimes.refine.suppress import Nms
from runtimes.shapes.keypoints import Skeleton
from runtimes.shapes.rectangle import Rectangle
from runtimes.signature import Tensor

_STRIDE_SETS = (STRIDES, (*STRIDES, 64), (8, 16, 32, 64, 128))


def _yunet(evidence: Evidence) -> Iterator[Match]:
    """Recognize two scores, a box and landmarks for each cell of three grids."""
    columns = _columns(evidence)
    if columns is None or len(columns[1]) != 2 * len(columns[4]) or 10 not in columns:
        return
    for strides in _STRIDE_SETS:
        if _fit(evidence, columns, strides, 1):
            break
    else:
        return
    scored = are_fractions([array for it in columns[1] for array in evidence.values(it)])
    if scored is False:
        return
    named = evidence.names_outputs("cls", "obj", "bbox", "kps")
    why = f"{len(evidence.outputs)} outputs: two scores, a box and five landmarks for each cell"
    fields: dict[str, Any] = {} if strides == STRIDES else {"strides": list(strides)}
    yield YUNET.match(
        evidence,
        Strength.EVIDENCE if scored or named else Strength.SHAPE,
        (f"{why} of strides {', '.join(map(str, strides))}",),
        (
            step(Yunet, "raw boxes and landmarks", **fields),
            step(Nms, "raw candidates overlap; OpenCV's FaceDetectorYN takes 0.3", iou=0.3),
            step(Skeleton, "landmarks; or `points` and `rectangle`"),
        ),
        classes=FACES,
        keypoints=len(FACE),
        keypoint_names=FACE,
        settings=(Setting("threshold", 0.6, "the default confidence threshold of OpenCV's demo"),),
    )


def _scrfd(evidence: Evidence) -> Iterator[Match]:
    """Recognize a score, a box and perhaps landmarks for each candidate of three grids or more."""
    columns = _columns(evidence)
    if columns is None or len(columns[1]) != len(columns[4]):
        return
    found = [
        (strides, anchors)
        for strides in _STRIDE_SETS
        for anchors in (2, 1)
        if _fit(evidence, columns, strides, anchors)
    ]
    scored = are_fractions([array for it in columns[1] for array in evidence.values(it)])
    if not found or scored is False:
        return
    strides, anchors = found[0]
    landmarks = 10 in columns
    what = "a score, a box and five landmarks" if landmarks else "a score and a box"
    why = f"{what} for {anchors} candidates in each cell of strides {', '.join(map(str, strides))}"
    fields: dict[str, Any] = {} if strides == STRIDES else {"strides": list(strides)}
    fields["anchors"] = anchors
    shape = step(Skeleton, "landmarks; or `points` and `rectangle`")
    if not landmarks:
        shape = step(Rectangle, "boxes")
    yield SCRFD.match(
        evidence,
        Strength.EVIDENCE if scored and landmarks else Strength.SHAPE,
        (f"{len(evidence.outputs)} outputs: {why}",),
        (
            step(Scrfd, "raw boxes and landmarks", **fields),
            step(Nms, "raw candidates overlap; InsightFace takes 0.4", iou=0.4),
            shape,
        ),
        classes=FACES,
        keypoints=len(FACE) if landmarks else 0,
        keypoint_names=FACE if landmarks else (),
        settings=(Setting("threshold", 0.5, "InsightFace's default confidence threshold"),),
    )


def _columns(evidence: Evidence) -> dict[int, list[Tensor]] | None:
    """Return the outputs by their number of columns, 1, 4 and perhaps 10; None if others exist."""
    found: dict[int, list[Tensor]] = {1: [], 4: []}
    for tensor in evidence.outputs:
        columns = tensor.shape[-1] if len(tensor.shape) in (2, 3) else None
        if columns not in (1, 4, 10) or (len(tensor.shape) == 3 and tensor.shape[0] != 1):
            return None
        found.setdefault(columns, []).append(tensor)
    many = len(found[4]) >= len(STRIDES) and len(found.get(10, found[4])) == len(found[4])
    return found if many else None


def _fit(
    evidence: Evidence, columns: dict[int, list[Tensor]], strides: tuple[int, ...], anchors: int
) -> bool:
    """Whether the boxes have a row for each candidate of grids with these strides."""
    cells = [evidence.cell_count((stride,)) for stride in strides]
    rows = [_rows(evidence, tensor) for tensor in columns[4]]
    if None in cells or None in rows:
        return False
    return sorted(it or 0 for it in rows) == sorted((it or 0) * anchors for it in cells)


def _rows(evidence: Evidence, tensor: Tensor) -> int | None:
    """Return an output's number of rows, in a short run if the graph leaves it open."""
    runs = evidence.values(tensor)
    return tensor.shape[-2] or (runs[0].shape[-2] if runs else None)


YUNET = Family(
    name="YuNet: faces with landmarks",
    steps=(Yunet,),
    recognize=_yunet,
    precedence=52,
    input_format=InputFormat(
        Resizing("letterbox", "faces keep their aspect ratio", align="top_left", fill=0),
        Values("OpenCV's FaceDetectorYN takes 0..255", scale=1),
        Channels("bgr", "OpenCV's FaceDetectorYN takes BGR"),
    ),
    required=frozenset({"channels", "values"}),
    candidates_overlap=True,
)
SCRFD = Family(
    name="SCRFD: faces",
    steps=(Scrfd,),
    recognize=_scrfd,
    precedence=53,
    input_format=InputFormat(
        Resizing("letterbox", "InsightFace pads at the bottom right", align="top_left", fill=0),
        Values("InsightFace's mean and std", 1, (127.5,) * 3, (128.0,) * 3),
    ),
    required=frozenset({"values"}),
    candidates_overlap=True,
)
