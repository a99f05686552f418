from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.backends.session import run_fitted
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.prompted import Prompted
from runtimes.prompts import Prompts
from runtimes.segmenters.sam import Sam
from runtimes.segmenters.sam2 import Sam2
from runtimes.signature import Signature
from runtimes.view import View
from tests.runtimes.segmenters.exports import (
    OPTIMUM,
    OPTIMUM_ENCODER,
    SAM,
    SAM_ENCODER,
    ZEROS,
    signature,
    with_inputs,
)


def test_a_single_remaining_input_takes_the_single_remaining_output() -> None:
    encoder = signature({"images": (1, 3, 1024, 1024)}, {"embeddings": (1, 256, 64, 64)})
    assert Sam().bind(SAM, encoder).features == {"image_embeddings": "embeddings"}


def test_a_decoder_may_lack_inputs_for_size_and_previous_mask() -> None:
    plain = with_inputs(SAM, mask_input=None, has_mask_input=None, orig_im_size=None)
    bound = Sam().bind(plain, SAM_ENCODER)
    assert (bound.size, bound.zeros) == (None, {})


def test_names_in_the_manifest_take_precedence() -> None:
    odd = with_inputs(SAM, point_coords=None, clicks=(1, None, 2))
    assert Sam(points="clicks").bind(odd, SAM_ENCODER).points == "clicks"
    assert Sam(output="masks").bind(SAM, SAM_ENCODER).output == "masks"


@pytest.mark.parametrize(
    ("step", "model", "what", "where"),
    [
        (
            Sam(),
            with_inputs(SAM, point_coords=None),
            "needs an input for the points",
            "points",
        ),
        (
            Sam(),
            with_inputs(SAM, point_labels=None),
            "needs an input for the labels",
            "labels",
        ),
        (
            Sam(),
            replace(SAM, outputs=SAM.outputs[:1]),
            "needs an output with scores",
            "scores",
        ),
        (
            Sam(),
            replace(SAM, outputs=SAM.outputs[1:2]),
            "needs an output with masks",
            "output",
        ),
        (Sam(points="clicks"), SAM, "no input called 'clicks'", "points"),
        (Sam(size="frame"), SAM, "no input called 'frame'", "size"),
        (
            Sam(),
            with_inputs(SAM, odd=(1, 2)),
            "has no value for the input odd",
            "features",
        ),
        (Sam(zeros={}), SAM, "has no value for the input mask_input", "features"),
        (Sam(zeros={**ZEROS, "gone": (1,)}), SAM, "no input called 'gone'", "zeros"),
        (Sam(), with_inputs(SAM, point_coords=(1, 5, 2)), "takes exactly 5 points", "points"),
        (Sam(), with_inputs(SAM, point_labels=(1, 2)), "takes exactly 2 points", "labels"),
    ],
)
def test_models_that_are_not_sam_decoders_are_refused(
    step: Sam, model: Signature, what: str, where: str
) -> None:
    with pytest.raises(BadModel) as caught:
        step.bind(model, SAM_ENCODER)
    assert what in caught.value.what
    assert caught.value.where == where


@pytest.mark.parametrize("features", [{"image_embeddings": "other"}])
def test_features_that_the_encoder_lacks_are_refused(features: dict[str, str]) -> None:
    with pytest.raises(BadModel, match="the encoder has no output called 'other'"):
        Sam(features=features).bind(SAM, SAM_ENCODER)


@dataclass
class Recorded:
    """A session that records its inputs and returns outputs from a list."""

    signature: Signature
    answers: list[dict[str, Array]]
    given: list[dict[str, Array]] = field(default_factory=list)
    device: str = "paper"
    warning: str = ""

    def read(self, names: Iterable[str]) -> None:
        raise NotImplementedError

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.given.append(dict(inputs))
        return self.answers[len(self.given) - 1]


EMBEDDING = {"image_embeddings": np.zeros((1, 256, 64, 64), np.float32)}
WIDE = View((300, 600), (1024, 1024), Geometry(1024 / 600, 512 / 300))
"""An image twice as wide as high, 300x600, letterboxed to the top left of 1024x1024."""


def prompts(
    positive: list[Any] | None = None, negative: list[Any] | None = None, box: Any = None
) -> Prompts:
    return Prompts.of({"pos_points": positive, "neg_points": negative, "obj_bbox": box})


