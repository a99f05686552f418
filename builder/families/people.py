"""Keypoints of people that come finished: RTMPose and MoveNet."""

from collections.abc import Iterator

from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Entry, Evidence, Match, step
from builder.families.preprocessing import imagenet, letterbox, unit

_PERSON = ClassList(1, "people", names=("person",))
_SKELETON = step("skeleton", "keypoints; or `points`")


def rtmpose(facts: Facts) -> Iterator[Match]:
    """RTMPose: bins along x, [1, K, 2W], and along y, [1, K, 2H]."""
    if len(facts.outputs) != 2 or len(facts.of_rank(3)) != 2 or facts.size is None:
        return
    height, width = facts.size
    for x, y in (facts.outputs, facts.outputs[::-1]):
        keypoints = x.shape[1]
        named = x.name == "simcc_x" and y.name == "simcc_y"
        sized_ = x.shape[2] == 2 * width and y.shape[2] == 2 * height
        if height == width and not named and x is not facts.outputs[0]:
            continue
        if keypoints is None or keypoints != y.shape[1] or not (sized_ or named):
            continue
        fields = {} if named else {"x": x.name, "y": y.name}
        yield Match(
            "RTMPose (SimCC)",
            Evidence.STRUCTURE,
            (f"{x}, {y}: two bins for each pixel of {height}x{width}",),
            (
                letterbox(facts, "people are cut out with their aspect ratio", fill=0),
                *imagenet(facts, "mmpose's mean and std are ImageNet's"),
            ),
            (Entry("simcc", fields, f"{x}, {y}: one person an image"), _SKELETON),
            _PERSON,
            keypoints,
        )
        return


def movenet(facts: Facts) -> Iterator[Match]:
    """MoveNet for one person, [1, 1, 17, 3], or for six, [1, 6, 56]."""
    if len(facts.outputs) != 1:
        return
    (tensor,) = facts.outputs
    one = fits(tensor, (1, 1, None, 3)) and tensor.shape[3] == 3 and len(tensor.shape) == 4
    keypoints = tensor.shape[2] if one else None
    whole = facts.image is not None and not facts.image.dtype.startswith("float")
    if one and keypoints is not None and keypoints < 100:
        name, family = "movenet", "MoveNet for one person"
    elif tensor.shape == (1, 6, 56) and (whole or facts.said.task is None):
        keypoints, name, family = 17, "movenet_multi", "MoveNet for several people"
    else:
        return
    yield Match(
        family,
        Evidence.STRUCTURE,
        (f"{tensor}: y, x and score of {keypoints} keypoints",),
        (
            letterbox(facts, "MoveNet keeps the aspect ratio", side=192, fill=0),
            *unit(facts, "0..1", guessed=True),
        ),
        (step(name, f"{tensor}: y, x, score"), _SKELETON),
        _PERSON,
        keypoints or 17,
    )
