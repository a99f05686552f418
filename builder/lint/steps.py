"""Steps that conflict with each other or with the decoder."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.families.registry import family_of
from builder.lint.scene import Scene
from runtimes.refine.suppress import Nms, TopK
from runtimes.shapes.region import Mask, Polygon
from runtimes.step import Decoder, Preprocess, Refine, Shape

DUPLICATE_STEP = warning(
    "duplicate-step",
    "Duplicate step",
    "Values would be divided twice, or shapes drawn twice.",
)
MISSING_NMS = warning(
    "missing-nms",
    "`nms` is missing after a raw head",
    "Annotators get about ten bounding boxes for each object.",
)
REDUNDANT_NMS = warning(
    "redundant-nms",
    "`nms` after final detections",
    "Overlapping objects would be lost.",
)
TOP_K_BEFORE_NMS = warning(
    "top-k-before-nms",
    "`top_k` before `nms`",
    "Overlapping candidates of one object can fill the whole list.",
)
SHAPE_UNSUPPORTED = Rule(
    "shape-unsupported",
    "Decoder does not provide what a shape needs",
    "The function would fail for every image: the decoder returns no masks, keypoints or "
    "oriented bounding boxes to draw.",
)
REFINEMENT_UNSUPPORTED = Rule(
    "refinement-unsupported",
    "Decoder does not provide what a refinement needs",
    "The function would fail for every image: the decoder returns no masks to refine.",
)
MASK_RLE = warning(
    "mask-rle",
    "RLE masks from a detector",
    "CVAT's server fails on the reply.",
)
UNSIMPLIFIED_POLYGON = warning(
    "unsimplified-polygon",
    "Polygons are not simplified",
    "A polygon with a point for every boundary pixel cannot be edited by hand.",
)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the steps of a manifest."""
    yield from _duplicate_steps(scene)
    yield from _suppression(scene)
    yield from _missing_capabilities(scene)
    yield from _mask_encoding(scene)
    yield from _polygon_simplification(scene)


def _duplicate_steps(scene: Scene) -> Iterator[Problem]:
    """Yield steps that are listed twice."""
    seen: set[object] = set()
    listed = [
        *scene.steps(Preprocess, "preprocess").items(),
        *scene.steps(Nms).items(),
        *scene.steps(Shape).items(),
    ]
    for path, step in listed:
        key = (type(step), step.suffix if isinstance(step, Shape) else "")
        if key in seen:
            is_shape = isinstance(step, Shape)
            yield scene.problem(
                DUPLICATE_STEP,
                path,
                "draws each instance twice" if is_shape else "runs twice",
                hint="remove the step" + (", or add a `suffix`" if is_shape else ""),
            )
        seen.add(key)


def _suppression(scene: Scene) -> Iterator[Problem]:
    """Yield problems of `nms`: missing, redundant, or after `top_k`."""
    suppressions = scene.steps(Nms)
    for path, decoder in scene.steps(Decoder).items():
        name, family = decoder.name(), family_of(decoder)
        if family is None:
            continue
        if family.candidates_overlap and not suppressions:
            yield scene.problem(
                MISSING_NMS,
                path,
                f"`{name}` returns overlapping bounding boxes, and no step suppresses them",
                hint=f"add `- nms: 0.45` after `- {name}`",
            )
        # Final detections of merged classes overlap, as the model suppressed each class alone.
        is_merged = scene.labels is not None and bool(scene.labels.merged_classes)
        for redundant in suppressions if not (family.candidates_overlap or is_merged) else ():
            yield scene.problem(
                REDUNDANT_NMS,
                redundant,
                f"`{name}` returns final detections; `nms` can only remove objects",
                hint="remove the step",
            )
    for path in scene.steps(TopK):
        if any(later > path for later in suppressions):
            yield scene.problem(
                TOP_K_BEFORE_NMS,
                path,
                "the remaining candidates may all be overlapping bounding boxes of one object",
                hint="move `top_k` after `nms`",
            )


def _missing_capabilities(scene: Scene) -> Iterator[Problem]:
    """Yield shapes and refinements that need more than the decoders provide."""
    if not scene.steps(Decoder):
        return
    provided = {
        capability
        for stage in scene.manifest_file.stages()
        for decoder in scene.steps(Decoder, stage=stage).values()
        for capability in decoder.provides
    }
    words = {"masks": "masks", "keypoints": "keypoints", "oriented": "oriented bounding boxes"}
    for path, step in scene.steps(Refine).items():
        if step.needs and not step.needs & provided:
            needed = " or ".join(words[it] for it in sorted(step.needs))
            yield scene.problem(
                REFINEMENT_UNSUPPORTED,
                path,
                f"`{step.name()}` needs {needed}, which the decoder does not provide",
                " and ".join(words[it] for it in sorted(provided)) or "bounding boxes only",
                needed,
                "remove the step",
            )
    for path, shape in scene.steps(Shape).items():
        if shape.needs and not shape.needs & provided:
            needed = " or ".join(words[it] for it in sorted(shape.needs))
            given = " and ".join(words[it] for it in sorted(provided)) or "bounding boxes only"
            alternative = "points" if provided == {"keypoints"} else "rectangle"
            others = {other.name() for other in scene.steps(Shape).values()}
            fix = "remove the step"
            if alternative not in others:
                fix = f"write `- {alternative}` instead"
            yield scene.problem(
                SHAPE_UNSUPPORTED,
                path,
                f"`{shape.name()}` needs {needed}, which the decoder does not provide",
                given,
                needed,
                f"{fix}, or use a model that provides {needed}",
            )


def _mask_encoding(scene: Scene) -> Iterator[Problem]:
    """Yield masks with an encoding that CVAT rejects."""
    for path, mask in scene.steps(Mask).items():
        if mask.encoding == "rle":
            yield scene.problem(
                MASK_RLE,
                (*path, "encoding"),
                "CVAT up to 2.73 rejects RLE masks from detectors",
                "rle",
                "pixels",
                "remove `encoding`, unless a program that uses CVAT's SDK reads the reply",
            )


def _polygon_simplification(scene: Scene) -> Iterator[Problem]:
    """Yield polygons with a point for every boundary pixel."""
    for path, polygon in scene.steps(Polygon).items():
        if polygon.epsilon == 0:
            yield scene.problem(
                UNSIMPLIFIED_POLYGON,
                (*path, "epsilon"),
                "the polygon would have a point for every boundary pixel",
                "0",
                "more than 0",
                "remove `epsilon`",
            )