def answer(scores: list[float], side: int = 256) -> dict[str, Array]:
    """Masks as wide as a quarter of the input, mask k in the k-th band of 32 rows from the top."""
    count = len(scores)
    low = np.full((1, count, side, side), -5, np.float32)
    for number in range(count):
        low[0, number, 32 * number : 32 * number + 32, : side // 4] = 5
    return {
        "low_res_masks": low,
        "masks": np.zeros((1, count, 4, 4), np.float32),
        "iou_predictions": np.array([scores], np.float32),
    }


def run(
    step: Prompted, asked: Prompts, *answers: dict[str, Array], view: View = WIDE
) -> tuple[Instances, Recorded]:
    session = Recorded(SAM, list(answers))
    return step(partial(run_fitted, session), EMBEDDING, view, asked), session


BOUND = Sam().bind(SAM, SAM_ENCODER)


def test_points_are_in_pixels_of_the_input_and_padded_without_a_box() -> None:
    _, session = run(BOUND, prompts([[150, 75]], [[300, 150], [600, 0]]), answer([0.5]))
    (given,) = session.given
    assert given["point_coords"].tolist() == [[[256, 128], [512, 256], [1024, 0], [0, 0]]]
    assert given["point_labels"].tolist() == [[1, 0, 0, -1]]
    assert given["mask_input"].shape == (1, 1, 256, 256)
    assert not given["mask_input"].any()
    assert given["has_mask_input"].tolist() == [0]
    # Of the image as the model sees it: an enlarged mask costs no more for a larger photo.
    assert given["orig_im_size"].tolist() == [512, 1024]
    assert np.shares_memory(given["image_embeddings"], EMBEDDING["image_embeddings"])
    assert {array.dtype.name for array in given.values()} == {"float32"}


def test_a_box_is_two_points_with_their_own_labels() -> None:
    _, session = run(BOUND, prompts([[150, 75]], [], [300, 150, 75, 0]), answer([0.5]))
    (given,) = session.given
    assert given["point_coords"].tolist() == [[[256, 128], [128, 0], [512, 256]]]
    assert given["point_labels"].tolist() == [[1, 2, 3]]


def test_sam2_gets_no_padding_point() -> None:
    step = Sam2().bind(SAM, SAM_ENCODER)
    _, session = run(step, prompts([[150, 75]]), answer([0.5]))
    assert session.given[0]["point_labels"].tolist() == [[1]]


def test_the_decoder_of_hugging_face_pads_points_itself() -> None:
    features = {**EMBEDDING, "image_positional_embeddings": EMBEDDING["image_embeddings"] + 1}
    session = Recorded(OPTIMUM, [{"iou_scores": np.array([[[0.5, 0.75, 0.25]]], np.float32)}])
    session.answers[0]["pred_masks"] = answer([0.5, 0.75, 0.25])["low_res_masks"][None]
    step = Sam().bind(OPTIMUM, OPTIMUM_ENCODER)
    found = step(partial(run_fitted, session), features, WIDE, prompts([[150, 75]], [[300, 150]]))
    (given,) = session.given
    assert given["input_points"].tolist() == [[[[256, 128], [512, 256]]]]
    assert given["input_labels"].tolist() == [[[1, 0]]]
    assert given["input_labels"].dtype == np.int64
    assert (given["image_positional_embeddings"] == 1).all()
    # The best of the three masks, the second band.
    assert found.scores.tolist() == [0.75]
    assert found.boxes[0].tolist() == pytest.approx([0, 75, 150, 150])


def test_each_of_several_boxes_is_a_run() -> None:
    asked = prompts([[10, 10]], [], [0, 0, 60, 60, 300, 0, 360, 60])
    found, session = run(BOUND, asked, answer([0.5]), answer([0.75]))
    assert [it["point_labels"].tolist() for it in session.given] == [[[1, 2, 3]], [[2, 3]]]
    assert found.classes.tolist() == [0, 1]
    assert found.scores.tolist() == [0.5, 0.75]


def test_arrays_are_converted_to_the_types_and_axes_of_the_inputs() -> None:
    model = signature(
        {
            "image_embeddings": ("float16", (1, 256, 64, 64)),
            "input_points": (1, 1, None, 2),
            "input_labels": ("int64", (1, 1, None)),
            "orig_im_size": ("int32", (2,)),
        },
        {"pred_masks": (1, 1, 3, 256, 256), "iou_scores": (1, 1, 3)},
    )
    reply = answer([0.5, 0.25, 0.75])
    session = Recorded(
        model,
        [
            {
                "pred_masks": reply["low_res_masks"][None],
                "iou_scores": reply["iou_predictions"][None],
            }
        ],
    )
    found = Sam2().bind(model, SAM_ENCODER)(
        partial(run_fitted, session), EMBEDDING, WIDE, prompts([[150, 75]])
    )
    given = session.given[0]
    assert given["input_points"].tolist() == [[[[256, 128]]]]
    assert {name: it.dtype.name for name, it in given.items()} == {
        "image_embeddings": "float16",
        "input_points": "float32",
        "input_labels": "int64",
        "orig_im_size": "int32",
    }
    assert found.scores.tolist() == [0.75]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        # Ambiguous, one point or a box without points: the best of the last three.
        (prompts([[150, 75]]), 2),
        (prompts(box=[0, 0, 60, 60]), 2),
        # Unambiguous: the first mask, whatever its score.
        (prompts([[150, 75], [160, 75]]), 0),
        (prompts([[150, 75]], [[160, 75]]), 0),
        (prompts([[150, 75]], [], [0, 0, 60, 60]), 0),
    ],
)
def test_the_prompts_select_among_four_masks(asked: Prompts, chosen: int) -> None:
    found, _ = run(BOUND, asked, answer([0.125, 0.25, 0.75, 0.5]))
    assert found.scores.tolist() == [[0.125, 0.25, 0.75, 0.5][chosen]]
    assert found.boxes[0, 1] == pytest.approx(chosen * 32 * 4 * 300 / 512)


