"""Numbers of candidates that no grid over the model's input has."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.families.evidence import Evidence
from builder.families.grid_heads import STRIDES, strides_of
from builder.lint.scene import Scene
from builder.model.file import Model
from runtimes.decoders.yolo import Yolo, YoloObb, YoloPose, YoloSegment
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.decoders.yolo_objectness_tasks import YoloObjectnessPose, YoloObjectnessSegment
from runtimes.step import Decoder

CANDIDATE_COUNT = warning(
    "candidate-count",
    "Candidate count does not fit the input",
    "The output is probably not that of this decoder's family.",
)
_SELECTING = frozenset({"TopK", "NonMaxSuppression", "NonZero", "GatherND", "Compress"})
"""Operations that reduce the candidates of a graph to the best ones, of any number."""
_ANCHORS: dict[type[Decoder], tuple[int, ...]] = {
    Yolo: (1,),
    YoloSegment: (1,),
    YoloPose: (1,),
    YoloObb: (1,),
    YoloObjectness: (1, 3),
    YoloObjectnessSegment: (1, 3),
    YoloObjectnessPose: (1, 3),
}
"""Decoder -> the numbers of candidates that its models may have per cell."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if a raw head has a number of candidates that no grid has."""
    model = scene.models.get(("model",))
    if model is None:
        return
    for path, decoder in scene.steps(Decoder).items():
        anchors = _ANCHORS.get(type(decoder))
        count = _candidates(model, decoder)
        if anchors is None or count is None or _SELECTING & model.graph.ops:
            continue
        evidence = Evidence.of(model)
        if evidence.size is None or any(strides_of(evidence, count, it) for it in anchors):
            continue
        height, width = evidence.size
        cells = evidence.cell_count(STRIDES) or 0
        yield scene.problem(
            CANDIDATE_COUNT,
            path,
            f"the model has {count} candidates, which no grid over its input of {height}x{width} "
            "has",
            found=str(count),
            allowed=" or ".join(str(cells * it) for it in anchors) + " for strides 8, 16, 32",
            hint="check that the decoder is that of the model's family; `cvatbuild inspect --run` "
            "names it",
        )


def _candidates(model: Model, decoder: Decoder) -> int | None:
    """Return the number of candidates of the only output with three axes; None if it is open."""
    heads = [it for it in model.signature.outputs if len(it.shape) == 3]
    if len(heads) != 1 or heads[0].shape[1] is None or heads[0].shape[2] is None:
        return None
    in_rows = isinstance(decoder, YoloObjectness | YoloObjectnessSegment | YoloObjectnessPose)
    return heads[0].shape[1] if in_rows else heads[0].shape[2]
