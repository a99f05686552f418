"""Trackers that compare a template, which shows the object, with a search crop of the next frame.

One model takes both crops, or an encoder takes one crop and a head compares two crops' features.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from builder.families.evidence import Evidence, fits
from builder.families.family import Aspect, Family
from builder.families.input_format import Channels, InputFormat, Values
from builder.families.match import Match, Setting, step
from builder.families.preprocessing import draft
from builder.families.sureness import Strength
from runtimes.interfaces import Tracking
from runtimes.signature import ImageInput, Tensor

OPENCV_CROPS = InputFormat(
    values=Values(scale=1),
    channels=Channels("bgr", "trained on BGR, 0..255", guessed=True),
)
"""What the trackers of pysot and its successors take."""

_TASKS_OF_TWO_IMAGES = ("optical flow", "depth from two cameras", "interpolation of frames")
_SETTINGS = (Setting("supported_shape_types", ["rectangle"], "the shapes that annotators draw"),)


def tracker_family(
    *,
    name: str,
    tracker: type[Tracking],
    outputs_fit: Callable[[Sequence[Tensor]], bool],
    precedence: int,
    input_format: InputFormat,
    required: frozenset[Aspect] = frozenset(),
) -> Family:
    """Return a family of trackers.

    Args:
        name: see Family.
        tracker: the step that reads its models' outputs.
        outputs_fit: whether outputs are those of the model, or head, that compares.
        precedence: see Family.
        input_format: how crops look to its models.
        required: see Family.
    """

    def match(
        head: Evidence, crops: Evidence, reason: str, strength: Strength = Strength.STRUCTURE
    ) -> Iterator[Match]:
        if not outputs_fit(head.outputs):
            return
        listing = ", ".join(str(tensor) for tensor in head.outputs)
        yield family.match(
            head,
            strength,
            (reason, listing),
            (step(tracker, listing),),
            preprocess=draft(crops, input_format),
            settings=_SETTINGS,
            other_tasks=_TASKS_OF_TWO_IMAGES,
        )

    def recognize(evidence: Evidence) -> Iterator[Match]:
        found = _template_and_search(evidence)
        if found is not None:
            template, search = found
            crops = replace(evidence, image=ImageInput.of(template))
            differ = _is_template(template, search) != _is_template(search, template)
            strength = Strength.STRUCTURE if differ else Strength.SHAPE
            reason = f"{template} and {search}: template and search"
            yield from match(evidence, crops, reason, strength)

    def recognize_pair(encoder: Evidence, head: Evidence) -> Iterator[Match]:
        if _compares_features(encoder, head):
            one, other = head.signature.inputs
            reason = f"{one} and {other} are features of the other model"
            yield from match(head, encoder, reason)

    family = Family(
        name=name,
        steps=(tracker,),
        recognize=recognize,
        recognize_pair=recognize_pair,
        precedence=precedence,
        input_format=input_format,
        required=required,
    )
    return family


def _template_and_search(evidence: Evidence) -> tuple[Tensor, Tensor] | None:
    """Return the inputs for template and search, or None if the model takes other inputs."""
    images = [it for it in evidence.signature.inputs if fits(it, (1, 3, None, None))]
    if len(images) != 2 or len(evidence.signature.inputs) != 2:
        return None
    one, other = images
    return (other, one) if _is_template(other, one) else (one, other)


def _is_template(tensor: Tensor, other: Tensor) -> bool:
    """Whether an input takes the template: by its name, or because it is the smaller one."""
    name = tensor.name.lower()
    if name == "z" or any(word in name for word in ("templ", "exemplar", "target")):
        return True
    side, other_side = tensor.shape[2], other.shape[2]
    return bool(side and other_side and side < other_side)


def _compares_features(encoder: Evidence, head: Evidence) -> bool:
    """Whether a head compares two of what an encoder makes of a crop."""
    inputs = head.signature.inputs
    if encoder.image is None or len(encoder.outputs) != 1 or len(inputs) != 2:
        return False
    (features,) = encoder.outputs
    if any(len(it.shape) != len(features.shape) for it in inputs):
        return False
    channels = {it.shape[1] for it in (*inputs, features)} - {None}
    images = any(fits(it, (1, 3, None, None)) and it.shape[1] for it in inputs)
    return len(channels) <= 1 and not images
