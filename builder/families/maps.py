"""Models that say something about every pixel: segmentation, saliency, text, heatmaps."""

from collections.abc import Iterator

from builder.families.class_count import of_labels
from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Entry, Evidence, Match, step
from builder.families.preprocessing import (
    bgr,
    from_model_info,
    imagenet,
    letterbox,
    sized,
    unit,
    unknown,
    values,
)
from runtimes.decoders.regions import layout_of
from runtimes.signature import Tensor

_MASK = step("mask", "the pixels of each class; or `polygon`")
_BODIES = (17, 133, 26, 21, 16, 14, 19, 68, 98, 106)
"""Numbers of keypoints that data sets of people, hands and faces have."""


def _is_int(tensor: Tensor) -> bool:
    return tensor.dtype.startswith(("int", "uint"))


def _generic(facts: Facts, side: int = 512) -> tuple[Entry, ...]:
    """What the file says of preprocessing, or what is usual."""
    return from_model_info(facts) or (
        sized(facts, "resize", "segmentation models stretch images", side=side),
        *unknown(facts),
    )


def semantic(facts: Facts) -> Iterator[Match]:
    """A class for each pixel: [1, classes, h, w] scores, or integers [1, h, w]."""
    if facts.said.task not in (None, "semantic"):
        return
    maps = [it for it in facts.of_rank(3, 4) if fits(it, (1, None, None, None), (1, None, None))]
    if not maps or len(maps) != len(facts.outputs):
        return
    tensor = maps[0]
    if _is_int(tensor):
        if len(maps) == 1 and _pictures(facts, tensor, 1):
            yield _numbers(facts, tensor)
        return
    if len(tensor.shape) != 4:
        return
    layout = layout_of(tensor.shape, None)
    channels = tensor.shape[1 if layout == "nchw" else 3]
    if channels is None or channels < 2 or not _pictures(facts, tensor, channels):
        return
    # Auxiliary heads come after the main one, and have its channels.
    if any(it.shape != tensor.shape for it in maps):
        return
    sides = [size for size in tensor.shape[2:] if size is not None]
    if "embed" in tensor.name.lower():
        return
    if channels >= 128 and facts.size and sides and max(sides) * 16 <= max(facts.size):
        return  # the features of an encoder
    activation = facts.graph.activation(tensor.name)
    fields: dict[str, object] = {}
    why = f"{tensor}: scores of {channels} classes"
    if activation == "softmax" or (activation is None and facts.is_unit(tensor)):
        fields["activation"] = "none"
        why += ", after a Softmax" if activation == "softmax" else ", 0..1 already"
    elif activation == "sigmoid":
        fields["activation"] = "none"
        why += ", after a Sigmoid"
    if len(maps) > 1:
        fields["output"] = tensor.name
    evidence = Evidence.METADATA if facts.said.task else Evidence.SHAPE
    if not facts.said.task and not _heatmaps_possible(facts, tensor, channels):
        evidence = Evidence.STRUCTURE
    first = 1
    count = channels - 1
    if facts.said.task:
        first, count = 0, channels
    yield Match(
        "semantic segmentation: scores",
        evidence,
        (f"{tensor}: {channels} channels over the image",),
        (letterbox(facts), *unit(facts)) if facts.said.task else _generic(facts),
        (Entry("semantic", fields, why), _MASK),
        ClassList(count, f"{tensor}: {channels} classes, the first taken for background", first),
    )


def _numbers(facts: Facts, tensor: Tensor) -> Match:
    """Class numbers: the highest score was chosen in the graph."""
    chosen = next((it for it in facts.graph.behind(tensor.name) if it.op == "ArgMax"), None)
    channels = facts.graph.width(chosen.inputs[0]) if chosen and chosen.inputs else None
    counted = of_labels(facts.graph, tensor.name)
    if counted is not None:
        channels = counted.count
    said = facts.said
    named = said.task == "semantic"
    first = 0 if named else 1
    count = channels - first if channels and channels > 1 else None
    return Match(
        "semantic segmentation: class numbers",
        Evidence.METADATA if named else Evidence.STRUCTURE,
        (f"{tensor}: whole numbers over the image" + (" (ArgMax)" if chosen else ""),),
        (letterbox(facts), *unit(facts)) if named else _generic(facts),
        (step("semantic", f"{tensor}: class numbers"), _MASK),
        ClassList(
            said.names if named else count,
            "metadata names" if named else "the layer before the ArgMax, without a background",
            first,
        ),
    )


