"""MoveNet for one person, [1, 1, 17, 3], or for six, [1, 6, 56]."""

from collections.abc import Iterator

from builder.families.common_steps import PERSON, SKELETON
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import Match, step
from builder.families.sureness import Strength
from runtimes.decoders.movenet import Movenet, MovenetMulti
from runtimes.step import Decoder

_MOST_KEYPOINTS = 99
_COCO_KEYPOINTS = 17


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize y, x and score of the keypoints of one person or of six."""
    if len(evidence.outputs) != 1:
        return
    (tensor,) = evidence.outputs
    single = fits(tensor, (1, 1, None, 3)) and tensor.shape[3] == 3
    keypoints = tensor.shape[2] if single else None
    image = evidence.image
    integers = image is not None and not image.dtype.startswith("float")
    decoder: type[Decoder]
    if keypoints is not None and keypoints <= _MOST_KEYPOINTS:
        decoder, people = Movenet, "one person"
    elif tensor.shape == (1, 6, 56) and (integers or evidence.ultralytics.task is None):
        decoder, people, keypoints = MovenetMulti, "several people", _COCO_KEYPOINTS
    else:
        return
    fraction = evidence.is_fraction(tensor)
    if fraction is False and decoder is Movenet:
        return
    why = f"{tensor}: y, x and score of {keypoints} keypoints"
    likely = bool(fraction) or (integers and keypoints == _COCO_KEYPOINTS)
    if fraction:
        why += ", all in 0..1"
    if integers:
        why += "; the input takes whole numbers"
    yield MOVENET.match(
        evidence,
        Strength.EVIDENCE if likely else Strength.SHAPE,
        (why,),
        (step(decoder, f"{tensor}: y, x, score"), SKELETON),
        name=f"{MOVENET.name} for {people}",
        classes=PERSON,
        keypoints=keypoints,
    )


MOVENET = Family(
    name="MoveNet",
    steps=(Movenet, MovenetMulti),
    recognize=recognize,
    precedence=160,
    input_format=InputFormat(
        Resizing("letterbox", "MoveNet keeps the aspect ratio", side=192, fill=0),
        Values("0..1", guessed=True),
    ),
)
