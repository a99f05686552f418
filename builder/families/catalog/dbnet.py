"""DBNet, PP-OCR's text detection: a probability for each pixel, [1, 1, h, w].

A recognizer, PP-OCR's or another one with a CTC output, may read the lines that it finds.
"""

from collections.abc import Iterator
from typing import Any

from builder.families.common_steps import TEXT
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import Channels as ChannelOrder
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import DraftSecond, Match, Setting, step
from builder.families.other_tasks import is_text_recognition
from builder.families.preprocessing import draft
from builder.families.sureness import Strength
from runtimes.attributes.text import METADATA_KEY, TextAttribute
from runtimes.decoders.dbnet import Dbnet
from runtimes.preprocess.text import ResizeHeight, ResizeMultiple
from runtimes.preprocess.values import Channels, Normalize
from runtimes.shapes.region import Polygon
from runtimes.signature import Tensor

_INPUT = InputFormat(
    Resizing("resize", "as in PP-OCR"),
    Values("PP-OCR's mean and std", mean=(0.5,), std=(0.5,)),
    ChannelOrder("bgr", "PP-OCR is trained on BGR"),
)
_LINE_HEIGHT = 48
"""Height of a line in PP-OCRv3 and newer."""
_CHARACTER_FILE = "characters.txt"
"""The file to write the characters to, if the recognizer's metadata have none."""
_MOST_OPERATIONS = 12
"""Between the head's first layer and its Sigmoid."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize the head of a DBNet, or a probability for images of any size."""
    yield from _recognize(evidence, None)


def recognize_pair(detector: Evidence, recognizer: Evidence) -> Iterator[Match]:
    """Recognize a DBNet beside a model with the probabilities of characters along a line."""
    image = recognizer.image
    if image is None or image.layout != "nchw" or len(recognizer.outputs) != 1:
        return
    (tensor,) = recognizer.outputs
    if not is_text_recognition(recognizer, tensor):
        return
    yield from _recognize(detector, _reader(recognizer, tensor))


def _reader(recognizer: Evidence, tensor: Tensor) -> DraftSecond:
    """Return the second model of a manifest."""
    image = recognizer.image
    assert image is not None
    height: dict[str, Any] = {} if image.height is not None else {"height": _LINE_HEIGHT}
    has_list = METADATA_KEY in recognizer.signature.metadata
    characters: dict[str, Any] = {} if has_list else {"characters": _CHARACTER_FILE}
    source = "the metadata have the characters"
    if not has_list:
        source = "write the characters that it was trained with to this file, one per line"
    return DraftSecond(
        (Setting("crop", "oriented", "PP-OCR turns tilted lines upright"),),
        (
            step(ResizeHeight, "as in PP-OCR", guessed=bool(height), **height),
            step(Channels, "PP-OCR is trained on BGR", order="bgr"),
            step(Normalize, "PP-OCR's mean and std", mean=[0.5], std=[0.5]),
        ),
        (
            step(
                TextAttribute,
                f"{tensor}; {source}",
                attribute="text",
                **characters,
            ),
        ),
    )


def _recognize(evidence: Evidence, second: DraftSecond | None) -> Iterator[Match]:
    """Yield the match of a text detector, with the model that reads its lines."""
    if len(evidence.outputs) != 1 or evidence.ultralytics.task is not None:
        return
    (tensor,) = evidence.outputs
    strength = dbnet_strength(evidence, tensor)
    if strength is None:
        return
    why = f"{tensor}: a probability for each pixel of an image of any size"
    if strength is Strength.STRUCTURE:
        why = "the head of a DBNet: ConvTranspose, ConvTranspose, Sigmoid"
    preprocess = draft(evidence, _INPUT)
    if _takes_any_size(evidence):
        # Without a limit, inputs could have any size, which CUDA runs slowly; see docs/gpu.md.
        resize = step(ResizeMultiple, "as in PP-OCR", shortest=736, longest=1920)
        preprocess = (resize, *preprocess[1:])
    yield DBNET.match(
        evidence,
        strength,
        (why,),
        (step(Dbnet, f"{tensor}: where text is"), step(Polygon, "outlines; or `rectangle`")),
        preprocess=preprocess,
        classes=TEXT,
        settings=(Setting("threshold", 0.5, "PP-OCR's threshold of a box"),),
        second=second,
    )


def dbnet_strength(evidence: Evidence, tensor: Tensor) -> Strength | None:
    """Return how strong the evidence for a DBNet is, or None without any.

    Its head widens a map twice by ConvTranspose before the Sigmoid, and it takes images of any
    size.
    """
    image = evidence.image
    if image is None or image.layout != "nchw" or not fits(tensor, (None, 1, None, None)):
        return None
    graph = evidence.graph
    name = tensor.name
    if graph.last_op(name) != "Sigmoid":
        return None
    widened = 0
    for _ in range(_MOST_OPERATIONS):
        node = graph.producer(graph.base(name))
        if node is None or node.op == "Conv" or not node.inputs:
            break
        widened += node.op == "ConvTranspose"
        name = next((it for it in node.inputs if it not in graph.weights), "")
    if widened >= 2:
        return Strength.STRUCTURE
    return Strength.SHAPE if _takes_any_size(evidence) else None


def _takes_any_size(evidence: Evidence) -> bool:
    """Whether height and width of the image are open."""
    image = evidence.image
    return image is not None and image.height is None and image.width is None


DBNET = Family(
    name="DBNet: text (PP-OCR)",
    steps=(Dbnet,),
    recognize=recognize,
    recognize_pair=recognize_pair,
    precedence=190,
    input_format=_INPUT,
)
