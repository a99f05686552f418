"""Steps that do not go together."""

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
    """See builder.lint."""
    yield from _repeated(scene)
    yield from _suppression(scene)
    yield from _shapes(scene)
    yield from _masks(scene)


def _repeated(scene: Scene) -> Iterator[Problem]:
    """Steps that do again what was done."""
    seen: set[object] = set()
    listed = [
        *scene.steps(Preprocess, "preprocess").items(),
        *scene.steps(Nms).items(),
        *scene.steps(Shape).items(),
    ]
    for path, step in listed:
        key = (type(step), step.suffix if isinstance(step, Shape) else "")
        if key in seen:
            drawn = isinstance(step, Shape)
            yield scene.problem(
                DUPLICATE_STEP,
                path,
                "would draw each instance a second time" if drawn else "would be done twice",
                hint="leave it out" + (", or give it a `suffix`" if drawn else ""),
            )
        seen.add(key)


def _suppression(scene: Scene) -> Iterator[Problem]:
    """`nms` where the model has it inside, and none where it has not."""
    suppressions = scene.steps(Nms)
    for path, decoder in scene.steps(Decoder).items():
        name, family = decoder.name(), family_of(decoder)
        if family is None:
            continue
        if family.candidates_overlap and not suppressions:
            yield scene.problem(
                MISSING_NMS,
                path,
                f"`{name}` gives several boxes for each object, and no step leaves only the best",
                hint=f"add `- nms: 0.45` after `- {name}`",
            )
        for needless in suppressions if not family.candidates_overlap else ():
            yield scene.problem(
                REDUNDANT_NMS,
                needless,
                f"what `{name}` decodes is suppressed already; a second time can only lose objects",
                hint="leave the step out",
            )
    for path in scene.steps(TopK):
        if any(later > path for later in suppressions):
            yield scene.problem(
                TOP_K_BEFORE_NMS,
                path,
                "cuts the list while one object may still fill all of it with overlapping boxes",
                hint="write `top_k` after `nms`",
            )


def _shapes(scene: Scene) -> Iterator[Problem]:
    """Shapes, and refinements, that need more than the decoders give."""
    if not scene.steps(Decoder):
        return
    provided = {
        capability
        for stage in scene.manifest_file.stages()
        for decoder in scene.steps(Decoder, stage=stage).values()
        for capability in decoder.provides
    }
    words = {"masks": "masks", "keypoints": "keypoints", "oriented": "oriented boxes"}
    for path, step in scene.steps(Refine).items():
        if step.needs and not step.needs & provided:
            needed = " or ".join(words[it] for it in sorted(step.needs))
            yield scene.problem(
                REFINEMENT_UNSUPPORTED,
                path,
                f"`{step.name()}` needs {needed}, which the decoder does not give",
                " and ".join(words[it] for it in sorted(provided)) or "boxes alone",
                needed,
                "leave the step out",
            )
    for path, shape in scene.steps(Shape).items():
        if shape.needs and not shape.needs & provided:
            needed = " or ".join(words[it] for it in sorted(shape.needs))
            given = " and ".join(words[it] for it in sorted(provided)) or "boxes alone"
            fitting = "points" if provided == {"keypoints"} else "rectangle"
            others = {other.name() for other in scene.steps(Shape).values()}
            mend = f"write `- {fitting}` in its place" if fitting not in others else "leave it out"
            yield scene.problem(
                SHAPE_UNSUPPORTED,
                path,
                f"`{shape.name()}` needs {needed}, which the decoder does not give",
                given,
                needed,
                f"{mend}, or decode a model that gives {needed}",
            )


def _masks(scene: Scene) -> Iterator[Problem]:
    """Masks that CVAT refuses, and polygons that nobody can edit."""
    for path, mask in scene.steps(Mask).items():
        if mask.encoding == "rle":
            yield scene.problem(
                MASK_RLE,
                (*path, "encoding"),
                "CVAT's servers up to 2.73 refuse run lengths from a detector",
                "rle",
                "pixels",
                "leave the encoding out, unless the reply is for a program that uses CVAT's SDK",
            )
    for path, polygon in scene.steps(Polygon).items():
        if polygon.epsilon == 0:
            yield scene.problem(
                UNSIMPLIFIED_POLYGON,
                (*path, "epsilon"),
                "each pixel of the outline would become a point that annotators have to drag",
                "0",
                "more than 0",
                "leave the epsilon out",
            )