def _pictures(facts: Facts, tensor: Tensor, channels: int) -> bool:
    """Whether an output can be a smaller picture of the input."""
    sides = [size for size in tensor.shape[1:] if size != channels or len(tensor.shape) == 3]
    if len(tensor.shape) == 4 and len(sides) > 2:
        sides = sides[-2:]
    if facts.size is None or len(sides) < 2 or None in sides[:2]:
        return True
    height, width = (size or 0 for size in sides[:2])
    return (
        8 <= height <= facts.size[0]
        and 8 <= width <= facts.size[1]
        and abs(height * facts.size[1] - width * facts.size[0]) <= max(facts.size)
    )


def _heatmaps_possible(facts: Facts, tensor: Tensor, channels: int) -> bool:
    """Whether channels could be keypoints: a quarter of the input, as many as a body has."""
    if facts.size is None or channels not in _BODIES:
        return False
    return tensor.shape[2:] == (facts.size[0] // 4, facts.size[1] // 4)


def heatmap(facts: Facts) -> Iterator[Match]:
    """Heatmaps of one person's keypoints, a quarter as large as the input: HRNet, ViTPose."""
    if len(facts.outputs) != 1 or facts.said.task is not None:
        return
    (tensor,) = facts.outputs
    if not fits(tensor, (1, None, None, None)) or not tensor.dtype.startswith("float"):
        return
    channels = tensor.shape[1]
    if channels is None or not _heatmaps_possible(facts, tensor, channels):
        return
    assert facts.size is not None
    upright = facts.size[0] * 3 == facts.size[1] * 4
    why = f"{tensor}: {channels} maps, a quarter of {facts.size[0]}x{facts.size[1]}"
    if upright:
        why += ", which is as tall as people are cut out"
    yield Match(
        "heatmaps of keypoints (HRNet, ViTPose)",
        Evidence.STRUCTURE if upright else Evidence.SHAPE,
        (why,),
        (
            letterbox(facts, "people are cut out with their aspect ratio", side=256, fill=0),
            *imagenet(facts, "mmpose's mean and std are ImageNet's"),
        ),
        (step("heatmap", f"{tensor}: one person an image"), step("skeleton", "keypoints")),
        ClassList(1, "one person", names=("person",)),
        channels,
    )


def saliency(facts: Facts) -> Iterator[Match]:
    """One value for each pixel: u2net, ISNet, people in front of a camera."""
    if facts.said.task is not None or not facts.outputs:
        return
    singles = [it for it in facts.outputs if _single(facts, it)]
    if len(singles) != len(facts.outputs):
        return
    tensor = singles[0]
    if len(singles) == 1 and _text(facts, tensor) is Evidence.STRUCTURE:
        return
    activation = facts.graph.activation(tensor.name)
    is_unit = facts.is_unit(tensor)
    fields: dict[str, object] = {}
    why = f"{tensor}: one value for each pixel"
    guessed = False
    if activation == "none" or (activation is None and is_unit is False):
        fields["activation"] = "sigmoid"
        why += ", before a sigmoid"
    elif activation is None and is_unit is None:
        guessed = True
    if len(singles) > 1:
        why += f", the first of {len(singles)}"
    rivals = len(singles) == 1 and _text(facts, tensor) is not None
    yield Match(
        "salient objects or people (u2net, ISNet, selfie)",
        Evidence.SHAPE if rivals else Evidence.STRUCTURE,
        (why,),
        _salient_input(facts, len(singles)),
        (Entry("saliency", fields, why, guessed), step("mask", "the foreground; or `polygon`")),
        ClassList(1, f"{tensor}: one class", names=("foreground",)),
    )


def _salient_input(facts: Facts, outputs: int) -> tuple[Entry, ...]:
    """How the family's best known members want their images."""
    said = from_model_info(facts)
    if said:
        return said
    image = facts.image
    resize = sized(facts, "resize", "these models stretch images", side=320)
    if image is not None and image.layout in ("nhwc", "hwc"):
        return resize, *unit(facts, "0..1, as models converted from TensorFlow", guessed=True)
    if outputs > 1:
        return resize, *imagenet(facts, "u2net's mean and std are ImageNet's", guessed=True)
    return resize, *unknown(facts)


def _single(facts: Facts, tensor: Tensor) -> bool:
    """Whether an output has one fraction for each pixel."""
    shape = tensor.shape
    if not tensor.dtype.startswith("float") or shape[:1] not in ((1,), (None,)):
        return False
    if len(shape) == 4 and 1 in (shape[1], shape[3]):
        sides = shape[2:] if shape[1] == 1 else shape[1:3]
    elif len(shape) == 3:
        sides = shape[1:]
    else:
        return False
    if facts.size is None or None in sides:
        return len(shape) == 4
    height, width = (size or 0 for size in sides)
    return height >= 8 and height * facts.size[1] == width * facts.size[0]


def _text(facts: Facts, tensor: Tensor) -> Evidence | None:
    """How much speaks for a DBNet.

    Its head widens a map twice by ConvTranspose before the Sigmoid, and it takes images of any
    size.
    """
    image = facts.image
    if image is None or image.layout != "nchw" or not fits(tensor, (None, 1, None, None)):
        return None
    graph = facts.graph
    widened = 0
    name = tensor.name
    if graph.end(name) != "Sigmoid":
        return None
    for _ in range(12):
        node = graph.giver(graph.source(name))
        if node is None or node.op == "Conv" or not node.inputs:
            break
        widened += node.op == "ConvTranspose"
        name = next((it for it in node.inputs if it not in graph.weights), "")
    open_ = image.height is None and image.width is None
    if widened >= 2:
        return Evidence.STRUCTURE
    return Evidence.SHAPE if open_ else None


def dbnet(facts: Facts) -> Iterator[Match]:
    """PP-OCR's and other DBNets' text detection: a probability [1, 1, h, w]."""
    if len(facts.outputs) != 1 or facts.said.task is not None:
        return
    (tensor,) = facts.outputs
    evidence = _text(facts, tensor)
    if evidence is None:
        return
    why = f"{tensor}: a probability for each pixel of an image of any size"
    if evidence is Evidence.STRUCTURE:
        why = "the head of a DBNet: ConvTranspose, ConvTranspose, Sigmoid"
    image = facts.image
    assert image is not None
    free = image.height is None and image.width is None
    yield Match(
        "DBNet: text (PP-OCR)",
        evidence,
        (why,),
        (
            step("resize_multiple", "PP-OCR's own", shortest=736)
            if free
            else sized(facts, "resize", "PP-OCR stretches images"),
            *bgr(facts, "PP-OCR reads through OpenCV"),
            *values(facts, "PP-OCR's mean and std", mean=[0.5], std=[0.5]),
        ),
        (step("dbnet", f"{tensor}: where text is"), step("polygon", "outlines; or `rectangle`")),
        ClassList(1, "text", names=("text",)),
        extras=(Entry("threshold", {"": 0.5}, "PP-OCR's threshold of a box"),),
    )


def pixellink(facts: Facts) -> Iterator[Match]:
    """PixelLink's text detection: [1, 2, h, w] and [1, 16, h, w], or channels last."""
    if len(facts.outputs) != 2:
        return
    for pixels, links in (facts.outputs, facts.outputs[::-1]):
        first = fits(pixels, (1, 2, "h", "w")) and fits(links, (1, 16, "h", "w"))
        last = fits(pixels, (1, "h", "w", 2)) and fits(links, (1, "h", "w", 16))
        known = {2, 16} <= {*pixels.shape, *links.shape}
        if known and (first or last):
            softmax = {facts.graph.activation(it.name) for it in (pixels, links)} == {"softmax"}
            yield Match(
                "PixelLink: text",
                Evidence.STRUCTURE,
                (f"{pixels}, {links}: text or not, and links to eight neighbours",),
                (
                    sized(facts, "resize", "PixelLink stretches images"),
                    *bgr(facts, "OpenVINO's models read through OpenCV", guessed=True),
                ),
                (
                    Entry("pixellink", {"activated": True} if softmax else {}, "text and links"),
                    step("mask", "the pixels of each text; or `polygon`"),
                ),
                ClassList(1, "text", names=("text",)),
            )
            return
