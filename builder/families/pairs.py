"""Models that take more than an image: interactors, and trackers; some come in two files."""

from collections.abc import Iterator

from builder.families.evidence import Facts, fits
from builder.families.match import Entry, Evidence, Match, step
from builder.families.preprocessing import imagenet, sized, unless_inside, values
from runtimes.signature import Tensor

_SAM_MEAN, _SAM_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def _takes(facts: Facts, *words: str) -> bool:
    """Whether for every word some input's name holds it."""
    return all(facts.input(word) is not None for word in words)


def _takes_image(facts: Facts) -> bool:
    """Whether a model takes an image and nothing else."""
    return facts.image is not None


def sam(encoder: Facts, decoder: Facts) -> Iterator[Match]:
    """SAM, MobileSAM, SAM-HQ, SAM 2: an encoder of images and a decoder that takes points."""
    if encoder.image is None or not _takes(decoder, "point_coords", "point_labels"):
        return
    second = _takes(decoder, "high_res_feats_0") or _takes(decoder, "high_res")
    embedding = decoder.input("image_embed", "embed")
    if embedding is None:
        return
    listing = ", ".join(tensor.name for tensor in decoder.signature.inputs)
    why = (f"the decoder takes {listing}",)
    refined = (
        step("largest_component", "one part; leave it out for objects in several"),
        step("fill_holes", "no specks inside", area=100),
    )
    if second:
        yield Match(
            "SAM 2",
            Evidence.STRUCTURE,
            why,
            (
                sized(encoder, "resize", "SAM 2 stretches images", side=1024, antialias=True),
                *unless_inside(
                    encoder,
                    encoder.image.name,
                    imagenet(encoder, "SAM 2's mean and std are ImageNet's"),
                ),
            ),
            (step("sam2", "embedding and finer features; points and boxes"), *refined),
            extras=_prompts(),
            kind="interactor",
        )
        return
    yield Match(
        "SAM (MobileSAM, SAM-HQ)",
        Evidence.STRUCTURE,
        why,
        tuple(_sam_input(encoder)),
        (step("sam", "an embedding; points and boxes"), *refined),
        extras=_prompts(),
        kind="interactor",
    )


def _sam_input(encoder: Facts) -> list[Entry]:
    """How SAM's encoder takes images; those that take (H, W, 3) pad and normalise themselves."""
    assert encoder.image is not None
    if not encoder.image.batched:
        why = f"{encoder.image.name} is no batch: an encoder that pads and normalises by itself"
        fields = {"size": 1024, "align": "top_left", "stride": 1, "antialias": True}
        return [Entry("letterbox", fields, why)]
    why = "SAM pads right and bottom"
    fill = [round(value) for value in _SAM_MEAN]
    more = {"fill": fill, "align": "top_left", "antialias": True}
    return [
        sized(encoder, "letterbox", why, side=1024, **more),
        *unless_inside(
            encoder,
            encoder.image.name,
            values(encoder, "SAM's mean and std", scale=1, mean=_SAM_MEAN, std=_SAM_STD),
        ),
    ]


def clicked(facts: Facts) -> Iterator[Match]:
    """One model that takes image and points."""
    images = [it for it in facts.signature.inputs if fits(it, (1, 3, None, None))]
    if len(images) != 1 or not _takes(facts, "point", "label") or len(facts.outputs) > 3:
        return
    listing = ", ".join(tensor.name for tensor in facts.signature.inputs)
    usual = [step("normalize", "0..1", guessed=True, scale=255)]
    if not images[0].dtype.startswith("float"):
        usual = []
    yield Match(
        "segmentation of what is clicked, in one model",
        Evidence.STRUCTURE,
        (f"the model takes {listing}",),
        (
            step("resize", "the image is stretched", guessed=True, size=_side(images[0])),
            *unless_inside(facts, images[0].name, usual),
        ),
        (
            step("image_and_points", "image, points and labels"),
            step("fill_holes", "no specks inside", area=100),
        ),
        extras=_prompts(),
        kind="interactor",
    )


