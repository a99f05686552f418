from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.targets.nuclio.function_yaml import function_config
from runtimes.interactor import Interactor
from runtimes.network import Network
from runtimes.refine.clean import FillHoles, LargestComponent, Smooth
from runtimes.segmenters.points import ImageAndPoints
from runtimes.segmenters.sam import Sam
from runtimes.segmenters.sam2 import Sam2
from tests.builder.conftest import failure
from tests.unseen import check_without_model

Write: TypeAlias = Callable[..., Path]

LETTERBOX = {"letterbox": {"size": 1024, "fill": [124, 116, 104], "align": "top_left"}}


@pytest.fixture
def write(tmp_path: Path, click_models: Path) -> Write:
    """Writes an interactor's manifest with some keys changed; None takes a key out."""

    def write_manifest(**changes: Any) -> Path:
        data = {
            "name": "clicks",
            "type": "interactor",
            "encoder": str(click_models / "sam-encoder.onnx"),
            "decoder": str(click_models / "sam.onnx"),
            "preprocess": [LETTERBOX, "normalize"],
            "postprocess": ["sam"],
            **changes,
        }
        path = tmp_path / "clicks.yaml"
        path.write_text(yaml.safe_dump({key: it for key, it in data.items() if it is not None}))
        return path

    return write_manifest


def interactor_of(made: Plan) -> Interactor:
    assert isinstance(made.function, Interactor)
    return made.function


def test_the_steps_are_bound_to_encoder_and_decoder(write: Write) -> None:
    made = plan(
        write(
            postprocess=["sam", "largest_component", {"fill_holes": 50}, {"smooth": 2}],
            threshold=0.5,
            min_pos_points=2,
            start_with_box="always",
        )
    )
    found = interactor_of(made)
    sam = Sam(
        points="point_coords",
        labels="point_labels",
        size="orig_im_size",
        features={"image_embeddings": "image_embeddings"},
        zeros={"mask_input": (1, 1, 256, 256), "has_mask_input": (1,)},
        output="low_res_masks",
        scores="iou_predictions",
        transformers=False,
    )
    assert found.segmenter == sam
    assert found.refine == (LargestComponent(), FillHoles(50), Smooth(2))
    assert (found.network.file, found.network.input) == ("encoder.onnx", "image")
    assert (found.decoder, found.threshold, found.reply) == ("decoder.onnx", 0.5, "shapes")
    assert (found.min_pos_points, found.box) == (2, "always")
    assert set(made.files) == {"encoder.onnx", "decoder.onnx"}


@pytest.mark.parametrize(
    ("cvat", "reply"),
    [("2.15", "mask"), ("2.9", "mask"), ("2.59", "mask"), ("2.60", "shapes"), ("2.73", "shapes"),
     ("3.0", "shapes"), (None, "shapes")],
)  # fmt: skip
def test_the_reply_depends_on_the_oldest_cvat(write: Write, cvat: str | None, reply: str) -> None:
    assert interactor_of(plan(write(cvat=cvat))).reply == reply


def test_sam2_and_single_models_are_bound(write: Write, click_models: Path) -> None:
    second = interactor_of(
        plan(
            write(
                encoder=str(click_models / "sam2-encoder.onnx"),
                decoder=str(click_models / "sam2.onnx"),
                preprocess=["resize", "normalize"],
                postprocess=[{"sam2": "all"}],
            )
        )
    )
    step = second.segmenter
    assert second.refine == ()
    assert isinstance(step, Sam2)
    assert step.masks == "all"
    assert set(step.features or {}) == {"image_embed", "high_res_feats_0", "high_res_feats_1"}
    only = interactor_of(
        plan(
            write(
                encoder=None,
                decoder=None,
                model=str(click_models / "only.onnx"),
                preprocess=[{"resize": 512}, "normalize"],
                postprocess=["image_and_points"],
            )
        )
    )
    step = only.segmenter
    assert only.refine == ()
    assert isinstance(step, ImageAndPoints)
    assert isinstance(only.network, Network)
    assert (only.network.file, only.network.input, only.decoder) == (
        "model.onnx",
        "batched_images",
        None,
    )