def test_the_best_of_three_masks_is_returned() -> None:
    found, _ = run(BOUND, prompts([[1, 1], [2, 2]]), answer([0.5, 0.75, 0.25]))
    assert found.scores.tolist() == [0.75]


def test_all_masks_can_be_returned() -> None:
    step = replace(BOUND, masks="all")
    found, _ = run(step, prompts([[1, 1]]), answer([0.125, 0.25, 0.75, 0.5]))
    assert found.scores.tolist() == [0.25, 0.75, 0.5]
    assert found.classes.tolist() == [0, 0, 0]
    found, _ = run(step, prompts([[1, 1], [2, 2]]), answer([0.125, 0.25, 0.75, 0.5]))
    assert found.scores.tolist() == [0.125]


@pytest.mark.parametrize("masks", ["best", "all"])
def test_an_empty_mask_is_not_returned(masks: Any) -> None:
    reply = answer([0.5, 0.9, 0.25])
    reply["low_res_masks"][0, 1] = -1
    found, _ = run(replace(BOUND, masks=masks), prompts([[1, 1]]), reply)
    assert found.scores.tolist() == ([0.5] if masks == "best" else [0.5, 0.25])
    reply["low_res_masks"][:] = -1
    found, _ = run(BOUND, prompts([[1, 1]]), reply)
    assert len(found) == 0


def test_scores_outside_0_and_1_are_kept_and_nan_is_dropped() -> None:
    found, _ = run(
        replace(BOUND, masks="all"), prompts([[1, 1]]), answer([1.0625, float("nan"), -0.5])
    )
    assert found.scores.tolist() == [1.0625, -0.5]
    found, _ = run(BOUND, prompts([[1, 1]]), answer([0.25, float("nan"), 0.125]))
    assert found.scores.tolist() == [0.25]


def test_masks_are_mapped_to_the_image() -> None:
    found, _ = run(BOUND, prompts([[1, 1]]), answer([0.5]))
    # A quarter of 1024 wide and 128 high, of an input in which 512 rows are the image.
    assert found.boxes[0].tolist() == pytest.approx([0, 0, 150, 75])
    assert found.masks is not None
    crop = found.masks.crop(0, found.boxes[0], WIDE.image)
    assert crop is not None
    assert (crop.left, crop.top, crop.bitmap.shape) == (0, 0, (75, 150))
    assert crop.bitmap.all()


def test_padding_in_the_encoder_gives_the_same_masks() -> None:
    unpadded = replace(WIDE, input=(512, 1024))
    found, session = run(BOUND, prompts([[1, 1]]), answer([0.5]), view=unpadded)
    assert found.boxes[0].tolist() == pytest.approx([0, 0, 150, 75])
    assert session.given[0]["orig_im_size"].tolist() == [512, 1024]


def test_masks_of_the_requested_size_exclude_the_padding() -> None:
    step = replace(BOUND, output="masks")
    large = np.full((1, 1, 512, 1024), -5, np.float32)
    large[0, 0, 256:, 512:] = 5
    reply = {"masks": large, "iou_predictions": np.array([[0.5]], np.float32)}
    found, _ = run(step, prompts([[1, 1]]), reply)
    assert found.boxes[0].tolist() == pytest.approx([300, 150, 600, 300])


def test_the_level_can_be_that_of_probabilities() -> None:
    reply = answer([0.5])
    reply["low_res_masks"] = (reply["low_res_masks"] > 0) * np.float32(0.9)
    reply["low_res_masks"][0, 0, 200:] = 0.4
    found, _ = run(replace(BOUND, level=0.5), prompts([[1, 1]]), reply)
    assert found.boxes[0].tolist() == pytest.approx([0, 0, 150, 75])


@pytest.mark.parametrize(
    "change",
    [
        {"low_res_masks": np.zeros((4, 4), np.float32)},
        {"low_res_masks": np.zeros((1, 2, 4, 4), np.float32)},
        {"low_res_masks": np.zeros((1, 1, 0, 4), np.float32)},
        {"iou_predictions": np.zeros((1, 2), np.float32)},
    ],
)
def test_outputs_of_another_shape_are_refused(change: dict[str, Array]) -> None:
    with pytest.raises(BadModel, match="`sam` reads masks"):
        run(BOUND, prompts([[1, 1]]), {**answer([0.5]), **change})


def test_a_missing_output_is_refused() -> None:
    with pytest.raises(BadModel, match="no output 'low_res_masks'"):
        run(BOUND, prompts([[1, 1]]), {"iou_predictions": np.zeros((1, 1), np.float32)})