def _side(image: Tensor) -> int | list[int]:
    """The size of an image input, 1024 where it is open."""
    height, width = image.shape[2] or 1024, image.shape[3] or 1024
    return height if height == width else [height, width]


def _prompts() -> tuple[Entry, ...]:
    """What annotators have to give."""
    return (
        Entry("min_pos_points", {"": 1}, "a mask from the first point on"),
        Entry("min_neg_points", {"": 0}, "points outside are not needed"),
        Entry("start_with_box", {"": "optional"}, "SAM takes boxes as well"),
    )


def _crops(facts: Facts) -> tuple[Tensor, Tensor] | None:
    """The inputs for template and search: two images, the template the smaller one."""
    images = [it for it in facts.signature.inputs if fits(it, (1, 3, None, None))]
    if len(images) != 2 or len(facts.signature.inputs) != 2:
        return None
    one, other = images
    if any(word in other.name.lower() for word in ("templ", "exemplar", "target")) or (
        other.name.lower() == "z"
    ):
        return other, one
    if one.shape[2] and other.shape[2] and other.shape[2] < one.shape[2]:
        return other, one
    return one, other


def tracker(facts: Facts) -> Iterator[Match]:
    """One model that takes template and search: TransT, OSTrack, SiamRPN, SiamFC."""
    crops = _crops(facts)
    if crops is not None:
        seen = f"{crops[0]} and {crops[1]}: template and search"
        yield from _compared(facts, seen)


def tracker_in_two(encoder: Facts, decoder: Facts) -> Iterator[Match]:
    """An encoder of crops, and a head that compares two of what it makes: NanoTrack, SiamFC."""
    if not _takes_image(encoder) or len(encoder.outputs) != 1:
        return
    given = decoder.signature.inputs
    (features,) = encoder.outputs
    if len(given) != 2 or any(len(it.shape) != len(features.shape) for it in given):
        return
    channels = {it.shape[1] for it in (*given, features)} - {None}
    if len(channels) > 1 or any(fits(it, (1, 3, None, None)) and it.shape[1] for it in given):
        return
    seen = f"{given[0]} and {given[1]} are what the other file makes of a crop"
    yield from _compared(decoder, seen)


def _compared(head: Facts, seen: str) -> Iterator[Match]:
    """The kinds of answers that a comparison of two crops gives."""
    outputs = head.outputs
    shapes = [tensor.shape for tensor in outputs]
    maps = [it for it in outputs if len(it.shape) == 4]
    channels = sorted(it.shape[1] or 0 for it in maps)
    sizes = {it.shape[2:] for it in maps}
    logits = [it for it in outputs if fits(it, (1, None, 2)) and it.shape[2] == 2]
    boxes = [it for it in outputs if fits(it, (1, None, 4)) and it.shape[2] == 4]
    plain = (
        step("channels", "it reads through OpenCV, and takes 0..255", guessed=True, order="bgr"),
    )
    unit_ = (
        step(
            "normalize",
            "ImageNet's mean and std",
            guessed=True,
            mean=[0.485, 0.456, 0.406],
            std=[0.229, 0.224, 0.225],
        ),
    )
    listing = ", ".join(str(tensor) for tensor in outputs)
    found: tuple[str, str, tuple[Entry, ...]] | None = None
    if len(logits) == 1 and len(boxes) == 1:
        found = ("TransT", "transt", unit_)
    elif len(maps) >= 3 and channels[:3] == [1, 2, 2] and len(sizes) == 1:
        found = ("OSTrack, VitTrack", "ostrack", unit_)
    elif len(outputs) == 2 and len(maps) == 2 and channels[1] == 2 * channels[0] > 0:
        found = ("SiamRPN, NanoTrack", "siamrpn", plain)
    elif len(shapes) == 1 and len(maps) == 1 and channels == [1]:
        found = ("SiamFC", "siamfc", plain)
    if found is not None:
        family, name, preprocess = found
        yield Match(
            family,
            Evidence.STRUCTURE,
            (seen, listing),
            preprocess,
            (step(name, listing),),
            extras=(
                Entry("supported_shape_types", {"": ["rectangle"]}, "what the annotator draws"),
            ),
            kind="tracker",
        )