def annotations(write: Write, **changes: Any) -> dict[str, Any]:
    made = function_config(plan(write(**changes)), "cpu").metadata.annotations
    return made.model_dump(exclude_none=True, exclude={"spec"})


def test_annotations_have_the_minimum_numbers_of_points(write: Write) -> None:
    assert annotations(write) == {
        "name": "clicks",
        "type": "interactor",
        "version": "2",
        "min_pos_points": "1",
        "min_neg_points": "0",
    }
    found = annotations(
        write,
        min_pos_points=4,
        min_neg_points=-1,
        help="Click on four sides",
        animated_gif="https://example.org/a.gif",
    )
    assert found == {
        "name": "clicks",
        "type": "interactor",
        "version": "2",
        "min_pos_points": "4",
        "min_neg_points": "-1",
        "help_message": "Click on four sides",
        "animated_gif": "https://example.org/a.gif",
    }


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ("never", {}),
        ("optional", {"startswith_box_optional": "true"}),
        ("always", {"startswith_box": "true"}),
    ],
)
def test_annotations_have_the_bounding_box_if_one_is_used(
    write: Write, choice: str, keys: dict[str, str]
) -> None:
    found = annotations(write, start_with_box=choice)
    assert {key: text for key, text in found.items() if key.startswith("startswith")} == keys


def test_there_is_one_worker_by_default(write: Write) -> None:
    trigger = function_config(plan(write()), "cpu").spec.triggers.myHttpTrigger
    assert (trigger.numWorkers, trigger.maxWorkers) == (1, 1)
    more = plan(write(variants={"cpu": {"workers": 3}}))
    assert function_config(more, "cpu").spec.triggers.myHttpTrigger.numWorkers == 3


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"decoder": None}, ["encoder: needs `decoder` as well"]),
        ({"postprocess": ["smooth"]}, ["0 segmenters are listed"]),
        ({"postprocess": ["smooth", "sam"]}, ["the segmenter must be the first step"]),
        ({"postprocess": ["sam", "sam2"]}, ["2 segmenters are listed"]),
        ({"postprocess": ["yolo"]}, ["postprocess[0]"]),
        ({"postprocess": [{"sam": {"points": "dots"}}]}, [
            "postprocess[0].sam.points", "no input called 'dots'", "point_coords [1, ?, 2]",
        ]),
        ({"postprocess": [{"sam": "most"}]}, ["postprocess[0].sam.masks"]),
        ({"preprocess": ["normalize"]}, ["no step resizes the image to the model's input"]),
        ({"labels": ["a"]}, ["labels"]),
        ({"start_with_box": "sometimes"}, ["start_with_box"]),
    ],
)  # fmt: skip
def test_mismatches_are_reported(write: Write, changes: Any, parts: list[str]) -> None:
    text = str(failure(lambda: plan(write(**changes))))
    for part in parts:
        assert part in text


def test_unsuitable_models_are_reported(write: Write, click_models: Path) -> None:
    text = str(failure(lambda: plan(write(decoder=str(click_models / "sam-encoder.onnx")))))
    assert "`sam` needs an input for the points, but no input of the model has a usual name" in text
    assert "postprocess[0].sam.points" in text


def test_a_manifest_can_be_checked_without_its_models(write: Write) -> None:
    remote = {"url": "https://example.org/a.onnx"}
    assert check_without_model(write(encoder=remote, decoder=remote)).name == "clicks"


def test_steps_are_spelled_out_with_every_tensor(write: Write) -> None:
    found = interactor_of(plan(write()))
    step = found.segmenter
    assert found.refine == ()
    assert eval(repr(step), {"Sam": Sam}) == step
